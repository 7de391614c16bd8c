//! Arguments of metrics.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::values;

/// `--metrics-file` and `--metrics-listen`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Metrics")]
pub struct MetricsArgs {
    /// Write metrics to a file every 15 seconds, for node_exporter's textfile collector
    #[arg(long, value_name = "PATH")]
    pub metrics_file: Option<PathBuf>,
    /// Serve /metrics, /healthz and /readyz over HTTP: IP:PORT, or only a port of the loopback address
    #[arg(long, value_name = "ADDRESS", value_parser = values::listen_address)]
    pub metrics_listen: Option<SocketAddr>,
}
