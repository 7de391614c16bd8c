//! Events that were refused, until it is known in which form they are kept.

use super::{Bulk, Pair, Refusal};
use crate::cluster::plain::{Keep, plain_form};
use crate::pipeline::event::write_action_of;

/// An event that was refused, and why.
pub(super) struct RefusedEvent {
    pub(super) id: String,
    pub(super) event: Vec<u8>,
    pub(super) refusal: Refusal,
    /// How much of it the plain form keeps.
    pub(super) keep: Keep,
}

impl RefusedEvent {
    pub(super) fn new(pair: Pair<'_>, refusal: &Refusal) -> Self {
        Self {
            id: pair.id.to_owned(),
            event: pair.event.to_vec(),
            keep: if refusal.is_too_large() {
                Keep::Nothing
            } else {
                Keep::Original
            },
            refusal: refusal.clone(),
        }
    }
}

/// Adds the plain form of an event.
pub(super) fn add_plain(plain: &mut Bulk, refused: &RefusedEvent) {
    plain.add(|body| {
        write_action_of(body, &refused.id, "");
        body.extend_from_slice(&plain_form(&refused.event, &refused.refusal, refused.keep));
        body.push(b'\n');
    });
}
