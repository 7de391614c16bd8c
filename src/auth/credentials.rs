//! Secrets come from files, the environment, or systemd's `$CREDENTIALS_DIRECTORY`, never from
//! arguments, which everyone can read.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::process::shown::Shown as _;
use crate::secret::Secret;

/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 64 << 10;
/// The longest secret, in bytes.
const LONGEST: usize = 16 << 10;

/// Which characters a secret can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Printable ASCII without spaces, as a header takes it.
    Token,
    /// Any text that can be seen: basic authentication encodes it.
    Password,
}

/// Where a secret may come from, the first of them wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The flag that names a file with it.
    pub flag: &'static str,
    /// The variable that holds it.
    pub variable: &'static str,
    /// Its file in `$CREDENTIALS_DIRECTORY`.
    pub credential: &'static str,
    /// Which characters it can have.
    pub alphabet: Alphabet,
}

/// The API token of Confluence Cloud, or a password.
pub const API_TOKEN: Setting = Setting {
    flag: "--api-token-file",
    variable: "CONFLUENCE_API_TOKEN",
    credential: "api-token",
    alphabet: Alphabet::Password,
};

/// A personal access token of a Data Center.
pub const PAT: Setting = Setting {
    flag: "--pat-file",
    variable: "CONFLUENCE_PAT",
    credential: "pat",
    alphabet: Alphabet::Token,
};

/// An API key of an organization.
pub const ORG_API_KEY: Setting = Setting {
    flag: "--org-api-key-file",
    variable: "CONFLUENCE_ORG_API_KEY",
    credential: "org-api-key",
    alphabet: Alphabet::Token,
};

/// The client secret of an OAuth app.
pub const CLIENT_SECRET: Setting = Setting {
    flag: "--client-secret-file",
    variable: "CONFLUENCE_OAUTH_CLIENT_SECRET",
    credential: "oauth-client-secret",
    alphabet: Alphabet::Token,
};

/// The password of a proxy's user.
pub const PROXY_PASSWORD: Setting = Setting {
    flag: "--proxy-password-file",
    variable: "CONFLUENCE_ECS_PROXY_PASSWORD",
    credential: "proxy-password",
    alphabet: Alphabet::Password,
};

/// An API key of the cluster.
pub const ES_API_KEY: Setting = Setting {
    flag: "--es-api-key-file",
    variable: "CONFLUENCE_ECS_ES_API_KEY",
    credential: "es-api-key",
    alphabet: Alphabet::Token,
};

/// A password of the cluster.
pub const ES_PASSWORD: Setting = Setting {
    flag: "--es-password-file",
    variable: "CONFLUENCE_ECS_ES_PASSWORD",
    credential: "es-password",
    alphabet: Alphabet::Password,
};

/// All of them.
pub const ALL: [Setting; 7] = [
    API_TOKEN,
    PAT,
    ORG_API_KEY,
    CLIENT_SECRET,
    PROXY_PASSWORD,
    ES_API_KEY,
    ES_PASSWORD,
];

/// A secret that is there, but of no use. It is never quoted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its file cannot be read.
    #[error("{setting}: cannot read {}: {source}", path.shown())]
    Read {
        /// The flag or environment variable that names the file.
        setting: &'static str,
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("{0}: empty; expected a token on one line")]
    Empty(String),
    /// It is longer than any.
    #[error("{0}: longer than 16 KiB; expected a token on one line")]
    TooLong(String),
    /// It is no text.
    #[error("{setting}: {problem}; expected a token on one line, in UTF-8")]
    NoText {
        /// Where it is from.
        setting: String,
        /// What it is instead.
        problem: &'static str,
    },
    /// It has a character that no secret of its kind has.
    #[error(
        "{setting}: character {position} is {}; expected a token on one line, {}",
        named(*.character),
        expected(*.alphabet)
    )]
    Character {
        /// Where it is from.
        setting: String,
        /// The character, which is nothing secret.
        character: char,
        /// Its position, from 1.
        position: usize,
        /// Which characters there may be.
        alphabet: Alphabet,
    },
}

/// A character by its number, and by its name where it cannot be seen.
fn named(character: char) -> String {
    let name = match character {
        '\n' => " (line feed)",
        '\r' => " (carriage return)",
        '\t' => " (tab)",
        ' ' => " (space)",
        '\u{a0}' => " (no-break space)",
        '\u{200b}' => " (zero width space)",
        '\u{feff}' => " (byte order mark)",
        _ => "",
    };
    format!("U+{:04X}{name}", u32::from(character))
}

