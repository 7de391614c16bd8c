//! `fetch` through the binary, against the stand-in for Atlassian's servers (docs/guarantees.md, "REST
//! sources").

mod addresses;
mod advice;
mod beginnings;
mod clock;
mod daemon;
mod denials;
mod ends;
mod events;
mod faults;
mod kills;
mod model;
mod network;
mod oauth;
mod oddities;
mod organization;
mod paging;
mod proxies;
mod ranges;
mod refusals;
pub mod running;
mod runs;
mod state;
mod urls;
mod usage;
