//! Gzip and zstd, recognised by their first bytes.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;

/// An input with the bytes that were looked at to tell what it is.
type Peeked<Raw> = Chain<Cursor<Vec<u8>>, Raw>;
type Buffered<Raw> = BufReader<Peeked<Raw>>;

/// Compressed bytes that are read at once.
const BUFFER: usize = 64 << 10;

const GZIP: &[u8] = &[0x1F, 0x8B];
const ZSTD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];
/// Of a zstd skippable frame, which may come first; its first byte is 0x50 to 0x5F.
const ZSTD_SKIPPABLE: &[u8] = &[0x2A, 0x4D, 0x18];

/// The uncompressed bytes of an input.
pub enum Stream<Raw: Read> {
    /// As they stand there.
    Plain(Peeked<Raw>),
    /// Of gzip members.
    Gzip(Members<Raw>),
    /// Of zstd frames.
    Zstd(zstd::stream::read::Decoder<'static, Buffered<Raw>>),
}

impl<Raw: Read> fmt::Debug for Stream<Raw> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Gzip(_) => "Gzip",
            Self::Zstd(_) => "Zstd",
        })
    }
}

impl<Raw: Read> Stream<Raw> {
    /// Tells by its first bytes how an input is compressed; waits for no more of them than needed.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn detect(mut raw: Raw) -> io::Result<Self> {
        let mut first = Vec::new();
        let format = loop {
            match tell(&first) {
                Told::NotYet => {}
                Told::Format(format) => break format,
            }
            let mut byte = [0];
            if raw.read(&mut byte)? == 0 {
                break Format::Plain;
            }
            first.push(byte[0]);
        };
        let peeked = Cursor::new(first).chain(raw);
        Ok(match format {
            Format::Plain => Self::Plain(peeked),
            Format::Gzip => {
                let buffered = BufReader::with_capacity(BUFFER, peeked);
                Self::Gzip(Members::Inside(Box::new(GzDecoder::new(buffered))))
            }
            Format::Zstd => {
                let buffered = BufReader::with_capacity(BUFFER, peeked);
                Self::Zstd(zstd::stream::read::Decoder::with_buffer(buffered)?)
            }
        })
    }

    /// The input itself, if it is not compressed.
    pub fn plain(&self) -> Option<&Raw> {
        match self {
            Self::Plain(peeked) => Some(peeked.get_ref().1),
            Self::Gzip(_) | Self::Zstd(_) => None,
        }
    }
}

impl<Raw: Read> Read for Stream<Raw> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self {
            Self::Plain(peeked) => return peeked.read(buffer),
            Self::Gzip(members) => members.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        };
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(
                error.kind(),
                "the compressed data ends in the middle; what was before is done",
            ),
            _ => error,
        })
    }
}

enum Format {
    Plain,
    Gzip,
    Zstd,
}

enum Told {
    NotYet,
    Format(Format),
}

fn tell(first: &[u8]) -> Told {
    let skippable = first.first().is_none_or(|byte| byte & 0xF0 == 0x50);
    let after = first.get(1..).unwrap_or_default();
    if first.starts_with(GZIP) {
        Told::Format(Format::Gzip)
    } else if first.starts_with(ZSTD) || skippable && after.starts_with(ZSTD_SKIPPABLE) {
        Told::Format(Format::Zstd)
    } else if GZIP.starts_with(first)
        || ZSTD.starts_with(first)
        || skippable && ZSTD_SKIPPABLE.starts_with(after)
    {
        Told::NotYet
    } else {
        Told::Format(Format::Plain)
    }
}

/// The members of a gzip file, one after the other, perhaps with zeros behind them.
pub enum Members<Raw: Read> {
    /// In a member.
    Inside(Box<GzDecoder<Buffered<Raw>>>),
    /// Where the next may begin.
    Between(Buffered<Raw>),
    /// Behind the last.
    Ended,
}

impl<Raw: Read> Members<Raw> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(self, Self::Ended) {
                Self::Inside(mut decoder) => {
                    let read = decoder.read(buffer)?;
                    if read > 0 {
                        *self = Self::Inside(decoder);
                        return Ok(read);
                    }
                    *self = Self::Between(decoder.into_inner());
                }
                Self::Between(mut compressed) => {
                    let bytes = compressed.fill_buf()?;
                    match bytes.first() {
                        None => return Ok(0),
                        Some(0) => {
                            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                            compressed.consume(zeros);
                            *self = Self::Between(compressed);
                        }
                        Some(0x1F) => *self = Self::Inside(Box::new(GzDecoder::new(compressed))),
                        Some(_) => {
                            return Err(io::Error::new(
                                io::ErrorKind::InvalidData,
                                "something that is not gzip follows the compressed data",
                            ));
                        }
                    }
                }
                Self::Ended => return Ok(0),
            }
        }
    }
}
