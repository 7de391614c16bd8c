//! Arguments of `check`.

use clap::Args;

use super::FetchArgs;

/// Arguments of `check`: those of `fetch`, so that its command line can be checked as it is.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 no step failed, 1 one did, 2 wrong usage.")]
pub struct CheckArgs {
    /// Print the steps as JSON
    #[arg(long)]
    pub json: bool,
    /// What would be fetched.
    #[command(flatten)]
    pub fetch: FetchArgs,
}
