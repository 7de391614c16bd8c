//! Taking lines away from an output file.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use bzip2::write::BzEncoder;
use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzWriter};

use super::find::{ORPHAN, directory};
use super::{Classify, Whose};
use crate::input::compression::{Compression, Stream};
use crate::pipeline::event::is_action;
use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;

/// So often a file is looked at again that grows meanwhile.
const TRIES: usize = 10;

/// What the name of a file ends with whose lines are appended again.
const KEPT: &str = ".kept";

/// What of a file is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// What stands from that byte on.
    pub base: u64,
    /// Up to that byte it is no news that others write there.
    pub known: u64,
    /// Whether it is the output; if that is not sure, it is left alone unless a line of ours is in it.
    pub is_certain: bool,
}

impl Span {
    /// What stands behind the checkpoint of an output.
    pub(super) fn behind(base: u64) -> Self {
        Self {
            base,
            known: 0,
            is_certain: true,
        }
    }
}

/// A file beside the output, made when there is something for it.
struct Aside {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Aside {
    fn new(output: &Path, ending: &str) -> Self {
        let time = Timestamp::now().millis();
        let mut path = output.as_os_str().to_owned();
        path.push(format!("{ORPHAN}{time}{ending}"));
        Self {
            path: path.into(),
            file: None,
        }
    }

