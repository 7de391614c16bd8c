//! What `clap` says of wrong usage, as one line: what is wrong, what was expected, what to do.

use std::error::Error as _;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use regex::{Captures, Regex};

use super::{Cli, LogFormatArg};
use crate::process::setting_names;
use crate::process::shown::{Shown as _, quoted_for_shell};

/// How clap calls what `tail` is to follow.
const PATHS: &str = "[PATH|GLOB]...";

/// A usage error as one line, without the word before it, and without what `redact` leaves out of it.
pub(super) fn one_line(
    error: &clap::Error,
    arguments: impl Iterator<Item = OsString>,
    redact: impl Fn(&str) -> String,
) -> String {
    let arguments: Vec<_> = arguments.skip(1).collect();
    // Before lines are joined: a secret may have a line end in it.
    let rendered = shown_as_path(error, &arguments)
        // Escaped, a secret would not be found.
        .filter(|_| {
            text(error, ContextKind::InvalidValue).is_some_and(|value| redact(value) == value)
        })
        .unwrap_or_else(|| redact(&error.render().to_string()));
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
        None => source_instead_of_command(error, &arguments, &rendered)
            .or_else(|| misspelt(error, &rendered))
            .or_else(|| help(error, &rendered)),
    };
    match hint {
        Some(hint) => format!("{message}; {}", redact(&hint)),
        None => message.to_owned(),
    }
}

/// What is wrong with a value that has control characters, or bytes that are no text, of which clap leaves parts out.
fn shown_as_path(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let value = text(error, ContextKind::InvalidValue)?;
    let (argument, problem) = (text(error, ContextKind::InvalidArg)?, error.source()?);
    let is_value = |given: &&[u8]| String::from_utf8_lossy(given) == value;
    let given = arguments.iter().find_map(|argument| {
        let bytes = argument.as_bytes();
        let behind = bytes.iter().position(|byte| *byte == b'=');
        let behind = behind.map(|at| &bytes[at + 1..]);
        [Some(bytes), behind].into_iter().flatten().find(is_value)
    });
    let path = Path::new(OsStr::from_bytes(given.unwrap_or(value.as_bytes())));
    let shown = path.shown().to_string();
    (shown != value).then(|| format!("error: invalid value '{shown}' for '{argument}': {problem}"))
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

/// A file, a directory or a site where a command belongs: most likely it is to be read.
fn source_instead_of_command(
    error: &clap::Error,
    arguments: &[OsString],
    rendered: &str,
) -> Option<String> {
    if command(rendered).is_none_or(|command| command != "confluence-ecs") {
        return None;
    }
    let name = match error.kind() {
        ErrorKind::InvalidSubcommand => text(error, ContextKind::InvalidSubcommand)?,
        // A flag of normalize, before or behind a file.
        ErrorKind::UnknownArgument => {
            let is_file = |argument: &&OsString| Path::new(argument).exists();
            arguments.iter().find(is_file)?.to_str()?
        }
        _ => return None,
    };
    if name.contains("://") {
        return Some("to fetch from a site, use `confluence-ecs fetch --url URL`".to_owned());
    }
    let all: Vec<_> = arguments
        .iter()
        .map(|argument| as_typed(argument))
        .collect();
    let all = all.join(" ");
    if Path::new(name).is_dir() {
        return Some(format!(
            "to follow the logs in a directory, use `confluence-ecs tail {all}`"
        ));
    }
    let is_file = name == "-" || name.contains(['/', '.']) || Path::new(name).exists();
    is_file.then(|| format!("to map files, use `confluence-ecs normalize {all}`"))
}

/// An argument, quoted for the shell where that is needed.
fn as_typed(argument: &OsStr) -> String {
    let quoted = quoted_for_shell(Path::new(argument));
    // A flag is not a file whose name begins with a dash.
    match quoted
        .strip_prefix("./-")
        .or_else(|| quoted.strip_prefix("'./-"))
    {
        Some(rest) if quoted.starts_with('\'') => format!("'-{rest}"),
        Some(rest) => format!("-{rest}"),
        None => quoted,
    }
}

/// A command that `help` does not know, or a flag with its letters in another order: what was meant.
fn misspelt(error: &clap::Error, rendered: &str) -> Option<String> {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            // Only where a command is called, clap says which one is like it.
            let name = text(error, ContextKind::InvalidSubcommand)?;
            let called = Cli::command()
                .try_get_matches_from(["confluence-ecs", name])
                .err()?;
            match called.get(ContextKind::SuggestedSubcommand)? {
                ContextValue::Strings(similar) => {
                    Some(format!("did you mean '{}'?", similar.join("' or '")))
                }
                ContextValue::String(similar) => Some(format!("did you mean '{similar}'?")),
                _ => None,
            }
        }
        ErrorKind::UnknownArgument => {
            let given = text(error, ContextKind::InvalidArg)?.strip_prefix("--")?;
            let path = command(rendered)?;
            let mut of = &Cli::command();
            for name in path.split(' ').skip(1) {
                of = of.find_subcommand(name)?;
            }
            let letters = |word: &str| {
                let mut letters: Vec<_> = word.chars().collect();
                letters.sort_unstable();
                letters
            };
            let mut flags = of.get_arguments().filter_map(clap::Arg::get_long);
            let meant = flags.find(|flag| letters(flag) == letters(given))?;
            Some(format!("did you mean '--{meant}'?"))
        }
        _ => None,
    }
}

/// What a message says of that kind.
fn text(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
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

/// The arguments that are wrong, or missing.
fn named(error: &clap::Error) -> &[String] {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(name)) => std::slice::from_ref(name),
        Some(ContextValue::Strings(names)) => names,
        _ => &[],
    }
}

/// Whether an error of the same kind names what another one names first.
pub(super) fn is_same_problem(one: &clap::Error, other: &clap::Error) -> bool {
    one.kind() == other.kind()
        && named(other)
            .first()
            .is_none_or(|first| named(one).contains(first))
}

/// A usage error of arguments that were made of a configuration: the flag that it is about, and the message with
/// keys for flags.
pub(super) fn in_keys(error: &clap::Error, message: &str) -> (Option<String>, String) {
    let flag = named(error).first().and_then(|named| {
        let name = named.split([' ', '=']).next()?;
        name.strip_prefix("--").map(str::to_owned)
    });
    // The help text of a command has no keys.
    let message = match message.rsplit_once("; see `") {
        Some((message, _)) => message,
        None => message,
    };
    // The arguments without a flag have a key, too.
    let message = &message.replace(&format!("'{PATHS}'"), "`paths`");
    let Ok(flags) = Regex::new("'?--([a-z][a-z-]*)( <[^>]*>)?(\\.\\.\\.)?'?") else {
        return (flag, message.clone());
    };
    let key = |found: &Captures<'_>| format!("`{}`", setting_names::key(&found[1]));
    let message = flags.replace_all(message, key);
    (flag, message.into_owned())
}
