//! Whether state and output can be written, without writing anything that stays.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{CheckStep, StepName};
use crate::fetch::checkpoint::SiteCheckpoint;
use crate::fetch::identity::SiteIdentity;
use crate::fetch::org;
use crate::fetch::org::checkpoint::OrgCheckpoint;
use crate::fetch::states;
use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;
use crate::state;

/// Whose state it is that is looked at.
#[derive(Debug, Clone, Copy)]
pub enum StateOf<'a> {
    /// A site's, for a query.
    Site(&'a SiteIdentity, Option<&'a str>),
    /// An organization's, by its id.
    Organization(&'a str),
}

impl StateOf<'_> {
    fn file(self, directory: &Path) -> String {
        match self {
            Self::Site(site, search) => states::find(directory, site, search).0,
            Self::Organization(id) => org::states::file_name(id),
        }
    }

    /// Up to when it was fetched; none if it was not yet.
    fn reached(self, directory: &Path, file: &str) -> Result<Option<Timestamp>, state::Error> {
        Ok(match self {
            Self::Site(..) => {
                let saved = state::read::<SiteCheckpoint>(directory, file)?;
                saved.and_then(|saved| saved.state.cursor)
            }
            Self::Organization(_) => {
                let saved = state::read::<OrgCheckpoint>(directory, file)?;
                saved.and_then(|saved| saved.state.fetched_until())
            }
        })
    }
}

/// Whether the state can be kept; of a site and query or an organization, also whether its state can be read, and
/// whether another instance holds it.
#[must_use]
pub fn state_dir(directory: Result<PathBuf, state::Error>, of: Option<StateOf<'_>>) -> CheckStep {
    let name = StepName::StateDir;
    let directory = match directory {
        Ok(directory) => directory,
        Err(error) => return CheckStep::fail_by(name, &error),
    };
    let shown = directory.shown();
    let detail = match writable(&directory) {
        Ok(Writable::Now) => format!("{shown} is writable"),
        Ok(Writable::ToBeMade(above)) => {
            format!(
                "{shown} will be created by the first run, in {}",
                above.shown()
            )
        }
        Err(error) => {
            return CheckStep::fail(
                name,
                format!("cannot write in {shown}: {error}"),
                "make the directory writable for this user, or choose another with --state-dir DIR",
            );
        }
    };
    let Some(of) = of else {
        return CheckStep::ok(name, detail);
    };
    let file = of.file(&directory);
    if let Err(error) = state::check_free(&directory, &file) {
        return CheckStep::warn(
            name,
            format!("{detail}; {}", held(&error)),
            "expected while fetch runs for this site; a second instance would be refused",
        );
    }
    match of.reached(&directory, &file) {
        Ok(Some(until)) => CheckStep::ok(name, format!("{detail}; fetched up to {until}")),
        Ok(None) => CheckStep::ok(name, format!("{detail}; nothing fetched yet")),
        Err(error) => CheckStep::fail_by(name, &error),
    }
}

fn held(error: &state::Error) -> String {
    match error {
        state::Error::Held {
            holder: Some(pid), ..
        } => format!("this site's state is locked by another instance, process {pid}"),
        error => error.to_string(),
    }
}

/// Whether the output can be written.
#[must_use]
pub fn output(path: &Path) -> CheckStep {
    writable_file(StepName::Output, "--output", path)
}

/// Whether the file of dead letters can be written.
#[must_use]
pub fn dead_letters(path: &Path) -> CheckStep {
    writable_file(StepName::DeadLetters, "--dead-letter", path)
}

fn writable_file(name: StepName, flag: &str, path: &Path) -> CheckStep {
    if path.as_os_str() == "-" && name == StepName::Output {
        return CheckStep::ok(name, "stdout");
    }
    let shown = path.shown();
    let failed = |error: &io::Error| {
        CheckStep::fail(
            name,
            format!("cannot write {shown}: {error}"),
            format!("make the file and its directory writable, or choose another with {flag} PATH"),
        )
    };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.parent().filter(|above| !above.as_os_str().is_empty());
            return match try_in(above.unwrap_or(Path::new("."))) {
                Ok(()) => CheckStep::ok(name, format!("{shown} will be created by the first run")),
                Err(error) => failed(&error),
            };
        }
        Err(error) => return failed(&error),
    };
    let access = if metadata.is_file() || metadata.is_dir() {
        // As fetch opens it; neither changes it.
        let mut options = File::options();
        options.read(true).append(true).open(path).map(|_| ())
    } else {
        // Opening a pipe would wait for its reader.
        rustix::fs::access(path, rustix::fs::Access::WRITE_OK).map_err(Into::into)
    };
    match access {
        Ok(()) => CheckStep::ok(name, format!("{shown} is writable")),
        Err(error) => failed(&error),
    }
}

enum Writable {
    Now,
    /// In a directory above, which is there.
    ToBeMade(PathBuf),
}

fn writable(directory: &Path) -> io::Result<Writable> {
    match fs::metadata(directory) {
        Ok(_) => try_in(directory).map(|()| Writable::Now),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = std::path::absolute(directory)?;
            let above = above.ancestors().find(|above| above.exists());
            let above = above.ok_or(error)?;
            try_in(above).map(|()| Writable::ToBeMade(above.to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// Makes a file that has no name, or loses it at once.
fn try_in(directory: &Path) -> io::Result<()> {
    tempfile::tempfile_in(directory).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn nothing_is_made_or_changed() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("a/b");
        let step = state_dir(Ok(missing.clone()), None);
        assert_eq!(step.status, Status::Ok, "{}", step.detail);
        assert_eq!(output(&folder.path().join("out")).status, Status::Ok);
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
        let file = folder.path().join("file");
        fs::write(&file, "kept").unwrap();
        assert_eq!(output(&file).status, Status::Ok);
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
        // Neither a file where a directory should be, nor the other way round.
        assert_eq!(state_dir(Ok(file.clone()), None).status, Status::Fail);
        assert_eq!(state_dir(Ok(file.join("x")), None).status, Status::Fail);
        assert_eq!(output(folder.path()).status, Status::Fail);
        assert_eq!(output(&missing).status, Status::Fail);
        assert_eq!(output(Path::new("/dev/null")).status, Status::Ok);
    }
}
