//! The text of a state file.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use twox_hash::XxHash3_128;

use super::Error;
use crate::pipeline::timestamp::Timestamp;

/// The layout that this program writes, and the newest that it reads.
const VERSION: u64 = 1;

/// A state, and since when it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved<T> {
    /// When it was saved, in UTC, to the millisecond.
    pub saved_at: OffsetDateTime,
    /// The saved value.
    pub state: T,
}

/// What is wrong with a state file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file does not exist.
    #[error("file is missing")]
    Missing,
    /// It holds nothing, as after a power loss on some file systems.
    #[error("file is empty")]
    Empty,
    /// It is no state file, or its state is not of the expected shape.
    #[error("unexpected content: {0}")]
    Shape(String),
    /// Its state is not what was written.
    #[error("checksum mismatch")]
    Checksum,
}

#[derive(Serialize, Deserialize)]
struct Layout<'a> {
    version: u64,
    #[serde(borrow)]
    saved_at: Cow<'a, str>,
    #[serde(borrow)]
    checksum: Cow<'a, str>,
    #[serde(borrow)]
    state: Cow<'a, RawValue>,
}

/// All that is known of the layouts to come.
#[derive(Deserialize)]
struct AnyLayout {
    version: u64,
}

/// The text of a state that is saved now.
pub(super) fn write(state: &impl Serialize) -> io::Result<String> {
    let state = serde_json::value::to_raw_value(state)?;
    let saved_at = Timestamp::now().json();
    let layout = Layout {
        version: VERSION,
        saved_at: String::from_utf8_lossy(&saved_at[1..saved_at.len() - 1]),
        checksum: checksum(&state).into(),
        state: Cow::Owned(state),
    };
    let mut text = serde_json::to_string(&layout)?;
    text.push('\n');
    Ok(text)
}

/// Reads a state file; damage is what a previous generation can make good.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Result<Saved<T>, Damage>, Error> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Err(Damage::Missing)),
        Err(source) => {
            return Err(Error::Read {
                path: path.to_owned(),
                source,
            });
        }
    };
    if let Ok(AnyLayout { version }) = serde_json::from_slice(&bytes)
        && version > VERSION
    {
        return Err(Error::Newer {
            path: path.to_owned(),
            version,
        });
    }
    Ok(understand(&bytes))
}

fn understand<T: DeserializeOwned>(bytes: &[u8]) -> Result<Saved<T>, Damage> {
    if bytes.is_empty() {
        return Err(Damage::Empty);
    }
    let shape = |error: serde_json::Error| Damage::Shape(error.to_string());
    let layout: Layout<'_> = serde_json::from_slice(bytes).map_err(shape)?;
    if layout.version != VERSION {
        return Err(Damage::Shape(format!("version {}", layout.version)));
    }
    if layout.checksum != checksum(&layout.state) {
        return Err(Damage::Checksum);
    }
    let saved_at = Timestamp::from_text(&layout.saved_at).ok_or_else(|| {
        Damage::Shape(format!(
            "saved_at {:?} is not a valid time",
            layout.saved_at
        ))
    })?;
    Ok(Saved {
        saved_at: saved_at.to_utc(),
        state: serde_json::from_str(layout.state.get()).map_err(shape)?,
    })
}

fn checksum(state: &RawValue) -> String {
    format!("{:032x}", XxHash3_128::oneshot(state.get().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(text: &str) -> Result<Vec<u64>, Damage> {
        understand(text.as_bytes()).map(|saved| saved.state)
    }

    #[test]
    fn every_single_bit_that_flips_is_found_or_harmless() {
        let text = write(&[1_u64, 22, 333]).unwrap();
        assert_eq!(understood(&text), Ok(vec![1, 22, 333]));
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(saved) = understand::<Vec<u64>>(&bytes) {
                assert_eq!(saved.state, [1, 22, 333], "bit {bit}");
            }
        }
    }

    #[test]
    fn every_truncation_is_found() {
        let text = write(&[1_u64, 22, 333]).unwrap();
        assert_eq!(understood(""), Err(Damage::Empty));
        for length in 1..text.len() - 1 {
            assert!(understood(&text[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn the_layout_is_as_promised() {
        let text = write(&["x"]).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["version"], 1);
        assert_eq!(value["state"][0], "x");
        assert!(value["saved_at"].as_str().unwrap().ends_with('Z'));
        assert!(text.ends_with("}\n"));
    }
}
