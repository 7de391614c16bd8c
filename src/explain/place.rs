//! The records of an input, each with its event.

use serde_json::Value;

use crate::pipeline::event::{self, Origin};
use crate::pipeline::frame::Frame;
use crate::pipeline::json::Reader;
use crate::pipeline::normalize::Normalizer;

/// What every event has in it.
const TIME: &str = "\"@timestamp\"";

/// Where an event is from: its record's text, and the offset of the line that this begins in.
#[derive(Debug)]
pub(super) struct Place {
    pub text: String,
    pub line_offset: u64,
    /// Why the record cannot be mapped.
    pub error: Option<String>,
}

impl Place {
    /// The raw record that an event of this program was made of, if the text is one that holds it.
    pub fn original_of_event(&self) -> Option<String> {
        if !self.text.contains(TIME) {
            return None;
        }
        let mut reader = Reader::default();
        let document = reader.read(&self.text).ok()?;
        let event = event::event_in(document.root())?.get("event")?;
        let original = event.get("original")?.as_str()?;
        Some(original.into_owned())
    }
}

/// The place of each record in frames of `text`, and the event that `normalizer` makes of it. `splitter` makes events that
/// tell the places.
pub(super) fn places(
    normalizer: &mut Normalizer,
    splitter: &mut Normalizer,
    text: &[u8],
    offset: u64,
    frames: Vec<Frame>,
    origin: &Origin,
) -> impl Iterator<Item = (Place, Value)> + use<> {
    let (mut places, mut events) = (Vec::new(), Vec::new());
    // Only of a file an event tells the offset.
    let file = Origin::file("-".as_ref());
    // What it has to say is said by the other one.
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), || {
        splitter.frames(&mut places, text, offset, frames.clone(), &file);
    });
    normalizer.frames(&mut events, text, offset, frames, origin);
    // Both have as many.
    let places = lines(&places).into_iter().map(|place| Place {
        text: place["event"]["original"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        error: place["error"]["message"].as_str().map(str::to_owned),
        line_offset: place["log"]["offset"].as_u64().unwrap_or_default(),
    });
    places.zip(lines(&events))
}

fn lines(text: &[u8]) -> Vec<Value> {
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    let events = lines.map(|line| serde_json::from_slice(line).unwrap_or_default());
    events.collect()
}
