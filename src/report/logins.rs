//! Logins of each user from each address: how many failed, and which succeeded after many that did.

use std::cmp::Ordering;
use std::fmt::Write as _;

use super::facts::Login;
use super::names::EventNames;
use super::ranking::{Counted, Ranking};
use super::summary::{CappedTable, LoginAfterFailures, MANY_FAILURES, PairCount, Place, Who};
use crate::pipeline::timestamp::Timestamp;

/// The logins of all users, by user and address.
#[derive(Debug, Default)]
pub struct Logins {
    /// By the number of logins that failed. Pairs without any are remembered as long as there is room: of a log with the
    /// newest records first, a success comes before the failures that it followed.
    pairs: Ranking<Pair>,
    key: String,
    /// The time of the login before.
    previous: Option<Timestamp>,
    order: InputOrder,
}

/// How the input is sorted by time, as far as the last logins tell.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum InputOrder {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// The logins of a user from an address.
#[derive(Debug)]
struct Pair {
    user: Who,
    place: Place,
    /// How many failed since the last success, in the order of the input.
    failures: u64,
    /// The latest of those.
    failed_last: Option<Timestamp>,
    /// The last success, in the order of the input.
    succeeded: Option<Timestamp>,
    /// When it succeeded after most failures, and how many these were.
    found: Option<(u64, Timestamp)>,
}

impl Logins {
    /// Takes the login of an event, in the order of the input.
    pub fn take(&mut self, event: &EventNames<&str>, login: Login) {
        let previous = self.previous.replace(event.time);
        match previous.map(|previous| event.time.cmp(&previous)) {
            Some(Ordering::Less) => self.order = InputOrder::NewestFirst,
            Some(Ordering::Greater) => self.order = InputOrder::OldestFirst,
            Some(Ordering::Equal) | None => {}
        }
        let (Some(user), Some(address)) = (event.user(), event.address) else {
            return;
        };
        self.key.clear();
        // No two pairs make the same key. It cannot fail: a string takes everything.
        let _ = write!(self.key, "{} {address}{user}", address.len());
        let failed = u64::from(login == Login::Failed);
        let pair = self.pairs.add(&self.key, failed, || Pair::new(event));
        match login {
            Login::Failed => pair.fail(event.time),
            Login::Succeeded => pair.succeed(event.time, self.order),
        }
    }

    /// The pairs with most failures.
    #[must_use]
    pub fn top(&self, most: usize) -> Vec<PairCount> {
        let top = self.pairs.top(most).into_iter();
        top.filter(|(_, one)| one.count > 0)
            .map(|(_, one)| PairCount {
                user: one.detail.user.clone(),
                place: one.detail.place.clone(),
                count: one.count,
            })
            .collect()
    }

    /// How many succeeded after many failures, and those after most.
    #[must_use]
    pub fn after_failures(&self, most: usize) -> (u64, Vec<LoginAfterFailures>) {
        let all = self.pairs.top(usize::MAX).into_iter();
        let mut found: Vec<_> = all
            .filter_map(|(_, Counted { detail, .. })| detail.login_after_failures(self.order))
            .collect();
        // Stable: among equals, those with most failures in all.
        found.sort_by_key(|one| std::cmp::Reverse(one.failures));
        let count = found.len() as u64;
        found.truncate(most);
        (count, found)
    }

    /// The tables that lack what was forgotten, if anything was.
    pub fn capped(&self) -> impl Iterator<Item = CappedTable> {
        let pairs = self.pairs.capped("failed_logins.pairs");
        // Where only pairs without a failure were forgotten, all counts are right; but one of them may have been a success
        // that stands before its failures.
        let pairs = pairs.filter(|pairs| pairs.missing_at_most > 0);
        let successes = self.pairs.capped("failed_logins.logins_after_failures");
        pairs.into_iter().chain(successes)
    }
}

impl Pair {
    fn new(event: &EventNames<&str>) -> Self {
        Self {
            user: event.who(),
            place: event.place(),
            failures: 0,
            failed_last: None,
            succeeded: None,
            found: None,
        }
    }

    fn fail(&mut self, time: Timestamp) {
        self.failures += 1;
        self.failed_last = self.failed_last.max(Some(time));
    }

    fn succeed(&mut self, time: Timestamp, order: InputOrder) {
        self.found = self.with_next(Some(time), order);
        self.failures = 0;
        self.failed_last = None;
        self.succeeded = Some(time);
    }

    /// What is found at the end of failures in a row: the input may have the newest first, so that the success that came
    /// after them stands before them.
    fn with_next(&self, next: Option<Timestamp>, order: InputOrder) -> Option<(u64, Timestamp)> {
        // Of equal times, the later one is where the order of the input has it.
        let is_after = |time: &Timestamp, order_of_equal| match Some(*time).cmp(&self.failed_last) {
            Ordering::Less => false,
            Ordering::Equal => order == order_of_equal,
            Ordering::Greater => true,
        };
        let next = next.filter(|time| is_after(time, InputOrder::OldestFirst));
        let before = self.succeeded;
        let before = before.filter(|time| is_after(time, InputOrder::NewestFirst));
        let after = next.into_iter().chain(before).min();
        let found = after.filter(|_| self.failures >= MANY_FAILURES);
        let found = found.map(|time| (self.failures, time));
        self.found.max(found)
    }

    fn login_after_failures(&self, order: InputOrder) -> Option<LoginAfterFailures> {
        let (failures, time) = self.with_next(None, order)?;
        Some(LoginAfterFailures {
            time: time.to_string(),
            user: self.user.clone(),
            place: self.place.clone(),
            failures,
        })
    }
}
