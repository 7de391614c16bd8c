//! Raw Confluence audit records in, ECS events out.
//!
//! The way of one record, in [`pipeline`]: bytes are taken apart into [frames](pipeline::frame) (lines,
//! records of API pages), a frame's text becomes [JSON nodes](pipeline::json) that borrow from it, its
//! [dialect](pipeline::dialect) is told, `map` makes an [event](pipeline::event) of it, whose
//! [source address](pipeline::enrich::source) is located, and the event is written as a line of JSON.
//! [`pipeline::normalize`] holds that order; it is pure.
//!
//! Sources make bytes: `input` reads files and pipes to their end, `tail` follows logs, `fetch` asks the
//! REST APIs over `http`, with the credentials of `auth`. A [`sink`] takes lines, and [`state`] records what is in it;
//! `ship` holds the order of the two for sources that go on and on. [`cli`] has the arguments, [`options`]
//! are made of them once, at the start, and [`commands`] join it all.
//!
//! Who may import whom stands in `tests/it/layers.rs`.

#![forbid(unsafe_code)]

pub(crate) mod auth;
pub(crate) mod check;
pub mod cli;
pub(crate) mod cluster;
pub mod commands;
pub mod config;
pub mod exit;
pub(crate) mod explain;
pub(crate) mod fetch;
pub(crate) mod fixtures;
pub(crate) mod http;
pub(crate) mod input;
pub mod options;
pub mod pipeline;
pub mod process;
pub mod report;
pub mod schema;
pub(crate) mod secret;
pub(crate) mod ship;
pub mod sink;
pub mod state;
pub(crate) mod tail;
