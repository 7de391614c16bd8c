//! Bzip2, block by block: nothing of a block is given away before its checksum has been found right.

use std::fmt;
use std::io::{self, BufRead, Read};

use bzip2::{Decompress, Status};

/// How much is decompressed at once.
const STEP: usize = 64 << 10;
/// A block is rarely longer than 900 kB; of one that is all repetition so much is held back.
const MOST_HELD: usize = 4 << 20;

/// The blocks of bzip2 streams, one stream after the other.
pub(super) struct Blocks<Raw> {
    compressed: Raw,
    /// Of the present stream; none between streams.
    stream: Option<Decompress>,
    /// What is checked, up to where it was read.
    ready: Vec<u8>,
    read: usize,
}

impl<Raw> fmt::Debug for Blocks<Raw> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blocks")
    }
}

impl<Raw: BufRead> Blocks<Raw> {
    pub fn new(compressed: Raw) -> Self {
        Self {
            compressed,
            stream: None,
            ready: Vec::new(),
            read: 0,
        }
    }

    /// Gets the next block ready; false at the end of the last stream.
    fn next_block(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.read = 0;
        loop {
            self.drain()?;
            if !self.ready.is_empty() {
                return Ok(true);
            }
            if !self.feed()? {
                return Ok(false);
            }
        }
    }

    /// Takes what is decompressed of a block, without going on to the next: without input that cannot
    /// begin, and the checksum is compared as soon as the block is all out.
    fn drain(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        while self.ready.len() < MOST_HELD {
            let before = self.ready.len();
            self.ready.reserve(STEP);
            if let Err(error) = stream.decompress_vec(&[], &mut self.ready) {
                self.ready.clear();
                return Err(error.into());
            }
            if self.ready.len() == before {
                break;
            }
        }
        Ok(())
    }

    /// Reads on in the compressed data, up to the end of a block or stream, without taking anything of it.
    fn feed(&mut self) -> io::Result<bool> {
        let input = self.compressed.fill_buf()?;
        if input.is_empty() {
            return match self.stream {
                None => Ok(false),
                Some(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        let stream = self.stream.get_or_insert_with(|| Decompress::new(false));
        let before = stream.total_in();
        let status = stream.decompress(input, &mut [])?;
        let consumed = stream.total_in() - before;
        self.compressed
            .consume(usize::try_from(consumed).unwrap_or(usize::MAX));
        match status {
            Status::StreamEnd => self.stream = None,
            Status::MemNeeded => return Err(io::ErrorKind::OutOfMemory.into()),
            // There was nothing to take either.
            _ if consumed == 0 => return Err(io::ErrorKind::InvalidData.into()),
            _ => {}
        }
        Ok(true)
    }
}

impl<Raw: BufRead> Read for Blocks<Raw> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.ready.len() && !self.next_block()? {
            return Ok(0);
        }
        let rest = &self.ready[self.read..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.read += length;
        Ok(length)
    }
}
