//! How messages name settings. Their texts name flags; a service is set by its configuration file, so there the same
//! texts name keys.
//!
//! A message is rewritten as a whole: a flag in what it quotes, such as a server's answer, becomes a key as well. Values of
//! the log's fields stay as they are.

use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

use regex::{Captures, Regex};

/// Flags of the command line of a process whose other settings are keys.
static FLAGS: OnceLock<Vec<String>> = OnceLock::new();

/// A flag, what may stand before it, and its value: a placeholder, or a fixed word.
static FLAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let flag = r#"(^|[\s("',;])(pass )?--([a-z][a-z-]*[a-z])(?: [A-Z]{2,}\b| (auto|cloud)\b)?(:)?"#;
    Regex::new(flag).ok()
});

/// From here on, messages name settings as keys, but for those flags, which are on the command line.
pub fn use_keys(flags: impl IntoIterator<Item = String>) {
    // Once a process: a second call has nothing else to say.
    let _ = FLAGS.set(flags.into_iter().collect());
}

/// Whether messages name settings as keys.
#[must_use]
pub fn names_keys() -> bool {
    FLAGS.get().is_some()
}

/// A message as this process names settings.
#[must_use]
pub fn named(message: &str) -> Cow<'_, str> {
    match FLAGS.get() {
        Some(flags) => with_keys(message, flags),
        None => Cow::Borrowed(message),
    }
}

/// The key of a flag, without its dashes.
#[must_use]
pub fn key(flag: &str) -> String {
    match flag {
        // In a table called output, its key says what kind of output it is.
        "output" => "file".to_owned(),
        flag => flag.replace('-', "_"),
    }
}

fn with_keys<'a>(message: &'a str, flags: &[String]) -> Cow<'a, str> {
    let Some(pattern) = FLAG.as_ref() else {
        return Cow::Borrowed(message);
    };
    // Between backticks stands a command, which has flags.
    let is_in_command = |at: usize| message[..at].matches('`').count() % 2 == 1;
    pattern.replace_all(message, |found: &Captures<'_>| {
        let is_given = flags.iter().any(|flag| *flag == found[3]);
        if is_given || found.get(3).is_some_and(|name| is_in_command(name.start())) {
            return found[0].to_owned();
        }
        let group = |number| found.get(number).map_or("", |group| group.as_str());
        let before = format!("{}{}", group(1), group(2).replace("pass", "set"));
        let key = key(&found[3]);
        match (group(4), group(5)) {
            ("", ":") => format!("{before}{key}:"),
            ("", _) => format!("{before}`{key}`"),
            (value, colon) => format!("{before}`{key} = \"{value}\"`{colon}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_keys_but_in_commands_and_where_they_were_given() {
        for (message, expected) in [
            (
                "--org-id: no key: set CONFLUENCE_ORG_API_KEY, or pass --org-api-key-file FILE, with a key",
                "org_id: no key: set CONFLUENCE_ORG_API_KEY, or set `org_api_key_file`, with a key",
            ),
            (
                "for one with scopes, add --cloud-id auto; see --url",
                "for one with scopes, add `cloud_id = \"auto\"`; see `url`",
            ),
            (
                "pass --proxy http://USER@HOST:PORT (--output)",
                "set `proxy` http://USER@HOST:PORT (`file`)",
            ),
            (
                "run `confluence-ecs auth login --client-id ID` or use another --state-dir",
                "run `confluence-ecs auth login --client-id ID` or use another --state-dir",
            ),
            (
                "cannot read /logs/--url/x--url",
                "cannot read /logs/--url/x--url",
            ),
        ] {
            assert_eq!(with_keys(message, &["state-dir".to_owned()]), expected);
        }
    }
}
