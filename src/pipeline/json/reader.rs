//! Reading a text: marks, then nodes, and the [`Document`] of both.

use super::marks::Marks;
use super::parse::{SyntaxError, parse};
use super::{Node, Value};

/// Reads JSON texts one after the other, and keeps the memory for it.
#[derive(Debug, Default)]
pub struct Reader {
    marks: Marks,
    nodes: Vec<Node>,
}

/// Nodes and marks kept from text to text; a text that needed more gives the memory back.
const KEPT: usize = 1 << 16;

impl Reader {
    /// Reads one JSON value, surrounded by white space at most.
    ///
    /// # Errors
    /// When the text is not JSON, is nested deeper than [`super::MAX_DEPTH`], or is 4 GiB or longer.
    pub fn read<'a>(&'a mut self, text: &'a str) -> Result<Document<'a>, SyntaxError> {
        if u32::try_from(text.len()).is_err() {
            return Err(SyntaxError {
                at: 0,
                problem: "text of 4 GiB or more",
            });
        }
        self.nodes.clear();
        self.nodes.shrink_to(KEPT);
        self.marks.shrink(KEPT);
        self.marks.find(text.as_bytes());
        parse(text, self.marks.positions(), &mut self.nodes)?;
        Ok(Document {
            text,
            nodes: &self.nodes,
            marks: self.marks.positions(),
        })
    }
}

/// A text that was read.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The text, white space around the value and all.
    pub text: &'a str,
    pub(super) nodes: &'a [Node],
    /// See [`Marks::positions`].
    pub(super) marks: &'a [u32],
}

impl Document<'_> {
    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value::new(self, 0)
    }
}
