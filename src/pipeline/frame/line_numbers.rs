//! Numbers of lines, for messages.

use memchr::memchr_iter;

/// The lines of a part of a stream, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct LineNumbers {
    /// Number of the first line.
    first: u64,
    /// Where in the stream they begin, but for the first.
    starts: Vec<u64>,
    /// Where in the stream the part begins.
    offset: u64,
}

impl LineNumbers {
    /// The part that comes next begins in the line of that number.
    pub fn begin_at(&mut self, first: u64) {
        self.first = first;
    }

    /// Takes the lines of the part that begins at an offset of the stream.
    pub fn take(&mut self, text: &[u8], offset: u64) {
        self.offset = offset;
        self.starts.clear();
        let ends = memchr_iter(b'\n', text);
        self.starts.extend(ends.map(|at| offset + at as u64 + 1));
    }

    /// The number of the line at an offset, if it is in the part.
    pub fn number(&self, offset: u64) -> Option<u64> {
        let before = self.starts.partition_point(|start| *start <= offset) as u64;
        (offset >= self.offset).then_some(self.first + before)
    }
}
