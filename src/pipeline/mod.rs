//! The way of one record: bytes to frames, JSON, an audit record, and the line of its ECS event.
//!
//! No I/O but the reading of GeoIP databases, and no flags.

pub mod actions;
pub mod dataset;
pub mod dialect;
pub mod enrich;
pub mod event;
pub mod frame;
pub mod json;
pub(crate) mod map;
pub mod normalize;
pub mod timestamp;
