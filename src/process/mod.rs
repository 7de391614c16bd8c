//! The process and the system it runs on: signals and stopping, systemd, logging, worker threads, and how
//! files are identified and their names shown.

pub mod batch;
pub mod logging;
pub mod node;
pub mod service;
pub mod shown;
pub mod stop;
pub mod uninterrupted;
