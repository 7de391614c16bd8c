//! Smaller requests, where the cluster takes no large ones.

use super::refused::RefusedEvent;
use super::{Bulk, Refusal, Setback, Settler, pairs};

impl Settler {
    /// What was not taken so often in a row may not fit beside itself: a node counts an event again when it stores
    /// it. A single one of more than half of what is allowed never fits then.
    pub(super) fn make_smaller(
        &self,
        bulk: &mut Bulk,
        refusal: Refusal,
        refuse: &mut dyn FnMut(RefusedEvent),
    ) -> Result<(), Setback> {
        if bulk.events > 1 {
            let (first, second) = bulk.halves();
            *bulk = second;
            return self.deliver(first, 0, refuse);
        }
        let length = bulk.body.len() as u64;
        let is_over_half = refusal.limit().is_some_and(|limit| length > limit / 2);
        if bulk.events == 1 && is_over_half {
            // To be kept as what is too large.
            let too_large = Refusal {
                status: 413,
                ..refusal
            };
            return self.split(bulk, &too_large, refuse);
        }
        Ok(())
    }

    /// What is refused as a whole is sent in halves, until it is a single event. The second half is left.
    pub(super) fn split(
        &self,
        bulk: &mut Bulk,
        refusal: &Refusal,
        refuse: &mut dyn FnMut(RefusedEvent),
    ) -> Result<(), Setback> {
        if bulk.events == 1 {
            for pair in pairs(&bulk.body) {
                refuse(RefusedEvent::new(pair, refusal));
            }
            *bulk = Bulk::default();
            return Ok(());
        }
        self.shrink(refusal, bulk);
        let (first, second) = bulk.halves();
        *bulk = second;
        self.deliver(first, 0, refuse)
    }
}
