//! What `clap` says of wrong usage, as one line: what is wrong, what was expected, what to do.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::LogFormatArg;
use crate::process::shown::quoted_for_shell;

/// A usage error as one line, without the word before it, and without what `redact` leaves out of it.
pub(super) fn one_line(error: &clap::Error, redact: impl Fn(&str) -> String) -> String {
    // Before lines are joined: a secret may have a line end in it.
    let rendered = redact(&error.render().to_string());
    let lines = rendered.lines().map(str::trim);
    let ends = |line: &&str| line.starts_with("Usage:") || line.starts_with("For more");
    // The tip about an unknown flag is how to name a file like it: seldom what was meant.
    let useful = |line: &&str| !line.is_empty() && !line.starts_with("tip: to pass");
    let parts: Vec<_> = lines
        .take_while(|line| !ends(line))
        .filter(useful)
        .collect();
    let (tips, message): (Vec<&str>, Vec<&str>) = parts
        .into_iter()
        .partition(|line| line.starts_with("tip: "));
    let message = message.join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let hint = match tips.first() {
        Some(tip) => Some(did_you_mean(tip)),
        None => source_instead_of_command(error, &rendered).or_else(|| help(error, &rendered)),
    };
    match hint {
        Some(hint) => format!("{message}; {}", redact(&hint)),
        None => message.to_owned(),
    }
}

/// What clap found that is like what was given, as a question.
fn did_you_mean(tip: &str) -> String {
    match tip.split_once(": '") {
        Some((what, similar)) if what.contains("similar") => {
            format!("did you mean '{}?", similar.replace(", ", " or "))
        }
        Some(_) | None => tip.trim_start_matches("tip: ").to_owned(),
    }
}

/// A file or a site where a command belongs: most likely it is to be read.
fn source_instead_of_command(error: &clap::Error, rendered: &str) -> Option<String> {
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let is_first = command(rendered).is_some_and(|command| command == "confluence-ecs");
    if is_first && name.contains("://") {
        return Some("to fetch from a site, use `confluence-ecs fetch --url URL`".to_owned());
    }
    let looks_like_file = name == "-" || name.contains(['/', '.']) || Path::new(name).exists();
    let is_file = error.kind() == ErrorKind::InvalidSubcommand && is_first && looks_like_file;
    is_file.then(|| {
        let file = quoted_for_shell(Path::new(name));
        format!("to map a file, use `confluence-ecs normalize {file}`")
    })
}

/// Where to look, if the message does not say what was expected.
fn help(error: &clap::Error, rendered: &str) -> Option<String> {
    let is_clear = match error.kind() {
        ErrorKind::InvalidValue => error.get(ContextKind::ValidValue).is_some(),
        ErrorKind::ValueValidation => true,
        _ => false,
    };
    let command = command(rendered).unwrap_or_else(|| "confluence-ecs".to_owned());
    (!is_clear).then(|| format!("see `{command} --help`"))
}

/// The command whose usage the message shows.
fn command(rendered: &str) -> Option<String> {
    let usage = rendered
        .lines()
        .find_map(|line| line.trim().strip_prefix("Usage: "))?;
    let words = usage.split(' ').take_while(|word| {
        let is_name = |character: char| character.is_ascii_lowercase() || character == '-';
        !word.starts_with('-') && word.chars().all(is_name)
    });
    Some(words.collect::<Vec<_>>().join(" "))
}

/// The format of diagnostics that arguments ask for which could not be parsed as a whole.
#[must_use]
pub fn log_format(arguments: impl IntoIterator<Item = OsString>) -> LogFormatArg {
    let mut format = LogFormatArg::Text;
    let mut is_next = false;
    for argument in arguments {
        let argument = argument.to_string_lossy();
        let value = match argument.strip_prefix("--log-format") {
            Some("") => {
                is_next = true;
                continue;
            }
            Some(rest) => rest.strip_prefix('='),
            None => is_next.then_some(&*argument),
        };
        is_next = false;
        format = match value {
            Some("json") => LogFormatArg::Json,
            Some("text") => LogFormatArg::Text,
            Some(_) | None => format,
        };
    }
    format
}
