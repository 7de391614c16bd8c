//! The output, cut back to what the states recorded of it.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::sink::{self, Classify, FileSink, KnownWriters, OutputCheckpoint};
use crate::state;

/// What every state says of its output.
#[derive(Deserialize)]
struct AnyState {
    #[serde(default)]
    output: Option<OutputCheckpoint>,
}

/// Cuts the output back to its checkpoint: lines that will be written again, by `classify`, are removed.
/// Several states of the directory, as of sites or queries, may take turns with one file: what they
/// have written stays, and is nothing to warn of. `unsaved` is how many events were written after the
/// last save, at most, if that was noted.
///
/// # Errors
/// When the output cannot be brought back, or another process appends to it.
pub fn cut_back(
    directory: &Path,
    own: Option<&OutputCheckpoint>,
    unsaved: Option<u64>,
    classify: Classify<'_>,
) -> Result<(), sink::Error> {
    let Some(own) = own else { return Ok(()) };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Some(name.strip_suffix(".json")?.to_owned())
    });
    let states = names.filter_map(|name| state::read::<AnyState>(directory, &name).ok()?);
    let others = states.filter_map(|saved| saved.state.output).collect();
    FileSink::cut_back(own, &KnownWriters { others, unsaved }, classify)
}
