//! The process and the system it runs on: signals, systemd, logging, threads, files and their names.

pub(crate) mod advice;
pub(crate) mod batch;
pub(crate) mod columns;
pub(crate) mod file_id;
pub(crate) mod host;
pub(crate) mod json;
pub(crate) mod known;
pub(crate) mod listener;
pub mod logging;
pub mod metrics;
pub mod patience;
mod pulse;
pub mod service;
pub(crate) mod setting_names;
pub(crate) mod shown;
pub(crate) mod signal_guard;
mod signals;
pub(crate) mod source_name;
pub(crate) mod stop;
pub(crate) mod style;
pub(crate) mod width;
