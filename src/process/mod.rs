//! The process and the system it runs on: signals, systemd, logging, threads, files and their names.

pub(crate) mod batch;
pub(crate) mod columns;
mod held;
pub mod logging;
pub(crate) mod node;
pub mod service;
pub(crate) mod shown;
pub(crate) mod stop;
pub(crate) mod uninterrupted;
