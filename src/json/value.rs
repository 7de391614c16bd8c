//! Reading parsed nodes: a [`Value`] is a node and the text it points into.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Kind, Node, escape, write_string};

/// A parsed text: the text and its nodes.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The text that was parsed.
    pub text: &'a str,
    nodes: &'a [Node],
}

impl<'a> Document<'a> {
    /// Joins a text with the nodes that [`super::parse`] made of it.
    #[must_use]
    pub fn new(text: &'a str, nodes: &'a [Node]) -> Self {
        Self { text, nodes }
    }

    /// The outermost value.
    #[must_use]
    pub fn root(self) -> Value<'a> {
        Value {
            document: self,
            index: 0,
        }
    }
}

/// One value of a [`Document`].
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    document: Document<'a>,
    index: usize,
}

impl<'a> Value<'a> {
    fn node(self) -> Node {
        self.document.nodes[self.index]
    }

    /// What the value is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// The value's own text, exactly as it stands.
    #[must_use]
    pub fn raw(self) -> &'a str {
        let node = self.node();
        &self.document.text[node.start as usize..node.end as usize]
    }

    pub(super) fn is_clean(self) -> bool {
        self.node().clean
    }

    /// Position of the value's first byte in the text.
    #[must_use]
    pub fn start(self) -> usize {
        self.node().start as usize
    }

    /// Whether the value is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The value, unless it is `null`: mapping.md treats null as absent nearly everywhere.
    #[must_use]
    pub fn non_null(self) -> Option<Self> {
        (!self.is_null()).then_some(self)
    }

    /// The value, if it is a string, number or boolean.
    #[must_use]
    pub fn scalar(self) -> Option<Self> {
        match self.kind() {
            Kind::Boolean | Kind::Integer | Kind::Float | Kind::String => Some(self),
            Kind::Null | Kind::Array | Kind::Object => None,
        }
    }

    /// The decoded text of a string; half a surrogate pair becomes U+FFFD.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| decode(self.document.text, self.node()))
    }

    /// Whether the value is the string `expected`.
    #[must_use]
    pub fn is_str(self, expected: &str) -> bool {
        let node = self.node();
        node.kind == Kind::String
            && if node.special {
                decode(self.document.text, node) == expected
            } else {
                self.document.text.as_bytes()[node.start as usize + 1..node.end as usize - 1]
                    == *expected.as_bytes()
            }
    }

    /// The value as text: a string decoded, a number or boolean as it is written.
    #[must_use]
    pub fn to_text(self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::String => self.as_str(),
            Kind::Boolean | Kind::Integer | Kind::Float => Some(Cow::Borrowed(self.raw())),
            Kind::Null | Kind::Array | Kind::Object => None,
        }
    }

    /// The value, if it is an object.
    #[must_use]
    pub fn object(self) -> Option<Self> {
        (self.kind() == Kind::Object).then_some(self)
    }

    /// The value, if it is an array.
    #[must_use]
    pub fn array(self) -> Option<Self> {
        (self.kind() == Kind::Array).then_some(self)
    }

    fn at(self, index: usize) -> Self {
        Self { index, ..self }
    }

    /// The elements of an array; nothing for any other value.
    pub fn elements(self) -> impl Iterator<Item = Value<'a>> {
        let end = match self.kind() {
            Kind::Array => self.node().next as usize,
            _ => 0,
        };
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            (index < end).then(|| {
                let element = self.at(index);
                index = element.node().next as usize;
                element
            })
        })
    }

    /// Every member of an object as it stands, keys that stand twice included; nothing for any
    /// other value.
    pub fn all_members(self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> {
        let end = match self.kind() {
            Kind::Object => self.node().next as usize,
            _ => 0,
        };
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            (index < end).then(|| {
                let (key, value) = (self.at(index), self.at(index + 1));
                index = value.node().next as usize;
                (key, value)
            })
        })
    }

    /// The members of an object, each key once: of a key that stands twice the last value.
    #[must_use]
    pub fn members(self) -> Vec<(Value<'a>, Value<'a>)> {
        let mut members: Vec<_> = self.all_members().collect();
        if self.kind() == Kind::Object && self.node().special {
            let mut seen = HashSet::new();
            members.reverse();
            members.retain(|(key, _)| seen.insert(key.as_str()));
            members.reverse();
        }
        members
    }

    /// The value of an object's member, the last of that name; none for any other value.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        let mut found = None;
        for (key, value) in self.all_members() {
            if key.is_str(name) {
                found = Some(value);
            }
        }
        found
    }

    /// Appends a text that is equal for values that are equal as JSON stands: keys sorted, the last
    /// of a repeated key, integers and other numbers never equal (mapping.md §4, `affectedObject`).
    pub fn write_canonical(self, out: &mut Vec<u8>) {
        match self.kind() {
            Kind::Null | Kind::Boolean => out.extend_from_slice(self.raw().as_bytes()),
            Kind::Integer if self.raw() == "-0" => out.push(b'0'),
            Kind::Integer => out.extend_from_slice(self.raw().as_bytes()),
            Kind::Float => {
                let number = self.raw().parse::<f64>().unwrap_or(f64::NAN);
                out.extend_from_slice(format!("{number:?}").as_bytes());
            }
            Kind::String => write_string(out, &self.as_str().unwrap_or_default()),
            Kind::Array => {
                out.push(b'[');
                for element in self.elements() {
                    element.write_canonical(out);
                    out.push(b',');
                }
                out.push(b']');
            }
            Kind::Object => {
                let mut members = self.members();
                members.sort_by_cached_key(|(key, _)| key.as_str());
                out.push(b'{');
                for (key, value) in members {
                    key.write_canonical(out);
                    out.push(b':');
                    value.write_canonical(out);
                    out.push(b',');
                }
                out.push(b'}');
            }
        }
    }
}

fn decode(text: &str, node: Node) -> Cow<'_, str> {
    let inside = &text[node.start as usize + 1..node.end as usize - 1];
    if node.special {
        Cow::Owned(escape::unescape(inside))
    } else {
        Cow::Borrowed(inside)
    }
}

/// Whether a key of the object at `index`, which may be open still, stands twice.
pub(super) fn repeats_a_key(text: &str, nodes: &[Node], index: usize) -> bool {
    let mut seen = HashSet::new();
    let mut at = index + 1;
    while let Some(key) = nodes.get(at) {
        if !seen.insert(decode(text, *key)) {
            return true;
        }
        at = nodes
            .get(at + 1)
            .map_or(usize::MAX, |value| value.next as usize);
    }
    false
}
