//! Gzip, zstd, xz and bzip2, recognised by their first bytes.

mod blocks;

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Chain, Cursor, Read};

use blocks::Blocks;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;

/// An input with the bytes that were looked at to tell what it is.
type Peeked<Raw> = Chain<Cursor<Vec<u8>>, Raw>;
type Buffered<Raw> = BufReader<Peeked<Raw>>;

/// Compressed bytes that are read at once.
const BUFFER: usize = 64 << 10;

const GZIP: &[u8] = &[0x1F, 0x8B];
const ZSTD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];
/// Of a zstd skippable frame, which may come first; its first byte is 0x50 to 0x5F.
const ZSTD_SKIPPABLE: &[u8] = &[0x2A, 0x4D, 0x18];

const XZ: &[u8] = &[0xFD, b'7', b'z', b'X', b'Z', 0];
const BZIP2: &[u8] = b"BZh";
/// What stands behind [`BZIP2`] and a digit: the first block, or the end of a stream without any.
const BZIP2_BLOCKS: [&[u8]; 2] = [
    &[0x31, 0x41, 0x59, 0x26, 0x53, 0x59],
    &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90],
];
/// How many bytes tell at the most how a file is compressed.
pub const LONGEST_MAGIC: usize = 10;

/// Memory for the dictionary of an xz stream: twice what `xz -9` makes, far less than a file may ask for.
const XZ_MEMORY: u32 = 128 << 10;

/// The uncompressed bytes of an input.
#[derive(Debug)]
pub struct Stream<Raw: Read> {
    decoder: Decoder<Raw>,
    /// What went wrong: nothing that is read behind it is to be trusted.
    broken: Option<(io::ErrorKind, String)>,
}

enum Decoder<Raw: Read> {
    /// As they stand there.
    Plain(Peeked<Raw>),
    /// Decoder of concatenated gzip members.
    Gzip(Members<Raw>),
    /// Decoder of concatenated zstd frames.
    Zstd(zstd::stream::read::Decoder<'static, Buffered<Raw>>),
    /// Decoder of concatenated xz streams.
    Xz(Box<XzReader<Buffered<Raw>>>),
    /// Decoder of concatenated bzip2 streams.
    Bzip2(Box<Blocks<Buffered<Raw>>>),
}

impl<Raw: Read> fmt::Debug for Decoder<Raw> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Gzip(_) => "Gzip",
            Self::Zstd(_) => "Zstd",
            Self::Xz(_) => "Xz",
            Self::Bzip2(_) => "Bzip2",
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
            match detect(&first) {
                Detected::NotYet => {}
                Detected::Compression(format) => break format,
            }
            let mut byte = [0];
            if raw.read(&mut byte)? == 0 {
                break Compression::Plain;
            }
            first.push(byte[0]);
        };
        let peeked = Cursor::new(first).chain(raw);
        let buffered = |peeked| BufReader::with_capacity(BUFFER, peeked);
        let decoder = match format {
            Compression::Plain => Decoder::Plain(peeked),
            Compression::Gzip => {
                Decoder::Gzip(Members::Inside(Box::new(GzDecoder::new(buffered(peeked)))))
            }
            Compression::Zstd => {
                Decoder::Zstd(zstd::stream::read::Decoder::with_buffer(buffered(peeked))?)
            }
            Compression::Xz => {
                let decoder = XzReader::new_mem_limit(buffered(peeked), true, XZ_MEMORY);
                Decoder::Xz(Box::new(decoder))
            }
            Compression::Bzip2 => Decoder::Bzip2(Box::new(Blocks::new(buffered(peeked)))),
        };
        Ok(Self {
            decoder,
            broken: None,
        })
    }

    /// How the input is compressed.
    pub fn format(&self) -> Compression {
        match &self.decoder {
            Decoder::Plain(_) => Compression::Plain,
            Decoder::Gzip(_) => Compression::Gzip,
            Decoder::Zstd(_) => Compression::Zstd,
            Decoder::Xz(_) => Compression::Xz,
            Decoder::Bzip2(_) => Compression::Bzip2,
        }
    }

    /// The input itself, if it is not compressed.
    pub fn plain(&self) -> Option<&Raw> {
        match &self.decoder {
            Decoder::Plain(peeked) => Some(peeked.get_ref().1),
            Decoder::Gzip(_) | Decoder::Zstd(_) | Decoder::Xz(_) | Decoder::Bzip2(_) => None,
        }
    }
}

impl<Raw: Read> Read for Stream<Raw> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some((kind, why)) = &self.broken {
            return Err(io::Error::new(*kind, why.clone()));
        }
        let read = match &mut self.decoder {
            Decoder::Plain(peeked) => return peeked.read(buffer),
            Decoder::Gzip(members) => members.read(buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer),
            Decoder::Xz(decoder) => decoder.read(buffer),
            Decoder::Bzip2(decoder) => decoder.read(buffer),
        };
        let error = match read {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => error,
            read => return read,
        };
        let (kind, why) = match error.kind() {
            io::ErrorKind::UnexpectedEof => (
                io::ErrorKind::UnexpectedEof,
                "the compressed data is truncated; everything before was read".to_owned(),
            ),
            io::ErrorKind::OutOfMemory => (
                io::ErrorKind::InvalidData,
                format!(
                    "decompressing it takes more than {} MiB of memory",
                    XZ_MEMORY >> 10
                ),
            ),
            // From the decoder, not from the system.
            kind if error.raw_os_error().is_none() => (
                match kind {
                    io::ErrorKind::Other | io::ErrorKind::Unsupported => io::ErrorKind::InvalidData,
                    kind => kind,
                },
                format!("the compressed data is damaged: {error}"),
            ),
            _ => return Err(error),
        };
        self.broken = Some((kind, why.clone()));
        Err(io::Error::new(kind, why))
    }
}

