//! The process and the system it runs on: signals and stopping, systemd, logging, worker threads, and how
//! files are identified, their names shown, and tables printed.

pub(crate) mod batch;
pub(crate) mod columns;
pub mod logging;
pub(crate) mod node;
pub mod service;
pub(crate) mod shown;
pub(crate) mod stop;
pub(crate) mod uninterrupted;
