//! Where state is kept.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::Error;
use crate::process::advice;

/// The directory of the state files: the given one (`--state-dir`), else the first of
/// `$STATE_DIRECTORY` (systemd's), else `confluence-ecs` in `$XDG_STATE_HOME`, else in
/// `~/.local/state`. Empty variables are as good as none.
///
/// # Errors
/// When nothing tells.
pub fn directory(given: Option<&Path>) -> Result<PathBuf, Error> {
    let directory = directory_by(given, |name| std::env::var_os(name))?;
    // A user's shell has no `$STATE_DIRECTORY`.
    let is_usual = directory_by(None, |name| {
        std::env::var_os(name).filter(|_| name != "STATE_DIRECTORY")
    })
    .is_ok_and(|usual| usual == directory);
    advice::set_state_dir((!is_usual).then_some(directory.as_path()));
    Ok(directory)
}

fn directory_by(
    given: Option<&Path>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, Error> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let set = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(list) = set("STATE_DIRECTORY") {
        // systemd.exec(5): a colon-separated list, of as many as StateDirectory= names.
        let mut parts = list.as_bytes().split(|byte| *byte == b':');
        if let Some(first) = parts.find(|part| !part.is_empty()) {
            return Ok(OsString::from_vec(first.to_vec()).into());
        }
    }
    // The XDG base directory specification: a relative path is invalid, and ignored.
    let home = set("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(Path::new(&set("HOME")?).join(".local/state")));
    Ok(home.ok_or(Error::NoDirectory)?.join("confluence-ecs"))
}

/// Creates the directory and those above it that are missing, for this user only, durably.
pub(super) fn create(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)?;
    // A state in a directory that the power loss took away would be no state.
    for path in missing {
        let parent = path.parent().filter(|path| !path.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Whether a path leads to a file of a state in that directory, or would once that is there.
pub(crate) fn is_own_file(directory: &Path, path: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    let is_there = matches!((real(folder), real(directory)), (Ok(one), Ok(other)) if one == other);
    if is_there && path.file_name().is_some_and(is_own_name) {
        return true;
    }
    let Ok(found) = fs::metadata(path) else {
        return false;
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let own = entries.filter(|entry| is_own_name(&entry.file_name()));
    let mut own = own.filter_map(|entry| fs::metadata(entry.path()).ok());
    own.any(|own| (own.dev(), own.ino()) == (found.dev(), found.ino()))
}

fn is_own_name(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let endings = [
        ".json",
        ".json.previous",
        ".json.tmp",
        ".json.link",
        ".lock",
        ".live",
        ".live.tmp",
    ];
    endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(given: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.into())
        };
        let place = directory_by(given.map(Path::new), variable).ok()?;
        Some(place.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_most_specific_place_wins() {
        let systemd = ("STATE_DIRECTORY", "/var/lib/a:/var/lib/b");
        let xdg = ("XDG_STATE_HOME", "/xdg");
        let home = ("HOME", "/home/u");
        for (given, variables, expected) in [
            (Some("d"), &[systemd, xdg, home][..], Some("d")),
            (None, &[systemd, xdg, home], Some("/var/lib/a")),
            (None, &[xdg, home], Some("/xdg/confluence-ecs")),
            (None, &[home], Some("/home/u/.local/state/confluence-ecs")),
            (
                None,
                &[("STATE_DIRECTORY", ""), ("XDG_STATE_HOME", ""), home],
                Some("/home/u/.local/state/confluence-ecs"),
            ),
            (
                None,
                &[("XDG_STATE_HOME", "relative"), home],
                Some("/home/u/.local/state/confluence-ecs"),
            ),
            (None, &[("HOME", "")], None),
        ] {
            assert_eq!(place(given, variables).as_deref(), expected);
        }
    }
}
