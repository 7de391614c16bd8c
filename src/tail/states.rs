//! The names of the states of `tail`: its own, and those of the sources of a service.

use std::path::Path;

use super::run::STATE;
use crate::state;

/// The name of the state of a source, or of the command.
#[must_use]
pub fn name(source: Option<&str>) -> String {
    match source {
        Some(source) => format!("{STATE}-{source}"),
        None => STATE.to_owned(),
    }
}

/// Whether that is the name of a state of `tail`.
#[must_use]
pub fn is_state(name: &str) -> bool {
    name == STATE || source(name).is_some()
}

/// The source that a state is of.
#[must_use]
pub fn source(name: &str) -> Option<&str> {
    let source = name.strip_prefix(STATE)?.strip_prefix('-')?;
    (!source.is_empty()).then_some(source)
}

/// Whether a source of a service may be called so: its name is part of file names.
#[must_use]
pub fn is_name(source: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    !source.is_empty() && !source.starts_with(['.', '-']) && source.chars().all(is_plain)
}

/// The states in a directory, the command's own first.
#[must_use]
pub fn all(directory: &Path) -> Vec<String> {
    let names = state::names(directory).unwrap_or_default().into_iter();
    let names = names.filter(|name| is_state(name));
    names.collect()
}