fn expected(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Token => "of printable ASCII characters without spaces",
        Alphabet::Password => "without control characters and invisible ones",
    }
}

/// What a configuration file says of secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenSecrets {
    /// The name of the source, whose credentials of systemd begin with it: `NAME.api-token`.
    pub source: Option<String>,
    /// Secrets themselves, by the flag that would name a file with one, without dashes.
    pub secrets: BTreeMap<String, Secret>,
}

impl Setting {
    /// The secret: of the file that the flag names, else the one that is given, else the variable's, else
    /// systemd's. None if there is none of them; an empty variable is none.
    ///
    /// # Errors
    /// When the first of them that is there cannot be used.
    pub fn find(&self, file: Option<&Path>, given: &GivenSecrets) -> Result<Option<Secret>, Error> {
        self.find_by(file, given, |name| std::env::var_os(name))
    }

    /// The key of a configuration file that is set to the secret itself.
    #[must_use]
    pub fn key(&self) -> String {
        let name = self.flag.trim_start_matches('-').trim_end_matches("-file");
        name.replace('-', "_")
    }

    /// Whether its environment variable holds it.
    #[must_use]
    pub fn is_in_environment(&self) -> bool {
        std::env::var_os(self.variable).is_some_and(|value| !value.is_empty())
    }

    /// The credential of systemd that holds it for a source, if one does.
    #[must_use]
    pub fn credential_of(&self, source: &str) -> Option<String> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let directory = set("CREDENTIALS_DIRECTORY")?;
        let names = self.credential_names(Some(source));
        let is_there = |name: &String| Path::new(&directory).join(name).exists();
        names.into_iter().find(is_there)
    }

    /// The names of the credential: the source's own, then that of all.
    fn credential_names(&self, source: Option<&str>) -> Vec<String> {
        let own = source.map(|source| format!("{source}.{}", self.credential));
        own.into_iter()
            .chain([self.credential.to_owned()])
            .collect()
    }

    fn find_by(
        &self,
        file: Option<&Path>,
        given: &GivenSecrets,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Secret>, Error> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = file {
            warn_if_open(self.flag, path);
            return self.read(self.flag, path).map(Some);
        }
        let name = self.flag.trim_start_matches('-');
        if let Some(secret) = given.secrets.get(name) {
            return token(secret.expose().as_bytes(), self.alphabet, self.key()).map(Some);
        }
        if let Some(value) = set(self.variable) {
            let text = value.into_encoded_bytes();
            return token(&text, self.alphabet, self.variable.to_owned()).map(Some);
        }
        let Some(directory) = set("CREDENTIALS_DIRECTORY") else {
            return Ok(None);
        };
        for name in self.credential_names(given.source.as_deref()) {
            match self.read("$CREDENTIALS_DIRECTORY", &Path::new(&directory).join(name)) {
                Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                found => return found.map(Some),
            }
        }
        Ok(None)
    }

    fn read(&self, setting: &'static str, path: &Path) -> Result<Secret, Error> {
        let failed = |source| Error::Read {
            setting,
            path: path.to_owned(),
            source,
        };
        let file = fs::File::open(path).map_err(failed)?;
        let mut text = Vec::new();
        let read = file.take(LONGEST_FILE).read_to_end(&mut text);
        read.map_err(failed)?;
        token(&text, self.alphabet, format!("{setting} {}", path.shown()))
    }
}

/// The token in a text: what is on its only line.
fn token(text: &[u8], alphabet: Alphabet, setting: String) -> Result<Secret, Error> {
    let is_utf16 = text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff");
    // Editors and PowerShell begin a file with a byte order mark.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let Ok(text) = std::str::from_utf8(text) else {
        let problem = if is_utf16 {
            "UTF-16 text"
        } else {
            "not UTF-8 text"
        };
        return Err(Error::NoText { setting, problem });
    };
    let begun = text.trim_ascii_start();
    let token = begun.trim_ascii_end();
    if token.is_empty() {
        return Err(Error::Empty(setting));
    }
    if token.len() > LONGEST {
        return Err(Error::TooLong(setting));
    }
    let before = text[..text.len() - begun.len()].chars().count();
    let mut characters = token.chars().enumerate();
    if let Some((at, character)) = characters.find(|(_, one)| !alphabet.has(*one)) {
        return Err(Error::Character {
            setting,
            character,
            position: before + at + 1,
            alphabet,
        });
    }
    Ok(Secret::new(token.to_owned()))
}

