//! Raw Confluence audit records in, ECS events out.
//!
//! The way of one record: bytes are taken apart into [`frame`](pipeline::frame)s (lines, records of API pages), a
//! frame's text becomes [`json`](pipeline::json) nodes that borrow from it, its [`dialect`](pipeline::dialect) is told, [`map`](pipeline::map) makes an
//! [`event`](pipeline::event) of it with [`source`](pipeline::enrich::source) addresses located by [`geoip`](pipeline::enrich::geoip), and the event is written as a line
//! of JSON. [`normalize`](pipeline::normalize) holds that order; it is pure.
//!
//! Sources make bytes: [`input`] reads files and pipes to their end, [`tail`] follows logs, [`fetch`] asks
//! the REST APIs over [`http`], as whom [`auth`] says. A [`sink`] takes lines, and [`state`] keeps what is
//! in it. Only the commands join the three.

#![forbid(unsafe_code)]

pub(crate) mod auth;
pub(crate) mod check;
pub mod cli;
pub mod commands;
pub mod exit;
pub(crate) mod fetch;
pub(crate) mod fixtures;
pub(crate) mod http;
pub(crate) mod input;
pub mod options;
pub mod pipeline;
pub mod process;
pub mod schema;
pub(crate) mod secret;
pub(crate) mod ship;
pub mod sink;
pub mod state;
pub(crate) mod tail;