    fn add(&mut self, line: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut options = File::options();
                let options = options.write(true).create_new(true).mode(super::MODE);
                none.insert(BufWriter::new(options.open(&self.path)?))
            }
        };
        file.write_all(line)
    }

    /// Makes it durable: what is in it may be taken away from elsewhere then.
    fn sync(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.flush()?;
            file.get_ref().sync_all()?;
            sync_directory(&self.path)?;
        }
        Ok(())
    }

    fn append_to(&self, to: &mut impl Write) -> io::Result<()> {
        if self.file.is_some() {
            io::copy(&mut File::open(&self.path)?, to)?;
        }
        Ok(())
    }

    fn remove(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes events out of a file: lines, or pairs of an action line and its event, which go or stay together.
struct WrittenEvents<Rest> {
    rest: Rest,
    /// The line behind an action that is not its event.
    ahead: Vec<u8>,
}

impl<Rest: BufRead> WrittenEvents<Rest> {
    fn new(rest: Rest) -> Self {
        Self {
            rest,
            ahead: Vec::new(),
        }
    }

    /// Reads the next; where the event itself begins, none at the end. An action line without an event
    /// comes alone.
    fn next(&mut self, lines: &mut Vec<u8>) -> io::Result<Option<usize>> {
        lines.clear();
        lines.append(&mut self.ahead);
        if lines.is_empty() && self.rest.read_until(b'\n', lines)? == 0 {
            return Ok(None);
        }
        if is_action(lines) && lines.ends_with(b"\n") {
            self.rest.read_until(b'\n', &mut self.ahead)?;
            if !self.ahead.is_empty() && !is_action(&self.ahead) {
                let start = lines.len();
                lines.append(&mut self.ahead);
                return Ok(Some(start));
            }
        }
        Ok(Some(0))
    }
}

/// What stands behind the checkpoint.
struct Sorted {
    /// Lines to cut away.
    ours: u64,
    /// Lines to keep.
    foreign: u64,
    /// Lines that are put aside.
    doubtful: u64,
    /// How many bytes stay as they stand, before the first that goes.
    first_gone: Option<u64>,
    /// What stays behind that.
    kept: Aside,
    /// What is put aside.
    orphans: Aside,
}

impl Sorted {
    /// Of what stands from byte `base` on.
    fn of(
        path: &Path,
        rest: &mut impl BufRead,
        span: Span,
        classify: Classify<'_>,
    ) -> io::Result<Self> {
        let mut sorted = Self {
            ours: 0,
            foreign: 0,
            doubtful: 0,
            first_gone: None,
            kept: Aside::new(path, KEPT),
            orphans: Aside::new(path, ""),
        };
        let mut at = 0;
        let mut lines = Vec::new();
        let mut events = WrittenEvents::new(rest);
        loop {
            let Some(start) = events.next(&mut lines)? else {
                return Ok(sorted);
            };
            let line = &lines[start..];
            let is_known = span.base + at < span.known;
            let whose = match line.strip_suffix(b"\n") {
                // An empty line, or what a crash of the system made of lines: nobody's.
                Some(whole) if whole.iter().all(|byte| matches!(byte, 0 | b' ' | b'\r')) => None,
                Some(whole) if !is_object(whole) || is_action(whole) => Some(Whose::Doubtful),
                Some(whole) => Some(classify(whole, is_known)),
                // Nobody can go on with half a line; whose it is, its beginning does not tell.
                None => Some(classify(line, is_known)).map(|whose| match whose {
                    Whose::Ours => whose,
                    Whose::Foreign | Whose::Doubtful => Whose::Doubtful,
                }),
            };
            if whose != Some(Whose::Foreign) {
                sorted.first_gone.get_or_insert(at);
            }
            match whose {
                None => {}
                Some(Whose::Ours) => sorted.ours += 1,
                Some(Whose::Doubtful) => {
                    sorted.doubtful += 1;
                    sorted.orphans.add(&lines)?;
                }
                Some(Whose::Foreign) => {
                    sorted.foreign += u64::from(!is_known);
                    if sorted.first_gone.is_some() {
                        sorted.kept.add(&lines)?;
                    }
                }
            }
            at += lines.len() as u64;
        }
    }

    /// Before anything is taken away.
    fn sync(&mut self) -> io::Result<()> {
        self.kept.sync()?;
        self.orphans.sync()
    }

    fn give_up(&mut self) {
        self.kept.remove();
        self.orphans.remove();
    }

    fn log(&self, path: &Path) {
        let Self {
            ours,
            foreign,
            doubtful,
            ..
        } = self;
        let path = path.shown();
        if *ours > 0 {
            tracing::info!(
                %path,
                events = ours,
                "truncated the output to the last checkpoint: later events are written again"
            );
        }
        if *foreign > 0 {
            tracing::warn!(
                %path,
                lines = foreign,
                "kept lines that another program appended to the output"
            );
        }
        if *doubtful > 0 {
            tracing::warn!(
                %path,
                lines = doubtful,
                orphans = %self.orphans.path.shown(),
                "moved lines out of the output that may be written again, or belong to another program: \
                 check the orphans file"
            );
        }
    }
}

/// A kill in the middle of [`cut_plain`] leaves the lines of others in a file beside the output: some or
/// all of them may not have been appended again.
fn find_left_behind(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let mut begin = name.to_owned();
    begin.push(ORPHAN);
    let entries = fs::read_dir(directory(path)).into_iter().flatten();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_bytes();
        let Some(orphans) = name.strip_suffix(KEPT.as_bytes()) else {
            continue;
        };
        if !name.starts_with(begin.as_bytes()) {
            continue;
        }
        let orphans = free(&path.with_file_name(OsStr::from_bytes(orphans)));
        if fs::rename(entry.path(), &orphans).is_ok() {
            tracing::warn!(
                path = %path.shown(),
                orphans = %orphans.shown(),
                "a previous run was killed while truncating the output: lines that another program had \
                 appended are in the orphans file, and perhaps not in the output: check them there"
            );
        }
    }
}

/// The path, or if something is there, the same with a number: what the killed start had put aside has
/// the same time.
fn free(path: &Path) -> PathBuf {
    let numbered = (2_u32..).map(|number| {
        let mut path = path.as_os_str().to_owned();
        path.push(format!("-{number}"));
        PathBuf::from(path)
    });
    let mut paths = std::iter::once(path.to_owned()).chain(numbered);
    let is_free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
    paths.find(is_free).unwrap_or_else(|| path.to_owned())
}

