//! Arguments of `status`.

use std::time::Duration;

use clap::Args;

use super::{StateDirArgs, values};

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 everything runs, with less lag than --max-lag, 1 something does not, or there is no state, 2 usage \
error. With -q, one line says which.")]
pub struct StatusArgs {
    /// Show only these sources, sites or followed files [default: all]
    ///
    /// `tail` stands for the files of `tail`.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Exit with 1 if something is behind by this long [default: no limit]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = values::interval)]
    pub max_lag: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print it again every two seconds, with rates, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
    /// Where the state is.
    #[command(flatten)]
    pub state: StateDirArgs,
}
