//! MaxMind databases, which only their end shows.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;

use memchr::memmem;

use super::table::MAXMIND;
use crate::input::compression::Stream;

/// The metadata of a MaxMind database stands in so many bytes at its end.
const MAXMIND_END: usize = 128 << 10;
/// A database is smaller than this; what is larger is not decompressed to look for its end.
const LARGEST_MAXMIND: u64 = 256 << 20;

/// Whether a file is a MaxMind database.
pub(super) fn is_maxmind(file: &File) -> bool {
    let Ok(metadata) = file.metadata() else {
        return false;
    };
    if !metadata.is_file() {
        return false;
    }
    let length = metadata.len().min(MAXMIND_END as u64);
    let mut end = vec![0; usize::try_from(length).unwrap_or_default()];
    let read = file.read_exact_at(&mut end, metadata.len() - length);
    read.is_ok() && memmem::find(&end, MAXMIND.magic).is_some()
}

/// As [`is_maxmind`], of a compressed file.
pub(super) fn is_compressed_maxmind(file: &File) -> bool {
    ends_as_maxmind(file).unwrap_or(false)
}

fn ends_as_maxmind(file: &File) -> io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let mut content = Stream::detect(file)?.take(LARGEST_MAXMIND);
    let (mut end, mut piece) = (Vec::new(), vec![0; MAXMIND_END]);
    loop {
        let read = content.read(&mut piece)?;
        if read == 0 {
            return Ok(memmem::find(&end, MAXMIND.magic).is_some());
        }
        end.extend_from_slice(&piece[..read]);
        end.drain(..end.len().saturating_sub(MAXMIND_END));
    }
}
