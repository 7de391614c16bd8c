//! By what path a series is followed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::random::Random;
use crate::scheme::Scheme;

/// By what path a series is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// `s0/audit.log`.
    Real,
    /// `s0*/audit.log`: the directory may be renamed.
    RenamedFolder,
    /// `d0/audit.log`, where `d0` is a symbolic link to `s0`.
    LinkToFolder,
    /// `links/s0.log`, a symbolic link to `s0/audit.log`.
    LinkToFile,
    /// Another one of these at each start, but for the renamed directory.
    Changing,
}

impl Reach {
    pub fn any(scheme: &Scheme, random: &mut Random) -> Self {
        let reach = [
            Self::Real,
            Self::RenamedFolder,
            Self::LinkToFolder,
            Self::LinkToFile,
            Self::Changing,
        ][random.index(5)];
        match reach {
            // The name of the file changes, the link would not.
            Self::LinkToFile if scheme.is_data_center() => Self::LinkToFolder,
            reach => reach,
        }
    }

    pub fn may_be_renamed(self) -> bool {
        self == Self::RenamedFolder
    }

    /// Makes the links to a series' directory and file, which need not be there yet.
    pub fn link(logs: &Path, name: &str, base: &str) {
        fs::create_dir_all(logs.join("links")).expect("created");
        symlink(name, logs.join(format!("to-{name}"))).expect("linked");
        let file = Path::new("..").join(name).join(base);
        symlink(file, logs.join("links").join(format!("{name}.log"))).expect("linked");
    }

    /// The pattern that follows a series from the next start on; `files` is that of its files.
    pub fn pattern(self, name: &str, scheme: &Scheme, files: &str, random: &mut Random) -> String {
        // A directory stands for the files in it.
        let files = if scheme.is_data_center() { "" } else { files };
        match self {
            Self::Real => format!("{name}/{files}"),
            Self::RenamedFolder => format!("{name}*/{files}"),
            Self::LinkToFolder => format!("to-{name}/{files}"),
            Self::LinkToFile => format!("links/{name}.log"),
            Self::Changing => match random.below(4) {
                0 => format!("{name}/{files}"),
                1 => format!("to-{name}/{files}"),
                2 if !scheme.is_data_center() => format!("links/{name}.log"),
                _ => format!("{name}/../{name}/{files}"),
            },
        }
    }
}
