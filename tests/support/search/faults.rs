//! What can go wrong with a request, on demand.

use super::wire::Answer;

/// Which requests a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    Any,
    Root,
    /// All but `Root`.
    ButRoot,
    Bulk,
    Mget,
    Resolve,
    Template,
}

impl For {
    /// Whether a request with this path is meant.
    pub fn holds(self, path: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Root => path == "/",
            Self::ButRoot => path != "/",
            Self::Bulk => path.ends_with("/_bulk"),
            Self::Mget => path == "/_mget",
            Self::Template => path.starts_with("/_index_template/"),
            Self::Resolve => path.starts_with("/_resolve/"),
        }
    }
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing is taken, and there is no answer until the stand-in ends.
    Hang,
    /// Nothing is taken, and the connection ends.
    Close,
    /// All is taken, and the connection is reset.
    Reset,
    /// All is taken, and the connection ends in the middle of the answer.
    CutAnswer,
    /// All is taken, and the answer is whole but its JSON is not.
    CutJson,
    /// All is taken, and the answer lacks its last item.
    DropItem,
    /// All is taken, and this is the answer.
    Taken(Answer),
    /// All is taken, this data stream rolls over, and this is the answer.
    RolledOver(&'static str, Answer),
    /// The first half is taken, and this is the answer.
    HalfTaken(Answer),
    /// Nothing is taken, and this is the answer.
    Answer(Answer),
    /// 413 before the body was read, and the connection ends.
    TooLarge,
}

/// A fault, for some requests.
pub struct Rule {
    pub requests: For,
    /// For so many of them.
    pub left: u32,
    pub fault: Fault,
}
