//! Values that stand elsewhere: `${VARIABLE}` in any string, `file:PATH` for secrets.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{Error, Place};
use crate::process::shown::Shown as _;

/// Replaces each `${VARIABLE}` by its value; `$${` stands for `${` itself.
///
/// # Errors
/// When a variable is not set, or a reference has no end.
pub fn expand(text: &str, place: &Place, key: &str) -> Result<String, Error> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        expanded.push_str(&rest[..at]);
        let reference = &rest[at + 2..];
        let Some(end) = reference.find('}') else {
            return Err(Error::at(
                place,
                format!("{key}: `${{` without `}}`; write `$${{` for the characters themselves"),
            ));
        };
        expanded.push_str(&variable(&reference[..end], place, key)?);
        rest = &reference[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn variable(name: &str, place: &Place, key: &str) -> Result<String, Error> {
    if name.is_empty() {
        let problem = format!("{key}: expected the name of a variable between `${{` and `}}`");
        return Err(Error::at(place, problem));
    }
    let problem = match std::env::var(name) {
        Ok(value) => return Ok(value),
        Err(std::env::VarError::NotPresent) => "is not set",
        Err(std::env::VarError::NotUnicode(_)) => "is not UTF-8 text",
    };
    Err(Error::at(
        place,
        format!("{key}: the environment variable {} {problem}", name.shown()),
    ))
}

/// What a secret's key says.
#[derive(Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// The file that holds it.
    File(&'a str),
    /// The variable that holds it.
    Variable(&'a str),
    /// The secret itself.
    Literal,
}

/// Reads what a secret's key says.
#[must_use]
pub fn reference(text: &str) -> Reference<'_> {
    if let Some(path) = text.strip_prefix("file:") {
        return Reference::File(path);
    }
    let name = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    match name.filter(|name| !name.contains(['$', '{', '}'])) {
        Some(name) => Reference::Variable(name),
        None => Reference::Literal,
    }
}

/// What others than the owner may do with a file.
const OTHERS: u32 = 0o077;

/// Whether a file that holds a secret itself may: only its owner, who is this user, can read it.
///
/// # Errors
/// When others can read it, or its owner is another user.
pub fn check_private(path: &Path, place: &Place, key: &str) -> Result<(), Error> {
    let metadata = fs::metadata(path).ok();
    let user = rustix::process::geteuid().as_raw();
    let is_private = metadata.is_some_and(|file| file.mode() & OTHERS == 0 && file.uid() == user);
    if is_private {
        return Ok(());
    }
    Err(Error::at(
        place,
        format!(
            "{key}: a secret in a file that other users can read; expected \"${{VARIABLE}}\" or \"file:PATH\" \
             (or {key}_file), or a file that is yours with mode 0600: chmod 600 {}",
            path.shown()
        ),
    ))
}
