//! Arguments of `check`.

use clap::Args;

use super::FetchArgs;

/// Arguments of `check`: those of `fetch`, so that its command line can be checked as it is.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all steps passed, 1 a step failed, 2 usage error.")]
pub struct CheckArgs {
    /// Print the results as JSON
    #[arg(long)]
    pub json: bool,
    /// What would be fetched.
    #[command(flatten)]
    pub fetch: FetchArgs,
}