pub(super) fn cut_plain(
    path: &Path,
    mut file: &File,
    span: Span,
    classify: Classify<'_>,
) -> io::Result<()> {
    let base = span.base;
    find_left_behind(path);
    for _ in 0..TRIES {
        let length = file.metadata()?.len();
        if length <= base {
            return Ok(());
        }
        file.seek(SeekFrom::Start(base))?;
        let mut rest = BufReader::with_capacity(1 << 16, file).take(length - base);
        let mut sorted = Sorted::of(path, &mut rest, span, classify)?;
        if !span.is_certain && sorted.ours == 0 {
            sorted.give_up();
            return Ok(());
        }
        if let Some(first_gone) = sorted.first_gone {
            sorted.sync()?;
            if file.metadata()?.len() != length {
                // Somebody appends to it right now: what came is to be looked at, too.
                sorted.give_up();
                continue;
            }
            file.set_len(base + first_gone)?;
            file.sync_all()?;
            file.seek(SeekFrom::End(0))?;
            sorted.kept.append_to(&mut file)?;
            file.sync_all()?;
            sorted.kept.remove();
        }
        sorted.log(path);
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::ResourceBusy,
        "another program keeps appending to it",
    ))
}

/// Compresses what `write` writes.
fn compress(
    format: Compression,
    mut out: impl Write,
    write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match format {
        Compression::Plain => {
            write(&mut out)?;
            out.flush()
        }
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(out, flate2::Compression::default());
            write(&mut encoder)?;
            encoder.finish()?.flush()
        }
        Compression::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(out, 0)?;
            write(&mut encoder)?;
            encoder.finish()?.flush()
        }
        Compression::Xz => {
            let mut encoder = XzWriter::new(out, XzOptions::with_preset(6))?;
            write(&mut encoder)?;
            encoder.finish()?.flush()
        }
        Compression::Bzip2 => {
            let mut encoder = BzEncoder::new(out, bzip2::Compression::default());
            write(&mut encoder)?;
            encoder.finish()?.flush()
        }
    }
}

pub(super) fn cut_compressed(
    path: &Path,
    mut file: &File,
    base: u64,
    classify: Classify<'_>,
) -> io::Result<()> {
    let mut behind = |most: u64, to: &mut dyn Write| -> io::Result<Stream<&File>> {
        file.seek(SeekFrom::Start(0))?;
        let mut stream = Stream::detect(file)?;
        io::copy(&mut stream.by_ref().take(most), to)?;
        Ok(stream)
    };
    let rest = behind(base, &mut io::sink())?;
    let format = rest.format();
    let mut sorted = Sorted::of(
        path,
        &mut BufReader::new(rest),
        Span::behind(base),
        classify,
    )?;
    let Some(first_gone) = sorted.first_gone else {
        sorted.log(path);
        return Ok(());
    };
    sorted.sync()?;
    let mut new = tempfile::Builder::new()
        .prefix(".confluence-ecs-")
        .tempfile_in(directory(path))?;
    let out = BufWriter::new(new.as_file_mut());
    compress(format, out, &mut |mut encoder| {
        behind(base + first_gone, encoder)?;
        sorted.kept.append_to(&mut encoder)
    })?;
    let old = file.metadata()?;
    let now = new.as_file().metadata()?;
    if (old.uid(), old.gid()) != (now.uid(), now.gid()) {
        chown(new.path(), Some(old.uid()), Some(old.gid()))?;
    }
    new.as_file().set_permissions(old.permissions())?;
    // By their times, rotation tells which archives are old.
    let times = FileTimes::new().set_modified(old.modified()?);
    new.as_file()
        .set_times(times.set_accessed(old.accessed()?))?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    sync_directory(path)?;
    sorted.kept.remove();
    sorted.log(path);
    Ok(())
}

/// Whether a line can be an event or a record.
fn is_object(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.starts_with(b"{") && line.ends_with(b"}")
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory(path))?.sync_all()
}