impl Alphabet {
    fn has(self, character: char) -> bool {
        match self {
            Self::Token => character.is_ascii_graphic(),
            Self::Password => !character.is_control() && !is_invisible(character),
        }
    }
}

/// Characters that come along when something is copied from a page, and that nobody types.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Everyone else on the machine should not be able to read it.
fn warn_if_open(setting: &str, path: &Path) {
    let is_open = |file: fs::Metadata| !file.is_dir() && file.permissions().mode() & 0o077 != 0;
    if fs::metadata(path).is_ok_and(is_open) {
        tracing::warn!(
            "{setting}: {} is readable by other users: chmod 600 {}",
            path.shown(),
            path.shown()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: Option<&Path>, variables: &[(&str, &str)]) -> Result<Option<String>, Error> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.into())
        };
        let secret = PAT.find_by(file, &GivenSecrets::default(), variable)?;
        Ok(secret.map(|secret| secret.expose().to_owned()))
    }

    #[test]
    fn the_file_wins_over_the_variable_and_that_over_systemd() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine");
        fs::write(&file, "of-the-file\r\n").unwrap();
        fs::write(folder.path().join("pat"), "of-systemd\n").unwrap();
        let directory = ("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap());
        let variable = ("CONFLUENCE_PAT", "of-the-variable");
        let all = [directory, variable];
        let one = |secret: &str| Some(secret.to_owned());
        assert_eq!(found(Some(&file), &all).unwrap(), one("of-the-file"));
        assert_eq!(found(None, &all).unwrap(), one("of-the-variable"));
        assert_eq!(found(None, &[directory]).unwrap(), one("of-systemd"));
        assert_eq!(found(None, &[("CONFLUENCE_PAT", "")]).unwrap(), None);
        assert_eq!(
            found(None, &[("CREDENTIALS_DIRECTORY", "/nowhere")]).unwrap(),
            None
        );
    }

    #[test]
    fn a_character_that_does_not_belong_is_named() {
        let read = |text: &[u8], alphabet| {
            let secret = token(text, alphabet, "X".to_owned());
            secret.map(|secret| secret.expose().to_owned())
        };
        let of = |text: &str, alphabet| read(text.as_bytes(), alphabet);
        for alphabet in [Alphabet::Token, Alphabet::Password] {
            assert_eq!(of("\u{feff}abc\r\n", alphabet).unwrap(), "abc");
            assert_eq!(of(" \n abc", alphabet).unwrap(), "abc");
        }
        let error = |text: &str, alphabet| of(text, alphabet).unwrap_err().to_string();
        for (text, alphabet, words) in [
            (
                "ab\u{200b}c",
                Alphabet::Password,
                "character 3 is U+200B (zero width",
            ),
            (
                " ab\nc",
                Alphabet::Password,
                "character 4 is U+000A (line feed)",
            ),
            ("a\u{feff}", Alphabet::Password, "character 2 is U+FEFF"),
            (
                "\u{feff}a\u{7}",
                Alphabet::Password,
                "character 2 is U+0007",
            ),
            ("ab c", Alphabet::Token, "character 3 is U+0020 (space)"),
            ("äb", Alphabet::Token, "character 1 is U+00E4"),
            ("a\u{1f600}", Alphabet::Token, "character 2 is U+1F600"),
        ] {
            let said = error(text, alphabet);
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(of("pass wörd", Alphabet::Password).unwrap(), "pass wörd");
        let utf16 = read(b"\xff\xfea\0", Alphabet::Token).unwrap_err();
        assert!(utf16.to_string().contains("UTF-16"), "{utf16}");
        assert!(matches!(
            read(&vec![b'x'; 20_000], Alphabet::Token),
            Err(Error::TooLong(_))
        ));
    }

    #[test]
    fn what_is_no_token_is_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine");
        for text in [&b"two\nsecret lines"[..], b"  \n", b"\xff\xfesecret"] {
            fs::write(&file, text).unwrap();
            let error = found(Some(&file), &[]).unwrap_err().to_string();
            assert!(
                error.starts_with("--pat-file") && !error.contains("secret"),
                "{error}"
            );
        }
        assert!(found(Some(Path::new("/nowhere")), &[]).is_err());
    }
}
