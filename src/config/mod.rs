//! The configuration file: what the flags of `tail`, `fetch` and others are set to where the command line
//! does not say (docs/service.md).
//!
//! A file becomes arguments. Its keys are the long flags, with `_` for `-`, so there is one grammar for the
//! values of both, one check, and no second list of settings: [`keys`] are read off the definitions of the
//! command line, [`layers`] says which of flag, environment and file wins, and [`source`] makes the
//! arguments of each source of it.

pub mod arguments;
pub mod document;
mod draft;
pub mod effective;
pub mod keys;
pub mod layers;
pub mod secrets;
pub mod service;
pub mod source;

use std::fmt;
use std::path::PathBuf;

use crate::process::shown::Shown as _;

/// Where the packaged service has its configuration.
pub const DEFAULT_PATH: &str = "/etc/confluence-ecs/config.toml";
/// The environment variable that names another.
pub const PATH_VARIABLE: &str = "CONFLUENCE_ECS_CONFIG";

/// Where a value is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A flag on the command line.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// A line of the file, from 1.
    Line(PathBuf, usize),
    /// A credential of systemd.
    Credential(String),
    /// Nobody set it.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(name) => f.write_str(name),
            Self::Line(path, line) => write!(f, "{}:{line}", path.shown()),
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error(
        "--config: cannot read {}: {problem}",
        path.shown()
    )]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// A line of the file, or a variable, is wrong.
    #[error("{place}: {problem}")]
    Invalid {
        /// Where.
        place: Place,
        /// What is wrong, and what was expected.
        problem: String,
    },
}

impl Error {
    /// An error at a place.
    fn at(place: &Place, problem: impl Into<String>) -> Self {
        Self::Invalid {
            place: place.clone(),
            problem: problem.into(),
        }
    }
}
