//! Raw Confluence audit records in, ECS events out.
//!
//! The way of one record: bytes are taken apart into [`frame`]s (lines, records of API pages), a
//! frame's text becomes [`json`] nodes that borrow from it, its [`dialect`] is told, [`map`] makes an
//! [`event`] of it with [`source`] addresses located by [`geoip`], and the event is written as a line
//! of JSON. [`normalize`] holds that order; it is pure. Only the commands join it to input and output.

#![forbid(unsafe_code)]

pub mod dialect;
pub mod event;
pub mod frame;
pub mod geoip;
pub mod json;
pub mod map;
pub mod memo;
pub mod network;
pub mod normalize;
pub mod source;
pub mod timestamp;
pub mod uri;
