//! What is looked up for an event: where its source address is, and the host of its URL.

pub mod geoip;
pub(crate) mod memo;
pub mod network;
pub mod source;
pub(crate) mod uri;
