//! What else happens to the files of a series: copies of themselves take their place, and their
//! directory is renamed.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::Path;

use super::rotation::piece;
use super::{Series, Work};
use crate::random::Random;
use crate::reach::Reach;
use crate::support::place;

impl Series {
    /// A copy takes the place of the current file at once, as `rsync` and `sed -i` do it, or after the
    /// file was renamed, as `sed -i.bak` does.
    pub fn replace(&mut self, random: &mut Random) -> Option<String> {
        if self.moved || self.is_copied() || self.is_being_restored() || !self.current.exists() {
            return None;
        }
        let name = self.current.file_name()?.display().to_string();
        let copy = self.folder.join(format!(".{name}.Xa1b2c"));
        fs::copy(&self.current, &copy).expect("copied");
        let has_old_time = random.percent(50);
        if has_old_time {
            let modified = fs::metadata(&self.current).and_then(|data| data.modified());
            let copy = File::options().write(true).open(&copy).expect("opened");
            copy.set_modified(modified.expect("a time")).expect("set");
        }
        // By another path to its directory a backup is a file like any other.
        let has_backup = random.percent(30) && self.reach != Reach::Changing;
        if has_backup {
            let backup = self.folder.join(format!("{name}.bak"));
            fs::rename(&self.current, backup).expect("renamed");
        }
        fs::rename(&copy, &self.current).expect("renamed");
        self.handle = None;
        Some(format!(
            "replace by a copy, old time: {has_old_time}, backup: {has_backup}"
        ))
    }

    /// Begins to put the current file back: as `install` does it, or in place, as `cp` does. All of it
    /// was delivered for good: events of a file that is not there any more cannot come again, so a
    /// crash leaves them in the output.
    pub fn begin_to_restore(&mut self, confirmed: usize, random: &mut Random) -> Option<String> {
        // An unfinished line of a file that is gone is an event of its own.
        if !self.is_all_among(confirmed)
            || self.moved
            || self.work.is_some()
            || !self.unwritten.is_empty()
            || !self.current.exists()
        {
            return None;
        }
        let rest = VecDeque::from(fs::read(&self.current).expect("read"));
        self.handle = None;
        let in_place = random.percent(50);
        if in_place {
            File::create(&self.current).expect("truncated");
        } else {
            fs::remove_file(&self.current).expect("removed");
        }
        let said = format!("restore {} bytes, in place: {in_place}", rest.len());
        self.was_away = true;
        self.work = Some(Work::Restore { rest });
        Some(said)
    }

    /// Puts back some more of the current file.
    pub(super) fn restore(&mut self, mut rest: VecDeque<u8>, random: &mut Random) -> String {
        let piece = piece(&mut rest, random);
        place::append(&self.current, &piece);
        let done = rest.is_empty();
        if !done {
            self.work = Some(Work::Restore { rest });
        }
        format!("put back {} bytes, done: {done}", piece.len())
    }

    /// Renames the directory. The writer goes on with the file that it has open.
    pub fn rename_folder(&mut self) -> Option<String> {
        let may = self.reach.may_be_renamed() && self.folder.exists();
        // A part of a file, at another path, is a file like any other.
        if !may || self.is_being_restored() {
            return None;
        }
        self.renames += 1;
        let to = self
            .folder
            .with_file_name(format!("{}-{}", self.name, self.renames));
        fs::rename(&self.folder, &to).expect("renamed");
        let moved = |path: &Path| to.join(path.file_name().expect("a name"));
        self.current = moved(&self.current);
        for file in &mut self.rotated {
            file.path = moved(&file.path);
        }
        if let Some(Work::Compress { to, .. }) = &mut self.work {
            *to = moved(to);
        }
        self.folder.clone_from(&to);
        Some(format!("rename the directory to {}", to.display()))
    }
}
