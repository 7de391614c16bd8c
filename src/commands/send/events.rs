//! The events of the inputs of `send`, with their ids.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cluster::event_line::{EventLine, dataset, event_line, is_like_action};
use crate::input::lines::{Line, Lines, Position};
use crate::pipeline::event::{EventId, IdSource, write_action, write_action_of};
use crate::process::stop::Stop;

/// Longer lines are no events: no cluster takes a request of that size.
const LONGEST_LINE: usize = 128 << 20;
/// So many lines of an input that are no events are named one by one.
const NAMED: u64 = 10;
/// Bytes of an id that tell events apart.
const KEY: usize = 16;

/// Reads lines, and makes bodies for `_bulk` of them.
pub struct EventReader {
    lines: Lines,
    /// Of the data streams that the events are for.
    namespace: String,
    stop: Arc<Stop>,
    text: Vec<u8>,
    /// An action line whose event is to come.
    action: Option<Action>,
    /// An action line that was rejected: its event is to come.
    rejected_action: Option<Position>,
    ordinals: Ordinals,
    events: u64,
    rejected: u64,
    /// Lines of the current input that are no events, and its name.
    unnamed: Option<(Position, u64)>,
}

struct Action {
    id: String,
    position: Position,
}

/// How often each event without an id was seen: 20 bytes for each.
#[derive(Default)]
struct Ordinals(HashMap<[u8; KEY], u32>);

impl Ordinals {
    /// The id of the next event with this text.
    fn id(&mut self, event: &str) -> EventId {
        let first = IdSource::Events.id(0, event.as_bytes());
        // The version of the recipe is the same in all.
        let hash = first.as_str().as_bytes()[1..].first_chunk::<KEY>();
        let seen = self.0.entry(hash.copied().unwrap_or_default()).or_default();
        let ordinal = u64::from(*seen);
        *seen = seen.saturating_add(1);
        if ordinal == 0 {
            first
        } else {
            IdSource::Events.id(ordinal, event.as_bytes())
        }
    }
}

impl EventReader {
    /// The events of those files, `-` being stdin, for data streams of that namespace.
    pub fn new(files: Vec<PathBuf>, namespace: String, stop: Arc<Stop>) -> Self {
        Self {
            lines: Lines::of_events(files, LONGEST_LINE, Arc::clone(&stop)),
            namespace,
            stop,
            text: Vec::new(),
            action: None,
            rejected_action: None,
            ordinals: Ordinals::default(),
            events: 0,
            rejected: 0,
            unnamed: None,
        }
    }

    /// How many events were read.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many lines are no events.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// How many bytes of the inputs were read, before they were decompressed.
    pub fn bytes(&self) -> u64 {
        self.lines.bytes()
    }

    /// Whether something of the inputs could not be sent; it was reported.
    pub fn has_failed(&self) -> bool {
        self.lines.has_failed() || self.rejected > 0
    }

    /// Makes a body of the next event; false at the end of the inputs, or when it is time to end.
    pub fn next(&mut self, body: &mut Vec<u8>) -> bool {
        body.clear();
        let mut text = std::mem::take(&mut self.text);
        while body.is_empty()
            && let Some(line) = self.lines.next_line(&mut text)
        {
            self.take(&text, line, body);
        }
        self.text = text;
        if body.is_empty() && !self.stop.is_requested() {
            // Nothing comes any more.
            self.reject_action();
        }
        !body.is_empty()
    }

    fn take(&mut self, text: &[u8], line: Line, body: &mut Vec<u8>) {
        let position = line.position;
        let is_of_action = |action: &Action| action.position.input == position.input;
        if self
            .action
            .as_ref()
            .is_some_and(|action| !is_of_action(action))
        {
            self.reject_action();
        }
        let rejected_action = self.rejected_action.take();
        let rejected_action = rejected_action.filter(|action| action.input == position.input);
        if line.is_too_long {
            self.action = None;
            let limit = LONGEST_LINE >> 20;
            return self.reject(position, &format!("the line is longer than {limit} MiB"));
        }
        match event_line(text) {
            Ok(EventLine::Blank) => self.rejected_action = rejected_action,
            Ok(EventLine::Event(_)) if rejected_action.is_some() => {
                // Under the id of its text it would be another event than under its own.
                self.reject(position, "the event of an action line that was rejected");
            }
            Ok(EventLine::Action(id)) => {
                self.reject_action();
                let id = id.to_owned();
                self.action = Some(Action { id, position });
            }
            Ok(EventLine::Event(event)) => {
                let index = self.index(event);
                match self.action.take() {
                    Some(action) => write_action_of(body, &action.id, &index),
                    None => write_action(body, &self.ordinals.id(event), &index),
                }
                self.push(body, event);
            }
            Ok(EventLine::DeadLetter { id, event }) => {
                self.reject_action();
                write_action_of(body, id, &self.index(event));
                self.push(body, event);
            }
            Err(problem) => {
                // The action's event is this line.
                self.action = None;
                if is_like_action(text) {
                    self.rejected_action = Some(position.clone());
                }
                self.reject(position, &problem.to_string());
            }
        }
    }

    /// The data stream that an event is for; empty: that of most events.
    fn index(&self, event: &str) -> String {
        let stream = dataset(event).action_stream(&self.namespace);
        stream.unwrap_or_default()
    }

    fn push(&mut self, body: &mut Vec<u8>, event: &str) {
        body.extend_from_slice(event.as_bytes());
        body.push(b'\n');
        self.events += 1;
    }

    /// An action line that no event follows.
    fn reject_action(&mut self) {
        if let Some(action) = self.action.take() {
            self.reject(action.position, "an action line that no event follows");
        }
    }

    fn reject(&mut self, position: Position, problem: &str) {
        self.rejected += 1;
        let is_same = |(other, _): &(Position, u64)| other.input == position.input;
        if !self.unnamed.as_ref().is_some_and(is_same) {
            self.report_unnamed();
        }
        let (_, count) = self.unnamed.get_or_insert_with(|| (position.clone(), 0));
        *count += 1;
        let Position { name, line, .. } = position;
        if *count <= NAMED {
            tracing::error!("{name}:{line}: {problem}");
        } else {
            tracing::debug!("{name}:{line}: {problem}");
        }
    }

    /// Says how many more lines of the current input are no events than were named.
    pub fn report_unnamed(&mut self) {
        if let Some((Position { name, .. }, count)) = self.unnamed.take()
            && let Some(more @ 1..) = count.checked_sub(NAMED)
        {
            tracing::error!("{name}: {more} more lines are not events (-v shows each)");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_events_are_told_apart_by_their_ordinals() {
        let mut ordinals = Ordinals::default();
        let ids: Vec<_> = ["a", "b", "a", "a"].map(|event| ordinals.id(event)).into();
        let id = |ordinal, event: &str| IdSource::Events.id(ordinal, event.as_bytes());
        assert_eq!(ids, [id(0, "a"), id(0, "b"), id(1, "a"), id(2, "a")]);
    }
}
