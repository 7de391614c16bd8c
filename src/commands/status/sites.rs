//! The row of a site or an organization.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::presence::{Told, failing, presence, set_known};
use super::row::Row;
use crate::fetch::checkpoint::SiteCheckpoint;
use crate::fetch::identity::SiteIdentity;
use crate::fetch::org::checkpoint::OrgCheckpoint;
use crate::pipeline::timestamp::Timestamp;
use crate::sink::OutputCheckpoint;
use crate::state::live::Live;
use crate::state::{self, Saved};

/// What a state says of something that is fetched.
pub struct Summary {
    name: String,
    search: Option<String>,
    identity: SiteIdentity,
    newest_event: Option<Timestamp>,
    reached: Option<Timestamp>,
    events: u64,
    errors: u64,
    output: Option<OutputCheckpoint>,
    cluster: Option<String>,
}

impl From<SiteCheckpoint> for Summary {
    fn from(site: SiteCheckpoint) -> Self {
        Self {
            name: site.name(),
            identity: site.identity(),
            search: site.search,
            newest_event: site.newest_event,
            reached: site.cursor,
            events: site.events,
            errors: site.errors,
            output: site.output,
            cluster: site.cluster.map(|cluster| cluster.target().to_owned()),
        }
    }
}

impl From<OrgCheckpoint> for Summary {
    fn from(organization: OrgCheckpoint) -> Self {
        Self {
            reached: organization.fetched_until(),
            // It has no other name than its id.
            identity: SiteIdentity::of_name(&organization.organization),
            name: organization.organization,
            search: None,
            newest_event: organization.newest_event,
            events: organization.events,
            errors: organization.errors,
            output: organization.output,
            cluster: organization
                .cluster
                .map(|cluster| cluster.target().to_owned()),
        }
    }
}

/// The row of a state of that kind; none while it has no state and no process.
pub fn rows<C: DeserializeOwned + Into<Summary>>(
    directory: &Path,
    name: &str,
    told: &[Told],
) -> Vec<Row> {
    let is_state = |live: &Live| live.known.state.as_deref() == Some(name);
    match state::read_quietly::<C>(directory, name) {
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

/// The row of what was asked before.
fn saved_row<C: Into<Summary>>(
    directory: &Path,
    name: &str,
    told: &[Told],
    saved: Saved<C>,
) -> Row {
    let is_state = |live: &Live| live.known.state.as_deref() == Some(name);
    let saved_at = Timestamp::of_utc(saved.saved_at);
    let summary: Summary = saved.state.into();
    let is_about = |live: &Live| {
        let source = live.source.as_ref();
        is_state(live)
            || live.known.state.is_none()
                && source.is_some_and(|source| {
                    source.search == summary.search
                        && source
                            .site
                            .as_ref()
                            .is_some_and(|site| summary.identity.is_named(site))
                })
    };
    let presence = presence(directory, name, saved_at, told, is_about);
    let of = presence.source.unwrap_or_else(|| summary.name.clone());
    let mut row = Row::new(of, "fetch", presence.condition);
    row.site = Some(summary.name);
    row.pid = presence.pid;
    row.last_save = saved_at;
    row.newest_event = summary.newest_event;
    row.position.cursor = summary.reached;
    row.lag_seconds = summary.reached.map(|reached| {
        let behind = Timestamp::now().millis().saturating_sub(reached.millis());
        u64::try_from(behind / 1000).unwrap_or_default()
    });
    row.records = summary.events;
    row.failed = summary.errors;
    let output = summary.output.as_ref();
    row.bytes = output.map_or(0, |output| output.length);
    set_known(
        &mut row,
        presence.live.as_ref(),
        output,
        summary.cluster.as_deref(),
    );
    row.identity = Some(summary.identity);
    row
}
