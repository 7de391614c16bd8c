//! Raw Confluence audit records in, ECS events out.
//!
//! The way of one record: bytes are taken apart into [`frame`]s (lines, records of API pages), a
//! frame's text becomes [`json`] nodes that borrow from it, its [`dialect`] is told, [`map`] makes an
//! [`event`] of it with [`source`] addresses located by [`geoip`], and the event is written as a line
//! of JSON. [`normalize`] holds that order; it is pure.
//!
//! Sources make bytes: [`input`] reads files and pipes to their end, [`tail`] follows logs, [`fetch`] asks
//! the REST APIs over [`http`], as whom [`auth`] says. A [`sink`] takes lines, and [`state`] keeps what is
//! in it. Only the commands join the three.

#![forbid(unsafe_code)]

pub mod auth;
pub mod batch;
pub mod check;
pub mod cli;
pub mod commands;
pub mod compression;
pub mod config;
pub mod dialect;
pub mod event;
pub mod fetch;
pub mod fixtures;
pub mod frame;
pub mod geoip;
pub mod http;
pub mod input;
pub mod json;
pub mod logging;
pub mod map;
pub mod memo;
pub mod network;
pub mod node;
pub mod normalize;
pub mod schema;
pub mod secret;
pub mod service;
pub mod shown;
pub mod sink;
pub mod source;
pub mod state;
pub mod stop;
pub mod tail;
pub mod timestamp;
pub mod uri;
