//! What an event gets besides what its record says: location and network of its source address, the
//! hosts of its URLs, and the memory of what was looked up.

pub mod geoip;
pub(crate) mod memo;
pub mod network;
pub mod source;
pub(crate) mod uri;
