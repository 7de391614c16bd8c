//! The row of a site.

use std::path::Path;

use super::presence::{Told, failing, presence, set_known};
use super::row::Row;
use crate::cluster::sink::ClusterCheckpoint;
use crate::fetch::checkpoint::SiteCheckpoint;
use crate::pipeline::timestamp::Timestamp;
use crate::state::live::Live;
use crate::state::{self, Saved};

/// The row of a state of a site; none while it has no state and no process.
pub fn rows(directory: &Path, name: &str, told: &[Told]) -> Vec<Row> {
    let is_state = |live: &Live| live.known.state.as_deref() == Some(name);
    match state::read_quietly::<SiteCheckpoint>(directory, name) {
        Ok(Some(saved)) => vec![saved_row(directory, name, told, saved)],
        Ok(None) => {
            let presence = presence(directory, name, None, told, is_state);
            // What a killed process left behind that never got an answer.
            let Some(live) = &presence.live else {
                return Vec::new();
            };
            let site = live.known.site.clone();
            let of = presence.source.or_else(|| site.clone());
            let of = of.unwrap_or_else(|| name.to_owned());
            let mut row = Row::new(of, "fetch", presence.condition);
            row.site = site;
            row.pid = presence.pid;
            set_known(&mut row, Some(live), None, None);
            vec![row]
        }
        Err(error) => {
            let presence = presence(directory, name, None, told, is_state);
            let of = presence.source.unwrap_or_else(|| name.to_owned());
            let mut row = Row::new(of, "fetch", failing(error.to_string()));
            row.pid = presence.pid;
            vec![row]
        }
    }
}

/// The row of a site that was asked before.
fn saved_row(directory: &Path, name: &str, told: &[Told], saved: Saved<SiteCheckpoint>) -> Row {
    let is_state = |live: &Live| live.known.state.as_deref() == Some(name);
    let saved_at = Timestamp::of_utc(saved.saved_at);
    let checkpoint = saved.state;
    let identity = checkpoint.identity();
    let is_about = |live: &Live| {
        let source = live.source.as_ref();
        is_state(live)
            || live.known.state.is_none()
                && source.is_some_and(|source| {
                    source.search == checkpoint.search
                        && source
                            .site
                            .as_ref()
                            .is_some_and(|site| identity.is_named(site))
                })
    };
    let presence = presence(directory, name, saved_at, told, is_about);
    let site = checkpoint.name();
    let of = presence.source.unwrap_or_else(|| site.clone());
    let mut row = Row::new(of, "fetch", presence.condition);
    row.site = Some(site);
    row.pid = presence.pid;
    row.last_save = saved_at;
    row.newest_event = checkpoint.newest_event;
    row.position.cursor = checkpoint.cursor;
    row.lag_seconds = checkpoint.cursor.map(|cursor| {
        let behind = Timestamp::now().millis().saturating_sub(cursor.millis());
        u64::try_from(behind / 1000).unwrap_or_default()
    });
    row.records = checkpoint.events;
    row.failed = checkpoint.errors;
    row.bytes = checkpoint.output.as_ref().map_or(0, |output| output.length);
    set_known(
        &mut row,
        presence.live.as_ref(),
        checkpoint.output.as_ref(),
        checkpoint.cluster.as_ref().map(ClusterCheckpoint::target),
    );
    row.identity = Some(identity);
    row
}
