//! Events of an Atlassian organization (docs/organization.md): every event once, in the order in which it was
//! processed.
//!
//! The API has cursors and event ids, so nothing here has slices or counts equal records: [`asker`] asks for a
//! page, spaced by [`pace`]; [`page`] reads it; [`reading`] decides where the next one begins, by `windows` of time
//! where cursors lead nowhere; `delivery` brings what is new to the output; and [`run`] holds the loop.

pub mod asker;
pub mod checkpoint;
mod delivered;
mod delivery;
mod error;
mod organization;
pub mod pace;
pub mod page;
pub mod pause;
pub mod products;
pub mod reading;
mod refusal;
mod resume;
pub mod run;
pub mod states;
mod windows;

pub use error::Error;
pub use organization::{Organization, PageStart};
