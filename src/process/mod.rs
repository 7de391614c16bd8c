//! The process and the system it runs on: signals and stopping, systemd, logging, worker threads, and how
//! files are identified, their names shown, and tables printed.

pub mod batch;
pub mod columns;
pub mod logging;
pub mod node;
pub mod service;
pub mod shown;
pub mod stop;
pub mod uninterrupted;
