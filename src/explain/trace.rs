//! Where the values of a record go: each is replaced by a marker, and the record is mapped again. Where the marker
//! comes out, the value went; what else differs, the value decides.
//!
//! Most values are only copied: so many are replaced at once, and halves of them only where something but the
//! markers differs.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use super::leaves::{EventLeaf, RawLeaf, event_leaves, scalars, text};

/// How many bytes of records are mapped for one explanation, at most: a second or two. What is then not known of
/// a record made to take longer is said to be unknown.
const MOST_BYTES: usize = 64 << 20;
/// What a record costs beside its length.
const COST: usize = 1 << 10;

/// What each value of a record does, by their places among the values of the record and the fields of the event.
#[derive(Debug, Default)]
pub(super) struct Trace {
    effects: Vec<Effects>,
    /// Whether a value does anything; `None` where that is not known.
    has_effect: Vec<Option<bool>>,
}

/// The values that one field depends on.
#[derive(Debug, Default, Clone)]
struct Effects {
    /// Their markers come out in the field.
    copied: Vec<usize>,
    /// With another value the field is another, or not there.
    read: Vec<usize>,
    /// Texts of these hold a text of the field.
    holding: Vec<usize>,
}

/// What a field is made of, by places among the values of the record.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// What it is made of.
    pub from: Vec<usize>,
    /// What else it depends on.
    pub by: Vec<usize>,
}

impl Trace {
    /// Traces the values of a record's text; `map` gives the event of a text, if it can be mapped. Fields that
    /// differ each time are left out.
    pub fn of(
        text: &str,
        raw: &[RawLeaf<'_>],
        fields: &[EventLeaf],
        differs_anyway: &dyn Fn(&EventLeaf) -> bool,
        map: impl FnMut(&str) -> Option<Value>,
    ) -> Self {
        let places = fields.iter().enumerate();
        let mut tracer = Tracer {
            text,
            raw,
            fields,
            places: places
                .map(|(at, leaf)| (leaf.path.to_string(), at))
                .collect(),
            differs_anyway,
            base: base(raw),
            left: MOST_BYTES,
            map,
            trace: Self {
                effects: vec![Effects::default(); fields.len()],
                has_effect: vec![None; raw.len()],
            },
        };
        tracer.group(0..raw.len());
        tracer.trace
    }

    /// Whether the value at a place does anything; none where that is not known.
    pub fn has_effect(&self, at: usize) -> Option<bool> {
        self.has_effect[at]
    }

    /// What the field at a place is made of: copies of values, else parts of them, else what they decide.
    pub fn sources(&self, field: usize) -> Sources {
        let Effects {
            copied,
            read,
            holding,
        } = &self.effects[field];
        let best = [copied, holding, read]
            .into_iter()
            .find(|values| !values.is_empty());
        let mut from = best.cloned().unwrap_or_default();
        from.sort_unstable();
        from.dedup();
        let is_other = |at: &&usize| from.binary_search(at).is_err();
        let mut by: Vec<usize> = read.iter().filter(is_other).copied().collect();
        by.sort_unstable();
        Sources { from, by }
    }
}

/// What markers begin with: nine digits that any field may hold, as a text or a number, a time too. No number of
/// the record begins with the same digit, so that a marker is never what was there.
fn base(raw: &[RawLeaf<'_>]) -> u64 {
    let is_free = |digit: &u64| {
        let digit = digit.to_string();
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        !raw.iter().any(|leaf| {
            let text = leaf.text();
            text.starts_with(&digit) && is_number(&text)
        })
    };
    (1..=9).find(is_free).unwrap_or(1) * 100_000_000
}

struct Tracer<'a, 'r, M> {
    text: &'a str,
    raw: &'a [RawLeaf<'r>],
    fields: &'a [EventLeaf],
    differs_anyway: &'a dyn Fn(&EventLeaf) -> bool,
    places: HashMap<String, usize>,
    base: u64,
    /// How many bytes may still be mapped.
    left: usize,
    map: M,
    trace: Trace,
}

/// What became of a field.
enum Change {
    /// Nothing.
    None,
    /// Scalars in it are markers now, of these values.
    Marked(Vec<usize>),
    /// Something else; these values' markers are in it.
    Other(Vec<usize>),
}

impl<M: FnMut(&str) -> Option<Value>> Tracer<'_, '_, M> {
    /// Traces the values in a range.
    fn group(&mut self, range: Range<usize>) {
        let cost = self.text.len() + COST;
        if range.is_empty() || self.left < cost {
            return;
        }
        self.left -= cost;
        let text = self.replaced(&range);
        let event = (self.map)(&text);
        let changes = event.map(|event| self.changes(&event, &range));
        let is_understood = changes.as_ref().is_some_and(|(changes, is_more)| {
            let is_marked = |(_, change): &(usize, Change)| matches!(change, Change::Marked(_));
            !is_more && changes.iter().all(is_marked)
        });
        if range.len() > 1 && !is_understood {
            let middle = range.start.midpoint(range.end);
            self.group(range.start..middle);
            self.group(middle..range.end);
            return;
        }
        for at in range.clone() {
            self.trace.has_effect[at] = Some(false);
        }
        match changes {
            Some((changes, _)) => {
                for (field, change) in changes {
                    self.note(field, change, range.start);
                }
            }
            // Nothing but the time makes a record unmappable.
            None => {
                if let Some(field) = self.places.get("@timestamp") {
                    self.note(*field, Change::Other(Vec::new()), range.start);
                }
            }
        }
    }

