//! Fetching from the REST APIs: every record once, in time order (docs/guarantees.md, "REST sources").
//!
//! [`connect`] finds the site and who asks, [`run`] holds the loop of the runs and `slices` one of them,
//! [`pager`] asks page after page, as `reading` and [`paging`] say, and `delivery` brings what is new to the output.

pub mod asker;
pub mod checkpoint;
pub mod clock;
pub mod connect;
pub mod dedupe;
mod delivery;
mod error;
mod fetched;
pub mod identity;
mod lines;
mod measure;
pub mod org;
mod outside;
pub mod own_searches;
pub mod page;
pub mod pager;
pub mod paging;
pub mod plan;
mod progress;
mod reading;
mod readings;
pub mod record;
pub mod refusal;
pub mod repeat;
mod resume;
pub mod run;
pub mod site;
mod slices;
pub mod spill;
pub mod start;
pub mod states;
pub mod time_spec;
pub mod user;
pub mod window;
mod written;

pub use error::Error;