/// How an input is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not compressed.
    Plain,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The `.xz` file format.
    Xz,
    /// The `.bz2` file format.
    Bzip2,
}

impl Compression {
    /// The name of its tool.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
            Self::Xz => Some("xz"),
            Self::Bzip2 => Some("bzip2"),
        }
    }
}

/// The compression of what begins so, if these bytes are enough to tell.
pub(super) fn of_first_bytes(first: &[u8]) -> Option<Compression> {
    match detect(first) {
        Detected::NotYet => None,
        Detected::Compression(format) => Some(format),
    }
}

enum Detected {
    NotYet,
    Compression(Compression),
}

fn detect(first: &[u8]) -> Detected {
    let skippable = first.first().is_none_or(|byte| byte & 0xF0 == 0x50);
    let after = first.get(1..).unwrap_or_default();
    if first.starts_with(GZIP) {
        Detected::Compression(Compression::Gzip)
    } else if first.starts_with(ZSTD) || skippable && after.starts_with(ZSTD_SKIPPABLE) {
        Detected::Compression(Compression::Zstd)
    } else if first.starts_with(XZ) {
        Detected::Compression(Compression::Xz)
    } else if [GZIP, ZSTD, XZ, BZIP2]
        .iter()
        .any(|magic| magic.starts_with(first))
        || skippable && ZSTD_SKIPPABLE.starts_with(after)
    {
        Detected::NotYet
    } else {
        detect_bzip2(first)
    }
}

/// Its first bytes are letters, which any text may begin with.
fn detect_bzip2(first: &[u8]) -> Detected {
    match first.strip_prefix(BZIP2) {
        Some([b'1'..=b'9', block @ ..]) => {
            if BZIP2_BLOCKS.iter().any(|magic| block.starts_with(magic)) {
                Detected::Compression(Compression::Bzip2)
            } else if BZIP2_BLOCKS.iter().any(|magic| magic.starts_with(block)) {
                Detected::NotYet
            } else {
                Detected::Compression(Compression::Plain)
            }
        }
        Some(_) | None => Detected::Compression(Compression::Plain),
    }
}

/// The members of a gzip file, one after the other, perhaps with zeros behind them.
enum Members<Raw: Read> {
    /// Inside a member.
    Inside(Box<GzDecoder<Buffered<Raw>>>),
    /// Where the next may begin.
    Between(Buffered<Raw>),
    /// After the last member.
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
                                "followed by data that is not gzip",
                            ));
                        }
                    }
                }
                Self::Ended => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let options = lzma_rust2::XzOptions::with_preset(1);
        let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(bytes: &[u8]) -> Vec<u8> {
        let level = bzip2::Compression::fast();
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), level);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Reads to the end, and once more.
    fn read(compressed: &[u8]) -> (Vec<u8>, bool) {
        let mut stream = Stream::detect(compressed).unwrap();
        let mut text = Vec::new();
        let is_whole = (&mut stream).take(1 << 20).read_to_end(&mut text).is_ok();
        let again = stream.read(&mut [0]);
        assert!(
            text.len() == 1 << 20 || is_whole == again.is_ok(),
            "an error stays one"
        );
        (text, is_whole)
    }

    /// What bytes are there that no repetition makes shorter.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn nothing_of_a_damaged_bzip2_block_is_given_away() {
        // The blocks of the fastest compression are of 100 kB.
        let text = noise(350_000);
        let whole = bzip2(&text);
        for (at, blocks) in [(1, 0), (3, 1), (5, 2), (7, 3)] {
            let mut damaged = whole.clone();
            damaged[whole.len() * at / 8] ^= 1;
            let (read, is_whole) = read(&damaged);
            assert!(!is_whole);
            assert!(text.starts_with(&read));
            let length = blocks * 99_000..blocks * 101_000 + 1;
            assert!(length.contains(&read.len()), "{at}: {}", read.len());
        }
        let (read, is_whole) = read(&whole[..whole.len() / 2]);
        assert!(!is_whole && text.starts_with(&read) && read.len() > 99_000);
    }

    #[test]
    fn bzip2_streams_of_any_length_follow_each_other() {
        let texts = [
            noise(250_000),
            vec![b'x'; 20 << 20],
            Vec::new(),
            b"end".to_vec(),
        ];
        let whole: Vec<u8> = texts.iter().flat_map(|text| bzip2(text)).collect();
        let mut text = Vec::new();
        let mut stream = Stream::detect(&*whole).unwrap();
        stream.read_to_end(&mut text).unwrap();
        assert!(text == texts.concat());
        let garbage = [&whole[..], b"garbage"].concat();
        let read = Stream::detect(&*garbage).unwrap().read_to_end(&mut text);
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn damage_is_no_crash(
            text in "[a-z]{0,300}",
            times in 1..20_usize,
            edits: Vec<(usize, u8)>,
            cut: usize,
        ) {
            let text = text.repeat(times).into_bytes();
            for whole in [xz(&text), bzip2(&text)] {
                prop_assert_eq!(read(&whole), (text.clone(), true));
                let mut damaged = whole.clone();
                for (at, byte) in &edits {
                    // What it is told by stays, so that the decoders see the rest.
                    let at = 10 + at % (damaged.len() - 10);
                    damaged[at] ^= *byte;
                }
                read(&damaged);
                prop_assert!(!read(&whole[..10 + cut % (whole.len() - 10)]).1);
            }
        }
    }
}
