//! A source of the configuration, and the arguments that it stands for.

use std::ffi::OsString;
use std::path::PathBuf;

use super::keys::SourceKind;
use super::layers::{Assignment, Assignments, Setting, given_secrets};
use super::{Error, Place};
use crate::auth::credentials::GivenSecrets;
use crate::cli::{self, Command, FetchArgs, TailArgs};

/// How often a site is asked where `interval` is not set.
pub const INTERVAL: &str = "1m";
/// Stands for the name of the source in the name of an output file.
const SOURCE: &str = "{source}";

/// A source, with all that is set for it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name, which is unique.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// Where it begins in the file.
    pub place: Place,
    /// What is set, whether for it alone or for all.
    pub assignments: Assignments,
}

/// The arguments of a source's command.
#[derive(Debug)]
pub enum SourceArgs {
    /// Those of `tail`.
    Tail(Box<TailArgs>),
    /// Those of `fetch`.
    Fetch(Box<FetchArgs>),
}

impl Source {
    /// The arguments that the command of the source takes.
    ///
    /// # Errors
    /// When a value cannot be used, one is missing, or two contradict each other.
    pub fn arguments(&self) -> Result<SourceArgs, Error> {
        let mut arguments: Vec<OsString> = vec![cli::NAME.into(), self.kind.name().into()];
        let is_set = |name: &str| self.assignments.contains_key(name);
        if self.kind == SourceKind::Fetch && !is_set("interval") {
            arguments.push(format!("--interval={INTERVAL}").into());
        }
        let assignments = self.assignments.values();
        arguments.extend(assignments.flat_map(|one| self.flags(one)));
        // The last, since they have no flag.
        if let Some(Setting::Values(paths)) = self.assignments.get("paths").map(|one| &one.setting)
        {
            arguments.push("--".into());
            arguments.extend(paths.iter().map(OsString::from));
        }
        let parsed = cli::parse_from(&arguments);
        let mut cli = parsed.map_err(|error| self.explain(&error, &arguments))?;
        self.check_output()?;
        let secrets = GivenSecrets {
            source: Some(self.name.clone()),
            secrets: given_secrets(&self.assignments),
        };
        cli.command.give(secrets);
        match cli.command {
            Command::Tail(mut arguments) => {
                arguments.source = Some(self.name.clone());
                Ok(SourceArgs::Tail(Box::new(arguments)))
            }
            Command::Fetch(arguments) => Ok(SourceArgs::Fetch(arguments)),
            _ => Err(Error::at(
                &self.place,
                format!(
                    "source `{}`: expected type \"tail\" or \"fetch\"",
                    self.name
                ),
            )),
        }
    }

    fn flags(&self, assignment: &Assignment) -> Vec<OsString> {
        let mut flags = flags(assignment);
        if assignment.key.name == "file" {
            for flag in &mut flags {
                let named = flag.to_string_lossy().replace(SOURCE, &self.name);
                *flag = named.into();
            }
        }
        flags
    }

    /// The file that events are appended to; none if they go elsewhere.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        let Setting::Values(values) = &self.assignments.get("file")?.setting else {
            return None;
        };
        Some(values.first()?.replace(SOURCE, &self.name).into())
    }

    /// A service without an output would write to its log.
    fn check_output(&self) -> Result<(), Error> {
        let is_set = |name: &str| self.assignments.contains_key(name);
        if is_set("file") || is_set("elasticsearch_url") {
            return Ok(());
        }
        Err(Error::at(
            &self.place,
            format!(
                "source `{}` has no output: expected `file` or `elasticsearch_url` in [output] or \
                 [source.output] (`file = \"-\"` for stdout)",
                self.name
            ),
        ))
    }

    /// What is wrong with an argument, at the place that set it.
    fn explain(&self, error: &clap::Error, arguments: &[OsString]) -> Error {
        explain(error, arguments, &self.assignments, &self.place)
    }

    /// Whether it would run just as another does.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |(one, other): (&Assignment, &Assignment)| {
            one.key == other.key && one.setting == other.setting
        };
        self.name == other.name
            && self.kind == other.kind
            && self.assignments.len() == other.assignments.len()
            && self
                .assignments
                .values()
                .zip(other.assignments.values())
                .all(same)
    }
}

/// The flags of an assignment.
#[must_use]
pub fn flags(Assignment { key, setting, .. }: &Assignment) -> Vec<OsString> {
    let Some(flag) = &key.flag else {
        return Vec::new();
    };
    match setting {
        Setting::Switch(true) => vec![format!("--{flag}").into()],
        Setting::Count(times) => vec![format!("--{flag}").into(); usize::from(*times)],
        Setting::Values(values) => {
            let given = values
                .iter()
                .map(|value| format!("--{flag}={value}").into());
            given.collect()
        }
        Setting::Switch(false) | Setting::Secret { .. } => Vec::new(),
    }
}

/// What is wrong with an argument that was made of assignments, at the place of the one that is at fault.
#[must_use]
pub fn explain(
    error: &clap::Error,
    arguments: &[OsString],
    assignments: &Assignments,
    otherwise: &Place,
) -> Error {
    let (flag, problem) = cli::problem(error, arguments);
    let of_flag = |one: &&Assignment| flag.is_some() && one.key.flag == flag;
    let at = assignments.values().find(of_flag);
    Error::at(at.map_or(otherwise, |one| &one.place), problem)
}
