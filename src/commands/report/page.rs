//! Where the page of a report is written to.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::commands::Error;
use crate::process::shown::Shown as _;
use crate::report::html;
use crate::{sink, state};

/// A place for a page.
#[derive(Debug)]
pub enum PageFile {
    /// Stdout.
    Stdout,
    /// A file, which is replaced as a whole when the page is finished: until then it is what it was.
    File(PathBuf),
    /// What is no file: a pipe, a device.
    Special(PathBuf),
}

impl PageFile {
    /// A place for a page, before there is one: what is wrong with it is found before anything is read. A file that is
    /// there is replaced only if it is such a page or empty, or if `force` is given.
    ///
    /// # Errors
    /// When no page can or may be written there.
    pub fn new(path: &Path, force: bool) -> Result<Self, Error> {
        let failed = |source| failed(path, source);
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(metadata) if !metadata.is_file() => Ok(Self::Special(path.to_owned())),
            Ok(_) if force || may_be_replaced(path).map_err(failed)? => {
                Ok(Self::File(path.to_owned()))
            }
            Ok(_) => Err(Error::NotPage(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                check_directory(path).map_err(failed)?;
                Ok(Self::File(path.to_owned()))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes the page.
    ///
    /// # Errors
    /// When it cannot be written. A file is then as it was.
    pub fn write(&self, page: &str) -> Result<(), Error> {
        let page = page.as_bytes();
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                let written = stdout.write_all(page).and_then(|()| stdout.flush());
                written.map_err(Error::Report)
            }
            Self::File(path) => {
                state::replace(path, page, sink::MODE).map_err(|source| failed(path, source))
            }
            Self::Special(path) => {
                let file = File::options().write(true).open(path);
                let written = file.and_then(|mut file| file.write_all(page));
                written.map_err(|source| failed(path, source))
            }
        }
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    Error::Write { path, source }
}

/// Whether a file is empty or a page.
fn may_be_replaced(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    let file = File::open(path)?;
    file.take(html::BEGINNING_LENGTH as u64)
        .read_to_end(&mut beginning)?;
    Ok(beginning.is_empty() || html::is_page(&beginning))
}

/// That there is a directory for a new file.
fn check_directory(path: &Path) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    match directory {
        Some(directory) if !directory.is_dir() => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!(
                "there is no directory {}: create it first, or use another path",
                directory.shown()
            ),
        )),
        _ => Ok(()),
    }
}
