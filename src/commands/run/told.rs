//! What a source of the service says of itself, for `status`: also while it holds no state, as it failed.

use std::path::{Path, PathBuf};

use crate::cli::{CloudId, FetchArgs};
use crate::commands::Error;
use crate::config::source::{Source, SourceArgs};
use crate::options;
use crate::pipeline::timestamp::Timestamp;
use crate::process::known::Known;
use crate::process::metrics::SourceMetrics;
use crate::process::shown::Shown as _;
use crate::state::{
    self,
    live::{self, Live, LiveFile, SOURCE, SourceName},
};

/// The file of a source, and what is in it.
pub struct Told {
    file: Option<(PathBuf, LiveFile)>,
    since: Timestamp,
    source: SourceName,
}

impl Told {
    /// Takes the file of a source; without it, reports know less. What is known before the source runs, is known then.
    pub fn of(source: &Source, metrics: &SourceMetrics) -> Self {
        let mut name = SourceName {
            name: source.name.clone(),
            kind: source.kind.name().to_owned(),
            site: None,
            search: None,
        };
        let file = source
            .arguments()
            .map_err(Error::from)
            .and_then(|arguments| {
                let directory = match &arguments {
                    SourceArgs::Tail(tail) => {
                        let state = options::tail(tail).state;
                        metrics.describe(|known| known.state = Some(state));
                        &tail.state.state_dir
                    }
                    SourceArgs::Fetch(fetch) => {
                        name.site = site(fetch);
                        name.search.clone_from(&fetch.query.search);
                        &fetch.state.state_dir
                    }
                };
                let directory: PathBuf = state::directory(directory.as_deref())?;
                let file = format!("{SOURCE}{}", source.name);
                let file = LiveFile::locked(&directory, &file)?;
                Ok((directory, file))
            });
        let file = file.inspect_err(|error| {
            let name = source.name.shown();
            tracing::warn!("`confluence-ecs status` will not show how source `{name}` is: {error}");
        });
        Self {
            file: file.ok(),
            since: Timestamp::now(),
            source: name,
        }
    }

    /// Writes down how the source is, and when it is tried again if it failed.
    pub fn tell(&mut self, known: Known, retry_at: Option<Timestamp>) {
        let Some((_, file)) = &mut self.file else {
            return;
        };
        file.tell(&Live {
            pid: std::process::id(),
            since: self.since,
            source: Some(self.source.clone()),
            retry_at,
            removed_at: None,
            known,
        });
    }

    /// Says nothing any more: the source is over.
    pub fn end(&mut self) {
        self.file = None;
    }

    /// Leaves behind what was said last.
    pub fn keep(&mut self) {
        if let Some((_, file)) = self.file.take() {
            file.keep();
        }
    }

    /// Says that the source is not in the configuration any more.
    pub fn remove(&mut self) {
        if let Some((directory, file)) = self.file.take() {
            note_removed(&directory, file, &self.source.name);
        }
    }
}

/// Takes note of the sources that spoke before and are not in the configuration any more.
pub fn note_others(directory: &Path, sources: &[Source]) {
    for name in live::sources(directory) {
        if sources.iter().any(|source| source.name == name) {
            continue;
        }
        // One that is held is another service's.
        if let Ok(file) = LiveFile::locked(directory, &format!("{SOURCE}{name}")) {
            note_removed(directory, file, &name);
        }
    }
}

/// Leaves behind that a source is gone, as long as its positions are there; without them, nothing is left of it.
fn note_removed(directory: &Path, mut file: LiveFile, name: &str) {
    let Some((live, _)) = live::read(directory, &format!("{SOURCE}{name}")) else {
        return;
    };
    // A site that never answered has a state of an earlier process, or none.
    let state = live.known.state.as_deref();
    if state.is_some_and(|state| !state::is_saved(directory, state)) {
        return;
    }
    file.tell(&Live {
        removed_at: live.removed_at.or_else(|| Some(Timestamp::now())),
        retry_at: None,
        known: Known {
            state: live.known.state,
            ..Known::default()
        },
        ..live
    });
    file.keep();
}

/// The organization or site that is fetched from, as far as the arguments tell.
fn site(arguments: &FetchArgs) -> Option<String> {
    if let Some(id) = &arguments.organization.org_id {
        return Some(id.clone());
    }
    match (&arguments.site.cloud_id, &arguments.site.url) {
        (Some(CloudId::Id(id)), _) => Some(id.clone()),
        (_, Some(url)) => {
            let mut url = url.clone();
            // They are no part of the address, and secret.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            Some(url.to_string())
        }
        _ => None,
    }
}
