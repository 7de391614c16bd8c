//! Positions of `tail` that a source of the service could go on from.

use std::path::Path;

use crate::cli::TailArgs;
use crate::config::service::Configuration;
use crate::config::source::SourceArgs;
use crate::options;
use crate::process::advice;
use crate::process::shown::Shown as _;
use crate::state;
use crate::state::live::{Holder, holder_of};
use crate::tail::checkpoints::Checkpoints;
use crate::tail::log::Condition;
use crate::tail::run::STATE;
use crate::tail::states;

/// Says, before anything is read, which sources begin anew with files that the `tail` command has read already.
pub fn advise(configuration: &Configuration) {
    for source in &configuration.sources {
        let Ok(SourceArgs::Tail(arguments)) = source.arguments() else {
            continue;
        };
        if let Some(path) = read_before(&arguments) {
            tracing::warn!(
                "source `{name}` has no saved positions, so {path} is new to it, though `tail` has read that with \
                 this state directory: `{command}`, run before the first start of the source, lets it go on where \
                 `tail` stopped",
                name = source.name.shown(),
                command = advice::command(&["state", "rename", STATE, &source.name])
            );
        }
    }
}

/// A file that the `tail` command has read and that is followed now by a source without a state.
fn read_before(arguments: &TailArgs) -> Option<String> {
    let directory = state::directory(arguments.state.state_dir.as_deref()).ok()?;
    let own = states::name(arguments.source.as_deref());
    if states::all(&directory).contains(&own) || is_held(&directory) {
        return None;
    }
    let saved = state::read_quietly::<Checkpoints>(&directory, STATE).ok()??;
    let discovery = options::discovery(arguments);
    let mut logs = saved.state.logs.values();
    let read = logs.find(|entry| {
        let checkpoint = &entry.checkpoint;
        checkpoint.condition != Condition::Ignored
            && checkpoint.gone_since.is_none()
            && discovery.would_follow(&checkpoint.path)
    });
    Some(read?.checkpoint.path.shown().to_string())
}

/// An instance that runs goes on with it.
fn is_held(directory: &Path) -> bool {
    !matches!(holder_of(directory, STATE), Ok(Holder::Nobody(_)))
}
