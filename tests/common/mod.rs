//! What the tests share. Each test binary uses its own part of it.
#![allow(dead_code, reason = "each test binary uses a part")]

pub mod again;
pub mod atlassian;
pub mod events;
pub mod fetching;
pub mod follow;
pub mod oracle;
pub mod program;
pub mod records;
pub mod told;
