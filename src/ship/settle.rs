//! The output brought back to what the states say of it.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::sink::{self, FileSink, Recorded, Whose};
use crate::state;

/// What every state says of its output.
#[derive(Deserialize)]
struct AnyState {
    #[serde(default)]
    output: Option<Recorded>,
}

/// Brings the output back to what is recorded of it: what comes again, as `tell` says, is cut away.
/// Several states of the directory, as of sites or queries, may take turns with one file: what they
/// have written stays, and is nothing to warn of. `tell` hears whether a line is before the end of that.
///
/// # Errors
/// When the output cannot be brought back, or another process appends to it.
pub fn settle(
    directory: &Path,
    own: Option<&Recorded>,
    tell: &mut dyn FnMut(&[u8], bool) -> Whose,
) -> Result<(), sink::Error> {
    let Some(own) = own else { return Ok(()) };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Some(name.strip_suffix(".json")?.to_owned())
    });
    let states = names.filter_map(|name| state::read::<AnyState>(directory, &name).ok()?);
    let others = states
        .filter_map(|saved| saved.state.output)
        .filter(|recorded| own.node == recorded.node && recorded.stands());
    let known = others.map(|recorded| recorded.length).max().unwrap_or(0);
    FileSink::settle(own, known, &mut |line, at| tell(line, at < known))
}
