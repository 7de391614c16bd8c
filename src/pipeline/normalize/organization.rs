//! What an event of an organization gets besides what its record says (docs/org-events.md 3 and 4).

use super::{LookupCache, Options};
use crate::pipeline::actions;
use crate::pipeline::dialect::Record;
use crate::pipeline::event::OrganizationEvent;
use crate::pipeline::json::Value;
use crate::pipeline::map::{self, Unmappable};

/// The event of a record of an organization, whole.
///
/// # Errors
/// When the record cannot be mapped.
pub(crate) fn map<'a>(
    root: Value<'a>,
    record: &Record<'a>,
    options: &Options,
    known: &'a mut LookupCache,
) -> Result<OrganizationEvent<'a>, Unmappable> {
    let mut event = map::organization::map(root, record)?;
    complete(&mut event, options, known);
    Ok(event)
}

/// Adds to an event what does not stand in its record: lookups, categories.
fn complete<'a>(event: &mut OrganizationEvent<'a>, options: &Options, known: &'a mut LookupCache) {
    let address = event.location.ip.and_then(Value::as_str);
    event.source = address.map(|address| {
        let addresses = &mut known.addresses;
        addresses.answer(&address, |address| options.enricher.enrich(address))
    });
    if let Some(action) = event.action.and_then(Value::as_str) {
        event.class = actions::organization::classify(&action, options.categories);
    }
}
