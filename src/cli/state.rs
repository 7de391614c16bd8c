//! Arguments of `state`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::values;
use crate::fetch::time_spec::TimeSpec;

/// `--state-dir`.
#[derive(Debug, Args)]
pub struct StateDirArgs {
    /// State directory
    ///
    /// Where read positions are kept, with one lock for each series of files and each site: several
    /// commands can share a directory. Without it: $STATE_DIRECTORY, which systemd sets, else
    /// $XDG_STATE_HOME/confluence-ecs, else ~/.local/state/confluence-ecs.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// The commands of `state`.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// List the saved positions
    List(StateDirArgs),
    /// Print the saved state of a followed path or a site, as JSON
    Show {
        /// A followed path, or a site
        ///
        /// A site by its address, its cloud id, or as `state list` names it.
        name: PathBuf,
        /// Source, of a path that several sources follow
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Where the state is.
        #[command(flatten)]
        state: StateDirArgs,
    },
    /// Forget a followed path, a site or a source: the next run treats it as new
    Forget {
        /// A followed path, a site, or a source of `run`
        ///
        /// A site by its address, its cloud id, or as `state list` names it; `tail` stands for all files of `tail`.
        name: PathBuf,
        /// Source, of a path that several sources follow
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Where the state is.
        #[command(flatten)]
        state: StateDirArgs,
    },
    /// Set the read position of a followed path or a site
    #[command(group = ArgGroup::new("where").required(true).args(["offset", "since"]))]
    Set {
        /// A followed path, or a site
        ///
        /// A site by its address, its cloud id, or as `state list` names it.
        name: PathBuf,
        /// Source, of a path that several sources follow
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Byte offset at which the next line starts
        #[arg(long, value_name = "N")]
        offset: Option<u64>,
        /// Continue from this time
        ///
        /// A date or time (2026-01-31, 2026-01-31T08:00:00Z), a duration before now (7d), or now.
        #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time)]
        since: Option<TimeSpec>,
        /// Where the state is.
        #[command(flatten)]
        state: StateDirArgs,
    },
    /// Give a source the read positions of `tail`, or those of a source of another name
    Rename {
        /// Whose they are: `tail` for those of the command, else a source
        from: String,
        /// The source that takes them over; it must have none
        to: String,
        /// Where the state is.
        #[command(flatten)]
        state: StateDirArgs,
    },
}
