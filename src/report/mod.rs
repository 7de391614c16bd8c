//! What happened in the records of an audit log: counted, ranked, and what is notable.
//!
//! Raw records are mapped as `normalize` maps them, and the report is made of their events alone, so that events that were
//! written before give the same report. [`events`] reads them a piece of input at a time, and [`facts`] picks what is
//! counted: of most records from the mapped event itself, which is never written (`record`), else from its JSON. A
//! [`tally::Tally`] of each piece counts it, and a [`total::Total`] takes the tallies in the order of the input: the same
//! files give the same report with any number of threads. The finished one is a [`summary::Summary`].
//!
//! All tables are capped, so that memory stays bounded whatever the input holds; what is less exact for it is said in the
//! summary's limits and in docs/report.md.

mod category;
pub mod csv;
mod details;
pub mod events;
pub mod facts;
pub mod html;
mod logins;
mod meaning;
pub mod names;
pub mod notable;
pub mod ranking;
mod record;
mod streak;
pub mod summary;
pub mod tally;
pub mod terminal;
mod text;
pub mod timeline;
pub mod total;
