//! Where the values of a record go: each is replaced by a marker, and the record is mapped again. Where the marker
//! comes out, the value went; what else differs, the value decides.
//!
//! A marker stays where nothing but the marker differs. Values that stand in the record more than once come first:
//! from then on they are told apart, as where an affected user takes the place of an author of the same name. In
//! lists most values are only copied: so many are replaced at once, and halves of them only where something but the
//! markers differs.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::leaves::{EventLeaf, RawLeaf, Step, event_leaves, scalars, text};
use crate::pipeline::json;

/// How many bytes of records are mapped for one explanation, at most: a second or two. What is then not known of
/// a record made to take longer is said to be unknown.
const MOST_BYTES: usize = 64 << 20;
/// What a record costs beside its length.
const COST: usize = 1 << 10;

/// What each value of a record does, by their places among the values of the record and the fields of the event.
#[derive(Debug)]
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
    /// A part of their texts is in the field, and without it the field is another, or not there.
    in_part: Vec<usize>,
    /// With another value the field is another, or not there.
    decided: Vec<usize>,
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
    /// What the value at a place does: something or nothing; none where that is not known.
    pub fn has_effect(&self, at: usize) -> Option<bool> {
        self.has_effect[at]
    }

    /// What the field at a place is made of: copies of values, else parts of them, else what they decide.
    pub fn sources(&self, field: usize) -> Sources {
        let effects = &self.effects[field];
        let Effects {
            copied,
            in_part,
            decided,
        } = effects;
        let ranked = [copied, in_part, decided];
        let best = ranked.iter().position(|values| !values.is_empty());
        let sorted = |values: &[&Vec<usize>]| {
            let mut values: Vec<usize> = values.iter().copied().flatten().copied().collect();
            values.sort_unstable();
            values.dedup();
            values
        };
        let (from, others) = ranked.split_at(best.map_or(0, |best| best + 1));
        let from = sorted(from);
        let mut by = sorted(others);
        by.retain(|at| from.binary_search(at).is_err());
        Sources { from, by }
    }
}

/// A record whose values are traced.
pub(super) struct Tracer<'a, 'r, M> {
    text: Cow<'a, str>,
    raw: &'a [RawLeaf<'r>],
    fields: &'a [EventLeaf],
    /// The places of the fields, by their paths.
    places: HashMap<String, usize>,
    /// The values of the fields with the markers that stay; none of what differs each time.
    current: Vec<Option<Value>>,
    /// Which values are replaced by markers that stay.
    is_marked: Vec<bool>,
    base: u64,
    /// Whether what is empty in the record has a place in the event.
    keeps_empty: bool,
    /// The value that is left out in the end.
    without: Option<&'static str>,
    /// How many bytes may still be mapped.
    left: usize,
    /// The event of a text, if it can be mapped.
    map: M,
    trace: Trace,
}

/// What became of a field.
enum Change {
    /// Scalars in it are markers now, of these values.
    Marked(Vec<usize>),
    /// Something else.
    Other,
}

/// What became of an event.
struct Changes {
    fields: Vec<(usize, Change)>,
    /// It has further fields.
    is_more: bool,
    now: Vec<Option<Value>>,
}

