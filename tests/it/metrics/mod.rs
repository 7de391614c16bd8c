//! Metrics through the binary, over real sockets.

mod endpoint;
mod file;
mod numbers;
mod packaging;
mod service;
mod world;
