//! What goes from the logs to the output: text with what is to be saved once it is there.

use super::log::{Checkpoint, LogId};
use crate::input::Piece;

/// A piece of a log, or of none: then it only carries changes, or asks for the state to be saved.
#[derive(Debug, Default)]
pub struct TailPiece {
    /// The lines that were read.
    pub read: Piece,
    /// The log that it is of.
    pub log: Option<LogId>,
    /// What is true once it, and all before it, is at the output.
    pub changes: Vec<Change>,
    /// Nothing follows for a while.
    pub is_pause: bool,
}

/// A change of what is saved.
#[derive(Debug, Clone)]
pub enum Change {
    /// A log is new, or stands elsewhere.
    Log(LogId, Box<Checkpoint>),
    /// A log is not remembered any more.
    Forget(LogId),
    /// A pattern was looked for.
    PathPattern(String),
    /// So many bytes are lost, all in all.
    Lost(u64),
}

impl TailPiece {
    /// Empties it, to be used again.
    pub fn clear(&mut self) {
        self.read.text.clear();
        self.read.frames.clear();
        self.read.origin = None;
        self.log = None;
        self.changes.clear();
        self.is_pause = false;
    }
}