impl<'a, 'r, M: FnMut(&str) -> Option<Value>> Tracer<'a, 'r, M> {
    /// Begins to trace the values of a record's text.
    pub fn new(text: &'a str, raw: &'a [RawLeaf<'r>], fields: &'a [EventLeaf], map: M) -> Self {
        let places = fields.iter().enumerate();
        Self {
            text: Cow::Borrowed(text),
            raw,
            fields,
            places: places
                .map(|(at, leaf)| (leaf.path.to_string(), at))
                .collect(),
            current: fields.iter().map(|leaf| Some(leaf.value.clone())).collect(),
            is_marked: vec![false; raw.len()],
            base: base(raw),
            keeps_empty: false,
            without: None,
            left: MOST_BYTES,
            map,
            trace: Trace {
                effects: vec![Effects::default(); fields.len()],
                has_effect: vec![None; raw.len()],
            },
        }
    }

    /// Leaves a field out, which differs each time.
    pub fn leave_out(&mut self, field: &str) {
        if let Some(at) = self.places.get(field) {
            self.current[*at] = None;
        }
    }

    /// Traces empty values, too: else they are the same as absent.
    pub fn keep_empty(&mut self) {
        self.keeps_empty = true;
    }

    /// Traces once more without the value of that path, for what it decides by being there.
    pub fn try_without(&mut self, path: &'static str) {
        self.without = Some(path);
    }

    /// Traces the record as if a value were empty, which does nothing only because it is another's equal.
    pub fn set_aside(&mut self, value: json::Value<'_>) {
        let range = value.start()..value.start() + value.raw().len();
        for (at, leaf) in self.raw.iter().enumerate() {
            if range.contains(&leaf.value.start()) {
                self.trace.has_effect[at] = Some(false);
            }
        }
        // As long as before: all others stay where they are.
        let empty = format!("{:1$}", "null", range.len());
        self.text.to_mut().replace_range(range, &empty);
    }

    /// Traces all values.
    pub fn trace(mut self) -> Trace {
        let mut count: HashMap<String, usize> = HashMap::new();
        for leaf in self.raw {
            *count.entry(leaf.text()).or_default() += 1;
        }
        let is_repeated = |at: &usize| count[&self.raw[*at].text()] > 1;
        let is_in_list = |at: &usize| {
            let mut steps = self.raw[*at].path.0.iter();
            steps.any(|step| matches!(step, Step::Index(_)))
        };
        let values = (0..self.raw.len()).filter(|at| self.trace.has_effect[*at].is_none());
        let (repeated, once): (Vec<usize>, Vec<usize>) = values.partition(is_repeated);
        let parts = [repeated, once].map(|values| values.into_iter().partition(is_in_list));
        for (inside, outside) in parts {
            let (inside, outside): (Vec<usize>, Vec<usize>) = (inside, outside);
            for at in outside {
                self.group(&[at]);
            }
            self.group(&inside);
        }
        // Else fields may be untraced for want of time.
        if !self.trace.has_effect.contains(&None) {
            self.trace_either();
        }
        self.trace_without();
        self.trace
    }

    /// Traces fields that are there because a value is, whatever it is.
    fn trace_without(&mut self) {
        let is_it = |leaf: &RawLeaf<'_>| Some(leaf.path.to_string().as_str()) == self.without;
        let Some(at) = self.raw.iter().rposition(is_it) else {
            return;
        };
        let value = self.raw[at].value;
        let cost = self.text.len() + COST;
        if self.left < cost {
            return;
        }
        self.left -= cost;
        let mut text = self.text.to_string();
        text.replace_range(value.start()..value.start() + value.raw().len(), "null");
        let Some(event) = (self.map)(&text) else {
            return;
        };
        let now: HashSet<String> = event_leaves(&event)
            .iter()
            .map(|leaf| leaf.path.to_string())
            .collect();
        for (field, leaf) in self.fields.iter().enumerate() {
            if !now.contains(&leaf.path.to_string()) && self.trace.sources(field).from.is_empty() {
                self.trace.effects[field].decided.push(at);
                self.trace.has_effect[at] = Some(true);
            }
        }
    }

    /// Traces fields that no value alone makes another: those of which several values have the same part.
    fn trace_either(&mut self) {
        for field in 0..self.fields.len() {
            let is_traced = !self.trace.sources(field).from.is_empty();
            let parts: Vec<String> = self.fields[field].scalars().iter().map(text).collect();
            let has_part = |at: &usize| {
                let whole = self.raw[*at].text();
                !self.is_marked[*at] && parts.iter().any(|part| is_part(part, &whole))
            };
            let values = || (0..self.raw.len()).filter(has_part);
            let cost = self.text.len() + COST;
            if is_traced || self.left < cost || values().next().is_none() {
                continue;
            }
            self.left -= cost;
            let values: Vec<usize> = values().collect();
            let text = self.replaced(&values);
            let Some(event) = (self.map)(&text) else {
                continue;
            };
            let changes = self.changes(&event, &values).fields;
            if changes.iter().any(|(changed, _)| *changed == field) {
                self.trace.effects[field].in_part = values;
            }
        }
    }

    /// Traces some values.
    fn group(&mut self, values: &[usize]) {
        let cost = self.text.len() + COST;
        if values.is_empty() || self.left < cost {
            return;
        }
        self.left -= cost;
        let text = self.replaced(values);
        let event = (self.map)(&text);
        let changes = event.map(|event| self.changes(&event, values));
        if let Some(changes) = changes.as_ref().filter(|changes| changes.are_markers()) {
            self.accept(values, changes);
            return;
        }
        if let [value] = values {
            self.note(*value, changes);
            return;
        }
        let (first, second) = values.split_at(values.len() / 2);
        self.group(first);
        self.group(second);
    }

    /// Values that are only copied, or not used at all: their markers stay.
    fn accept(&mut self, values: &[usize], changes: &Changes) {
        for at in values {
            self.is_marked[*at] = true;
            self.trace.has_effect[*at] = Some(false);
        }
        for (field, change) in &changes.fields {
            if let Change::Marked(copied) = change {
                for at in copied {
                    self.trace.has_effect[*at] = Some(true);
                }
                self.trace.effects[*field].copied.extend(copied);
            }
            self.current[*field].clone_from(&changes.now[*field]);
        }
    }

    /// A value that decides something.
    fn note(&mut self, value: usize, changes: Option<Changes>) {
        self.trace.has_effect[value] = Some(false);
        let Some(changes) = changes else {
            // Nothing but the time makes a record unmappable.
            if let Some(field) = self.places.get("@timestamp") {
                self.trace.effects[*field].decided.push(value);
                self.trace.has_effect[value] = Some(true);
            }
            return;
        };
        let whole = self.raw[value].text();
        let is_empty = self.raw[value].value.is_empty();
        for (field, change) in changes.fields {
            // What is empty comes out empty, if at all. With a marker it can do more.
            if is_empty && !is_empty_field(&self.fields[field].value) {
                continue;
            }
            let effects = &mut self.trace.effects[field];
            let mut parts = self.fields[field].scalars().iter().map(text);
            match change {
                Change::Marked(copied) => effects.copied.extend(copied),
                Change::Other if parts.any(|part| is_part(&part, &whole)) => {
                    effects.in_part.push(value);
                }
                Change::Other => effects.decided.push(value),
            }
            self.trace.has_effect[value] = Some(true);
        }
    }

    /// The record with the markers that stay, and those of some values.
    fn replaced(&self, values: &[usize]) -> String {
        let mut text = String::with_capacity(self.text.len() + 12 * self.raw.len());
        let mut copied = 0;
        for (at, RawLeaf { value, .. }) in self.raw.iter().enumerate() {
            let is_replaced = self.is_marked[at] || values.binary_search(&at).is_ok();
            if !is_replaced || value.is_empty() && !self.keeps_empty {
                continue;
            }
            let marker = (self.base + at as u64).to_string();
            text.push_str(&self.text[copied..value.start()]);
            if value.as_str().is_some() {
                text.extend(["\"", &marker, "\""]);
            } else {
                text.push_str(&marker);
            }
            copied = value.start() + value.raw().len();
        }
        text.push_str(&self.text[copied..]);
        text
    }

    /// What differs in an event with the markers of some values.
    fn changes(&self, event: &Value, values: &[usize]) -> Changes {
        let mut changes = Changes {
            fields: Vec::new(),
            is_more: false,
            now: vec![None; self.fields.len()],
        };
        for leaf in event_leaves(event) {
            match self.places.get(&leaf.path.to_string()) {
                Some(at) => changes.now[*at] = Some(leaf.value),
                None => changes.is_more = true,
            }
        }
        for (at, (before, now)) in self.current.iter().zip(&changes.now).enumerate() {
            let Some(before) = before else { continue };
            let change = match now {
                Some(now) if now == before => continue,
                Some(now) => self.change(before, now, values),
                None => Change::Other,
            };
            changes.fields.push((at, change));
        }
        changes
    }

    fn change(&self, before: &Value, now: &Value, values: &[usize]) -> Change {
        let (before, now) = (scalars(before), scalars(now));
        let marked = now.iter().filter_map(|scalar| self.marked(scalar, values));
        let marked: Vec<usize> = marked.collect();
        let pairs = before.iter().zip(now);
        let differing = pairs.filter(|(before, now)| before != now).count();
        if before.len() == now.len() && differing == marked.len() {
            Change::Marked(marked)
        } else {
            Change::Other
        }
    }

    /// The value, one of some, whose marker a scalar is.
    fn marked(&self, scalar: &Value, values: &[usize]) -> Option<usize> {
        let number: u64 = text(scalar).parse().ok()?;
        let at = usize::try_from(number.checked_sub(self.base)?).ok()?;
        values.binary_search(&at).ok().map(|_| at)
    }
}

impl Changes {
    /// Whether nothing differs but for markers.
    fn are_markers(&self) -> bool {
        let is_marked = |(_, change): &(usize, Change)| matches!(change, Change::Marked(_));
        !self.is_more && self.fields.iter().all(is_marked)
    }
}

/// Whether a text is made of a part of another.
fn is_part(part: &str, whole: &str) -> bool {
    !part.is_empty() && whole.contains(part)
}

/// Whether there is nothing in a field, or something empty among others.
fn is_empty_field(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty() || list.iter().any(is_empty_field),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What is added to the place of a value to make its marker: nine digits that any field may hold, as a text or a
/// number, a time too. No number of the record begins with the same digit, so that a marker is never what was there.
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
