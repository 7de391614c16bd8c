//! JSON text as a flat list of nodes that point into it.
//!
//! A record is read once ([`Reader::read`]) into nodes that hold positions, not values: nothing is
//! copied or converted until the event is written, and a part of the record that passes through
//! unchanged goes from the input to the output as the bytes it was.

#![expect(
    clippy::inline_always,
    reason = "seven per cent of the whole mapping, measured"
)]

mod canonical;
mod clean;
mod escape;
mod keys;
mod line;
mod marks;
mod parse;
mod reader;
mod value;
mod whole;
mod writer;

pub(crate) use canonical::{Pattern, canonical};
pub use clean::copy_cleaned;
pub(crate) use clean::copy_cleaned_member;
pub(crate) use escape::find_special;
pub(crate) use line::one_line;
pub use parse::{MAX_DEPTH, SyntaxError};
pub use reader::{Document, Reader};
pub use value::Value;
pub(crate) use whole::copy_whole;
pub use writer::Writer;
pub(crate) use writer::json_string;

/// What a node stands for. A number is an [`Kind::Integer`] when its text has neither fraction nor
/// exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number without fraction and exponent, of any size.
    Integer,
    /// Any other number.
    Float,
    /// A string, or the key of an object's member.
    String,
    /// An array; its elements follow as nodes.
    Array,
    /// An object; its members follow as a key node and a value node each.
    Object,
}

/// One JSON value (or key) of the text: 16 bytes, whatever it holds.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Position of the first byte (the quote of a string, the bracket of an array).
    start: u32,
    /// Position after the last byte.
    end: u32,
    /// Index of the node after this one and everything inside it.
    next: u32,
    kind: Kind,
    /// The text of this node is already what clean-up (docs/mapping.md 8) makes of it, in one line and
    /// without white space: it may be copied as it stands.
    clean: bool,
    /// A string with a backslash in it, or an object in which a key stands twice, or, if it is the
    /// outermost, may.
    special: bool,
}
