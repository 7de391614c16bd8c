//! Reading parsed nodes: a [`Value`] is a node of a document.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Document, Kind, Node, Writer, escape};

/// One value of a [`Document`].
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    document: &'a Document<'a>,
    index: u32,
}

impl<'a> Value<'a> {
    pub(super) fn new(document: &'a Document<'a>, index: u32) -> Self {
        Self { document, index }
    }

    #[inline]
    fn node(self) -> Node {
        self.document.nodes[self.index as usize]
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

    #[inline]
    pub(super) fn is_clean(self) -> bool {
        self.node().clean
    }

    /// Appends the value's own text.
    #[inline]
    pub(super) fn copy(self, out: &mut Writer) {
        let node = self.node();
        out.part(
            self.document.text.as_bytes(),
            node.start as usize,
            node.end as usize,
        );
    }

    /// Appends a key, quotes included.
    #[inline]
    pub(super) fn copy_key(self, out: &mut Writer) {
        if self.is_clean() {
            self.copy(out);
        } else {
            out.string(&self.as_str().unwrap_or_default());
        }
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

    /// Whether the value is null, `""`, `{}`, `[]`, or holds nothing else (docs/mapping.md 2).
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        // What is clean has something in it.
        !self.is_clean() && self.is_empty_indeed()
    }

    #[inline(never)]
    fn is_empty_indeed(self) -> bool {
        let node = self.node();
        match node.kind {
            Kind::Null => true,
            Kind::Boolean | Kind::Integer | Kind::Float => false,
            // Nothing between the quotes.
            Kind::String => node.end - node.start == 2,
            Kind::Array => self.elements().all(Self::is_empty),
            Kind::Object => self.members().all(|(_, value)| value.is_empty()),
        }
    }

    /// The value, unless it is empty, which is to be absent.
    #[inline]
    #[must_use]
    pub fn non_empty(self) -> Option<Self> {
        (!self.is_empty()).then_some(self)
    }

    /// The value where a scalar belongs: a string, number or boolean, or a list of them, which an
    /// index takes as well (docs/mapping.md 3).
    #[must_use]
    pub fn scalar(self) -> Option<Self> {
        match self.kind() {
            Kind::Boolean | Kind::Integer | Kind::Float | Kind::String => Some(self),
            Kind::Array => self.holds_scalars().then_some(self),
            Kind::Null | Kind::Object => None,
        }
    }

    #[inline(never)]
    fn holds_scalars(self) -> bool {
        let mut elements = self.elements().filter_map(Self::non_empty);
        elements.all(|element| !matches!(element.kind(), Kind::Array | Kind::Object))
    }

    /// The decoded text of a string; half a surrogate pair becomes U+FFFD.
    #[inline(always)]
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| decode(self.document.text, self.node()))
    }

    /// Whether the value is the string `expected`.
    #[inline(always)]
    #[must_use]
    pub fn is_str(self, expected: &str) -> bool {
        let node = self.node();
        node.kind == Kind::String && is_text(self.document.text, node, expected)
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

    fn at(self, index: u32) -> Self {
        Self { index, ..self }
    }

    /// Index of the node behind an array or object, and so behind its last element or member; 0 for
    /// any other value and kind.
    fn end_of(self, kind: Kind) -> u32 {
        let node = self.node();
        if node.kind == kind { node.next } else { 0 }
    }

    /// The elements of an array; nothing for any other value.
    pub fn elements(self) -> impl Iterator<Item = Value<'a>> {
        let end = self.end_of(Kind::Array);
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            (index < end).then(|| {
                let element = self.at(index);
                index = element.node().next;
                element
            })
        })
    }

    /// Every member of an object as it stands, keys that stand twice included; nothing for any
    /// other value.
    pub fn all_members(self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> {
        let end = self.end_of(Kind::Object);
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            (index < end).then(|| {
                let (key, value) = (self.at(index), self.at(index + 1));
                index = value.node().next;
                (key, value)
            })
        })
    }

    /// The members of an object, each key once: of a key that stands twice the last value.
    #[inline(always)]
    pub fn members(self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> {
        let overridden = if self.node().special {
            self.overridden()
        } else {
            Vec::new()
        };
        self.all_members().filter(move |(key, _)| {
            overridden.is_empty() || overridden.binary_search(&key.index).is_err()
        })
    }

    /// The indices, in order, of keys that stand again later in the object.
    #[cold]
    fn overridden(self) -> Vec<u32> {
        let keys: Vec<_> = self.all_members().map(|(key, _)| key).collect();
        let mut seen = HashSet::new();
        let earlier = keys.iter().rev().filter(|key| !seen.insert(key.as_str()));
        let mut overridden: Vec<_> = earlier.map(|key| key.index).collect();
        overridden.reverse();
        overridden
    }

    /// The value of an object's member, the last of that name; none if it is empty (docs/mapping.md 2),
    /// and none for any other value.
    #[inline(always)]
    #[must_use]
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        let [found] = self.pick([name]);
        found
    }

    /// The values of the members of those names, each as [`Self::get`] has it, in one pass.
    #[inline(always)]
    #[must_use]
    pub fn pick<const N: usize>(self, names: [&str; N]) -> [Option<Value<'a>>; N] {
        self.pick_whole(names)
            .map(|found| found.and_then(Self::non_empty))
    }

    /// The same, empty values too.
    #[inline(always)]
    #[must_use]
    pub fn pick_whole<const N: usize>(self, names: [&str; N]) -> [Option<Value<'a>>; N] {
        let mut found = [None; N];
        for (key, value) in self.all_members() {
            let key = text_of(self.document.text, key.node());
            for (found, name) in found.iter_mut().zip(names) {
                if *key == *name.as_bytes() {
                    *found = Some(value);
                }
            }
        }
        found
    }
}

/// Whether a string or key says `expected`.
#[inline(always)]
fn is_text(text: &str, node: Node, expected: &str) -> bool {
    *text_of(text, node) == *expected.as_bytes()
}

/// What a string or key says, in UTF-8: bytes are compared without asking where characters begin.
#[inline(always)]
fn text_of(text: &str, node: Node) -> Cow<'_, [u8]> {
    if node.special {
        Cow::Owned(decode(text, node).into_owned().into_bytes())
    } else {
        Cow::Borrowed(&text.as_bytes()[node.start as usize + 1..node.end as usize - 1])
    }
}

#[inline(always)]
pub(super) fn decode(text: &str, node: Node) -> Cow<'_, str> {
    let inside = &text[node.start as usize + 1..node.end as usize - 1];
    if node.special {
        Cow::Owned(escape::unescape(inside))
    } else {
        Cow::Borrowed(inside)
    }
}
