//! Secrets come from files, the environment, or systemd's `$CREDENTIALS_DIRECTORY`, never from
//! arguments, which everyone can read.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::process::shown::Shown as _;
use crate::secret::Secret;

/// The longest secret that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// Where a secret may come from, the first of them wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The flag that names a file with it.
    pub flag: &'static str,
    /// The variable that holds it.
    pub variable: &'static str,
    /// Its file in `$CREDENTIALS_DIRECTORY`.
    pub credential: &'static str,
}

/// The API token of Confluence Cloud, or a password.
pub const API_TOKEN: Setting = Setting {
    flag: "--api-token-file",
    variable: "CONFLUENCE_API_TOKEN",
    credential: "api-token",
};

/// A personal access token of a Data Center.
pub const PAT: Setting = Setting {
    flag: "--pat-file",
    variable: "CONFLUENCE_PAT",
    credential: "pat",
};

/// The client secret of an OAuth app.
pub const CLIENT_SECRET: Setting = Setting {
    flag: "--client-secret-file",
    variable: "CONFLUENCE_OAUTH_CLIENT_SECRET",
    credential: "oauth-client-secret",
};

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
    /// It is more than one line, or no text.
    #[error("{0}: expected a token on one line, of printable ASCII characters")]
    NoToken(String),
}

impl Setting {
    /// The secret: of the file that the flag names, else the variable's, else systemd's. None if
    /// there is none of them; an empty variable is none.
    ///
    /// # Errors
    /// When the first of them that is there cannot be used.
    pub fn find(&self, file: Option<&Path>) -> Result<Option<Secret>, Error> {
        self.find_by(file, |name| std::env::var_os(name))
    }

    fn find_by(
        &self,
        file: Option<&Path>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Secret>, Error> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = file {
            warn_if_open(self.flag, path);
            return read(self.flag, path).map(Some);
        }
        if let Some(value) = set(self.variable) {
            let text = value.into_encoded_bytes();
            return token(&text, self.variable.to_owned()).map(Some);
        }
        let Some(directory) = set("CREDENTIALS_DIRECTORY") else {
            return Ok(None);
        };
        match read(
            "$CREDENTIALS_DIRECTORY",
            &Path::new(&directory).join(self.credential),
        ) {
            Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Secret, Error> {
    let failed = |source| Error::Read {
        setting,
        path: path.to_owned(),
        source,
    };
    let file = fs::File::open(path).map_err(failed)?;
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).map_err(failed)?;
    token(&text, format!("{setting} {}", path.shown()))
}

/// The token in a text: what is on its only line.
fn token(text: &[u8], whence: String) -> Result<Secret, Error> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(Error::Empty(whence));
    }
    // Passwords may have spaces; what is no header's content is no token.
    match std::str::from_utf8(text) {
        Ok(text) if !text.contains(char::is_control) && text.len() < 16 << 10 => {
            Ok(Secret::new(text.to_owned()))
        }
        _ => Err(Error::NoToken(whence)),
    }
}

/// Everyone else on the machine should not be able to read it.
fn warn_if_open(setting: &str, path: &Path) {
    let is_open = fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
    if is_open {
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
        let secret = PAT.find_by(file, variable)?;
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