    fn note(&mut self, field: usize, change: Change, first: usize) {
        let effects = &mut self.trace.effects[field];
        let (copied, is_read) = match change {
            Change::None => return,
            Change::Marked(copied) => (copied, false),
            Change::Other(copied) => (copied, true),
        };
        if is_read && copied.is_empty() {
            effects.read.push(first);
            self.trace.has_effect[first] = Some(true);
            let whole = self.raw[first].text();
            let scalars = self.fields[field].scalars().iter().map(text);
            if scalars.into_iter().any(|part| whole.contains(&part)) {
                effects.holding.push(first);
            }
        }
        for at in &copied {
            self.trace.has_effect[*at] = Some(true);
        }
        effects.copied.extend(copied);
    }

    /// The record with markers for the values in a range that are not empty.
    fn replaced(&self, range: &Range<usize>) -> String {
        let mut text = String::with_capacity(self.text.len() + 12 * range.len());
        let mut copied = 0;
        for at in range.clone() {
            let value = self.raw[at].value;
            if value.is_empty() {
                continue;
            }
            let marker = self.base + at as u64;
            text.push_str(&self.text[copied..value.start()]);
            if value.as_str().is_some() {
                text.push_str(&format!("\"{marker}\""));
            } else {
                text.push_str(&marker.to_string());
            }
            copied = value.start() + value.raw().len();
        }
        text.push_str(&self.text[copied..]);
        text
    }

    /// The fields that differ, and whether there are more of them.
    fn changes(&self, event: &Value, range: &Range<usize>) -> (Vec<(usize, Change)>, bool) {
        let now = event_leaves(event);
        let mut is_more = false;
        let mut values: Vec<Option<&Value>> = vec![None; self.fields.len()];
        for leaf in &now {
            match self.places.get(&leaf.path.to_string()) {
                Some(at) => values[*at] = Some(&leaf.value),
                None => is_more = true,
            }
        }
        let mut changes = Vec::new();
        for (at, (field, now)) in self.fields.iter().zip(values).enumerate() {
            if (self.differs_anyway)(field) {
                continue;
            }
            match self.change(field, now, range) {
                Change::None => {}
                change => changes.push((at, change)),
            }
        }
        (changes, is_more)
    }

    fn change(&self, field: &EventLeaf, now: Option<&Value>, range: &Range<usize>) -> Change {
        let Some(now) = now else {
            return Change::Other(Vec::new());
        };
        if *now == field.value {
            return Change::None;
        }
        let (before, now) = (field.scalars(), scalars(now));
        let marked: Vec<usize> = now
            .iter()
            .filter_map(|scalar| self.marked(scalar, range))
            .collect();
        let pairs = before.iter().zip(now);
        let differing = pairs.filter(|(before, now)| before != now).count();
        if before.len() == now.len() && differing == marked.len() {
            Change::Marked(marked)
        } else {
            Change::Other(marked)
        }
    }

    /// The value whose marker a scalar is.
    fn marked(&self, scalar: &Value, range: &Range<usize>) -> Option<usize> {
        let number: u64 = text(scalar).parse().ok()?;
        let at = usize::try_from(number.checked_sub(self.base)?).ok()?;
        range.contains(&at).then_some(at)
    }
}
