//! What happened in the records of an audit log: counted, ranked, and what is notable.

pub mod html;
pub mod summary;
