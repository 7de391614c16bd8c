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
    /// A line before the part of which there may be a message yet: its offset and its number.
    open: Option<(u64, u64)>,
}

impl LineNumbers {
    /// The part that comes next begins in the line of that number; `open` is a line before it.
    pub fn begin_at(&mut self, first: u64, open: Option<(u64, u64)>) {
        self.first = first;
        self.open = open;
    }

    /// Takes the lines of the part that begins at an offset of the stream.
    pub fn take(&mut self, text: &[u8], offset: u64) {
        self.offset = offset;
        self.starts.clear();
        let ends = memchr_iter(b'\n', text);
        self.starts.extend(ends.map(|at| offset + at as u64 + 1));
    }

    /// The number of the line at an offset, if it is in the part or open.
    pub fn number(&self, offset: u64) -> Option<u64> {
        if offset < self.offset {
            let open = self.open.filter(|(at, _)| *at == offset);
            return open.map(|(_, number)| number);
        }
        let before = self.starts.partition_point(|start| *start <= offset) as u64;
        Some(self.first + before)
    }
}
