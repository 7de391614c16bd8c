//! The text of an input: decompressed, decoded, and refused where it is none.

use std::io::{self, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_16BE, UTF_16LE};

use super::compression::Stream;
use super::format::{Content, Format, LOOKED_AT, recognise};

/// Bytes that are looked at or decoded at once.
const BUFFER: usize = 64 << 10;

/// An input as UTF-8, or what is to be taken for it.
#[derive(Debug)]
pub(super) struct Text<Raw: Read> {
    stream: Stream<Raw>,
    /// What was read to recognise the input, or was decoded, and is not yet given away.
    ready: Vec<u8>,
    /// How much of it was given away.
    given: usize,
    utf_16: Option<Utf16>,
}

struct Utf16 {
    decoder: Decoder,
    /// Bytes that are not yet decoded.
    raw: Vec<u8>,
    ended: bool,
}

impl std::fmt::Debug for Utf16 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.decoder.encoding().name())
    }
}

/// An input that was opened.
pub(super) enum Opened<Raw: Read> {
    /// It is text.
    Text(Text<Raw>),
    /// It is in a format that is not read.
    Foreign(Stream<Raw>, &'static Format),
}

impl<Raw: Read> Text<Raw> {
    /// Recognises an input by its first bytes; waits for no more of them than needed. Of a plain
    /// input, `is_ready` says whether a read would not wait.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn open(
        mut stream: Stream<Raw>,
        is_ready: impl Fn(&Raw) -> bool,
    ) -> io::Result<Opened<Raw>> {
        let mut first = Vec::new();
        let mut is_all = false;
        let content = loop {
            let is_more =
                !is_all && first.len() < LOOKED_AT && stream.plain().is_some_and(&is_ready);
            match recognise(&first, is_all) {
                Content::Undecided => {}
                Content::Text | Content::Foreign(_) if is_more => {}
                content => break content,
            }
            let length = first.len();
            first.resize(length + BUFFER, 0);
            let read = read_some(&mut stream, &mut first[length..]);
            first.truncate(length + read.as_ref().copied().unwrap_or_default());
            is_all = read? == 0;
        };
        let utf_16 = match content {
            Content::Foreign(format) => return Ok(Opened::Foreign(stream, format)),
            Content::Undecided | Content::Text => None,
            Content::Utf16Le => Some(UTF_16LE),
            Content::Utf16Be => Some(UTF_16BE),
        };
        let mut text = Self {
            stream,
            ready: first,
            given: 0,
            utf_16: None,
        };
        if let Some(encoding) = utf_16 {
            text.utf_16 = Some(Utf16::new(encoding, &text.ready));
            text.ready.clear();
        }
        Ok(Opened::Text(text))
    }

    /// Whether a read would not wait, as far as is known: `is_ready` says it of a plain input.
    pub fn has_more_at_once(&self, is_ready: impl FnOnce(&Raw) -> bool) -> bool {
        // Compressed bytes at hand need not be enough for an uncompressed one.
        self.given < self.ready.len() || self.stream.plain().is_some_and(is_ready)
    }
}

impl<Raw: Read> Read for Text<Raw> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            let Some(utf_16) = &mut self.utf_16 else {
                return self.stream.read(buffer);
            };
            self.ready.clear();
            self.given = 0;
            utf_16.decode(&mut self.stream, &mut self.ready)?;
        }
        let read = (&self.ready[self.given..]).read(buffer)?;
        self.given += read;
        if self.given == self.ready.len() && self.utf_16.is_none() {
            self.ready = Vec::new();
            self.given = 0;
        }
        Ok(read)
    }
}

impl Utf16 {
    /// For text of which the first bytes, a byte order mark among them, were read.
    fn new(encoding: &'static Encoding, first: &[u8]) -> Self {
        Self {
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: first.to_vec(),
            ended: false,
        }
    }

    /// Appends decoded text, at least a character unless the input is at its end. What is no
    /// character, half a one at the end included, is replaced.
    fn decode(&mut self, stream: &mut impl Read, text: &mut Vec<u8>) -> io::Result<()> {
        while text.is_empty() {
            if self.raw.is_empty() {
                if self.ended {
                    return Ok(());
                }
                self.raw.resize(BUFFER, 0);
                let read = read_some(stream, &mut self.raw);
                self.raw
                    .truncate(read.as_ref().copied().unwrap_or_default());
                self.ended = read? == 0;
            }
            let longest = self.decoder.max_utf8_buffer_length(self.raw.len());
            text.resize(longest.unwrap_or(4 * BUFFER), 0);
            let (result, read, written, _) =
                self.decoder.decode_to_utf8(&self.raw, text, self.ended);
            text.truncate(written);
            match result {
                CoderResult::InputEmpty => self.raw.clear(),
                CoderResult::OutputFull => drop(self.raw.drain(..read)),
            }
        }
        Ok(())
    }
}

/// Reads, again when a signal comes between.
fn read_some(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives bytes in pieces of some length.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(buffer.len());
            self.0.read(&mut buffer[..length])
        }
    }

    fn decoded(bytes: &[u8], pieces: usize) -> String {
        let stream = Stream::detect(Pieces(bytes, pieces)).unwrap();
        let Opened::Text(mut text) = Text::open(stream, |_| true).unwrap() else {
            panic!("no text");
        };
        let mut all = String::new();
        text.read_to_string(&mut all).unwrap();
        all
    }

    #[test]
    fn half_a_character_is_replaced() {
        assert_eq!(decoded(b"\xFF\xFEa\0\n\0b", 1), "a\n\u{FFFD}");
        assert_eq!(
            decoded(b"\xFF\xFEa\0\0\xD8b\0\0\xD8", 3),
            "a\u{FFFD}b\u{FFFD}"
        );
        assert_eq!(decoded(b"\xFF\xFE", 1), "");
    }

    proptest! {
        #[test]
        fn any_utf_16_is_decoded(text in "[{\\[ -~]\\PC{0,40}", pieces in 1..7_usize) {
            let mark = |big: bool| if big { [0xFE, 0xFF] } else { [0xFF, 0xFE] };
            for big in [false, true] {
                let units = text.encode_utf16();
                let units = units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
                let bytes: Vec<u8> = mark(big).into_iter().chain(units).collect();
                prop_assert_eq!(decoded(&bytes, pieces), text.clone());
            }
        }
    }
}
