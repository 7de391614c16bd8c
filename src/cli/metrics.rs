//! Arguments of metrics.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::values;

/// `--metrics-file` and `--metrics-listen`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Metrics")]
pub struct MetricsArgs {
    /// Write metrics to a file every 15 seconds
    ///
    /// In Prometheus' text format, for node_exporter's textfile collector. The file is replaced as a whole.
    #[arg(long, value_name = "PATH")]
    pub metrics_file: Option<PathBuf>,
    /// Serve /metrics, /healthz and /readyz over HTTP
    ///
    /// An address and a port, such as 0.0.0.0:9184; a port alone is that of the loopback address.
    #[arg(long, value_name = "ADDRESS", value_parser = values::listen_address)]
    pub metrics_listen: Option<SocketAddr>,
}
