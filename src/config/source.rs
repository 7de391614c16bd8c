//! A source of the configuration, and the arguments that it stands for.

use std::ffi::OsString;
use std::path::PathBuf;

use super::keys::SourceKind;
use super::layers::{Assignment, Assignments, Setting, given_secrets};
use super::{Error, Place};
use crate::auth::credentials::GivenSecrets;
use crate::cli::{self, Command, FetchArgs, TailArgs};
use crate::pipeline::event::AddFields;
use crate::process::shown::Shown as _;

/// How often a site is asked where `interval` is not set.
pub const INTERVAL: &str = "1m";
/// Stands for the name of the source in the names of files.
const SOURCE: &str = "{source}";
/// The keys of those files.
const NAMED: [&str; 2] = ["file", "dead_letter"];

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
        let parsed = cli::parse_from(&self.command_line(&self.assignments));
        let mut cli = parsed.map_err(|error| {
            let command_line = |assignments: &_| self.command_line(assignments);
            explain(&error, &self.assignments, &self.place, command_line)
        })?;
        self.check_output()?;
        self.check_placeholders()?;
        self.check_values()?;
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

    /// What would be typed for its command.
    fn command_line(&self, assignments: &Assignments) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![cli::NAME.into(), self.kind.name().into()];
        if self.kind == SourceKind::Fetch && !assignments.contains_key("interval") {
            arguments.push(format!("--interval={INTERVAL}").into());
        }
        arguments.extend(assignments.values().flat_map(|one| self.flags(one)));
        // The last, since they have no flag.
        if let Some(Setting::Values(paths)) = assignments.get("paths").map(|one| &one.setting) {
            arguments.push("--".into());
            arguments.extend(paths.iter().map(OsString::from));
        }
        arguments
    }

    fn flags(&self, assignment: &Assignment) -> Vec<OsString> {
        let mut flags = flags(assignment);
        if NAMED.contains(&&*assignment.key.name) {
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

    /// A placeholder that is misspelt would be a part of the name.
    fn check_placeholders(&self) -> Result<(), Error> {
        let files = NAMED.iter().filter_map(|name| self.assignments.get(*name));
        for one in files {
            let Setting::Values(values) = &one.setting else {
                continue;
            };
            if let Some(other) = values.iter().find_map(|value| unknown_placeholder(value)) {
                return Err(Error::at(
                    &one.place,
                    format!(
                        "{}: unknown placeholder `{}`; expected `{SOURCE}`, which stands for the name of the source",
                        one.key.name,
                        other.shown()
                    ),
                ));
            }
        }
        Ok(())
    }

    /// What would be found when the source starts otherwise, though nothing but the configuration can mend it.
    fn check_values(&self) -> Result<(), Error> {
        let value = |name: &str| {
            let one = self.assignments.get(name)?;
            match &one.setting {
                Setting::Values(values) => Some((one, values.first()?)),
                Setting::Switch(_) | Setting::Count(_) | Setting::Secret { .. } => None,
            }
        };
        if let Some((one, json)) = value("add_fields")
            && json.trim_start().starts_with('{')
            && let Err(error) = AddFields::from_json(json.as_bytes())
        {
            let problem = format!("add_fields: the given JSON {error}");
            return Err(Error::at(&one.place, problem));
        }
        if let Some((one, id)) = value("cloud_id")
            && id == "auto"
            && value("url").is_none()
        {
            let problem = "cloud_id: \"auto\" requires `url`, the site to ask for its cloud id";
            return Err(Error::at(&one.place, problem));
        }
        Ok(())
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

/// The first `{…}` in a text that stands for nothing.
fn unknown_placeholder(text: &str) -> Option<&str> {
    let parts = text.match_indices('{').filter_map(|(at, _)| {
        let rest = &text[at..];
        Some(&rest[..=rest.find('}')?])
    });
    parts.into_iter().find(|placeholder| *placeholder != SOURCE)
}

/// What is wrong with arguments that were made of assignments, at the place of one that takes part in it;
/// `command_line` makes arguments of assignments.
#[must_use]
pub fn explain(
    error: &clap::Error,
    assignments: &Assignments,
    otherwise: &Place,
    command_line: impl Fn(&Assignments) -> Vec<OsString>,
) -> Error {
    let (flag, problem) = cli::problem(error, &command_line(assignments));
    let is_named = |one: &&Assignment| flag.is_some() && one.key.flag == flag;
    // One that is missing has no place: the one that requires it has, without which nothing would be missing.
    let takes_part = |one: &&Assignment| {
        let mut others = assignments.clone();
        others.remove(&one.key.name);
        match cli::parse_from(&command_line(&others)) {
            Ok(_) => true,
            Err(other) => !cli::is_same_problem(&other, error),
        }
    };
    let mut all = assignments.values();
    let at = assignments.values().find(is_named);
    let at = at.or_else(|| all.find(takes_part));
    Error::at(at.map_or(otherwise, |one| &one.place), problem)
}
