//! Arguments of `run`, and of `config`, which looks at what `run` would do.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::cluster::OF_CLUSTER;
use super::{
    ClusterArgs, EventFormatArgs, HttpArgs, MappingArgs, MetricsArgs, StateDirArgs, values,
};

/// The long text of `--config`.
const CONFIG_HELP: &str = "\
Configuration file [env: CONFLUENCE_ECS_CONFIG]

A flag takes precedence over the environment, the environment over the file. Without flag and variable it is \
/etc/confluence-ecs/config.toml. `config example` prints one to start from.";

/// Arguments of `run`. Flags come before what the file and the environment say, for all sources.
#[derive(Debug, Args)]
#[command(
    mut_arg("config", |argument| argument
        .help("Configuration file [env: CONFLUENCE_ECS_CONFIG]")
        .long_help(CONFIG_HELP)),
    mut_arg("strict", |argument| argument.hide(true)),
    after_help = "\
Exit codes: 0 stopped by SIGINT/SIGTERM with everything saved, 1 the state directory, or every source at the \
start, is unusable, 2 usage or configuration error. SIGHUP reopens the outputs and reads the configuration \
again."
)]
pub struct RunArgs {
    /// Append to a file, exactly once
    ///
    /// {source} in it stands for the name of the source, so that each has its own file.
    #[arg(
        short,
        long,
        value_name = "PATH",
        default_value = "-",
        value_parser = values::output(),
        conflicts_with_all = OF_CLUSTER
    )]
    pub output: PathBuf,
    /// How the output is written.
    #[command(flatten)]
    pub format: EventFormatArgs,
    /// Where to keep how far the sources were read.
    #[command(flatten)]
    pub state: StateDirArgs,
    /// How requests of `fetch` are made.
    #[command(flatten)]
    pub http: HttpArgs,
    /// The cluster to send to, instead of an output file.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Where metrics are told.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: MappingArgs,
    /// The flags that are on the command line.
    #[arg(skip)]
    pub given: Vec<GivenFlag>,
}

/// A flag on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenFlag {
    /// Its long name, without dashes.
    pub name: String,
    /// Its values; none if it takes none.
    pub values: Option<Vec<OsString>>,
}

/// The commands of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration: its keys and values, databases, paths, credentials, and the state directory
    #[command(
        after_help = "Exit codes: 0 all steps passed, 1 a step failed, 2 the configuration is wrong."
    )]
    Check {
        /// The file.
        #[command(flatten)]
        file: ConfigFileArgs,
        /// Also ask the sites and the clusters, as `check` does
        #[arg(long)]
        connect: bool,
        /// Print the results as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what every key is set to, and where; secrets are hidden
    Show {
        /// The file.
        #[command(flatten)]
        file: ConfigFileArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a commented configuration file to start from
    Example,
}

/// `--config` of commands that look at the file.
#[derive(Debug, Args)]
pub struct ConfigFileArgs {
    /// Configuration file [env: CONFLUENCE_ECS_CONFIG]
    ///
    /// Without flag and variable: /etc/confluence-ecs/config.toml.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
