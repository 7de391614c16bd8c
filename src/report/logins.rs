//! Logins of each user from each address: how many failed, and which succeeded after many that did.
//!
//! Whoever guesses passwords fails with one user from one address, with many users from one address, or with one user from many
//! addresses. So failures in a row are followed by all three.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use super::meaning::Login;
use super::names::EventNames;
use super::ranking::Ranking;
use super::streak::{Pair, Streak};
use super::summary::{AFTER_FAILURES, CappedTable, FailuresOf, LoginAfterFailures, PairCount};

/// The logins of all users.
#[derive(Debug, Default)]
pub struct Logins {
    /// By the number of logins that failed. Pairs without any are remembered as long as there is room: of a log with the
    /// newest records first, a success comes before the failures that it followed.
    pairs: Ranking<(Arc<Pair>, Streak)>,
    /// The same by address alone, and by user alone.
    addresses: Ranking<Streak>,
    users: Ranking<Streak>,
    key: String,
}

impl Logins {
    /// Takes the login of an event, in the order of the input.
    pub fn take(&mut self, event: &EventNames<&str>, login: Login) {
        let (Some(user), Some(address)) = (event.user(), event.address) else {
            return;
        };
        self.key.clear();
        // No two pairs make the same key. It cannot fail: a string takes everything.
        let _ = write!(self.key, "{} {address}{user}", address.len());
        let failed = u64::from(login == Login::Failed);
        let new = || {
            let (user, place) = (event.who(), event.place());
            (Arc::new(Pair { user, place }), Streak::default())
        };
        let (pair, streak) = self.pairs.add(&self.key, failed, new);
        let of_address = self.addresses.add(address, failed, Streak::default);
        let of_user = self.users.add(user, failed, Streak::default);
        for streak in [streak, of_address, of_user] {
            match login {
                Login::Failed => streak.fail(event.time),
                Login::Succeeded => streak.succeed(event.time, pair),
            }
        }
    }

    /// The pairs with most failures.
    #[must_use]
    pub fn top(&self, most: usize) -> Vec<PairCount> {
        let top = self.pairs.top(most).into_iter();
        top.filter(|(_, one)| one.count > 0)
            .map(|(_, one)| PairCount {
                user: one.detail.0.user.clone(),
                place: one.detail.0.place.clone(),
                count: one.count,
            })
            .collect()
    }

    /// How many succeeded after many failures, and those after most.
    #[must_use]
    pub fn after_failures(&self, most: usize) -> (u64, Vec<LoginAfterFailures>) {
        let pairs = self.pairs.top(usize::MAX).into_iter();
        let pairs = pairs.map(|(_, one)| (FailuresOf::UserAndAddress, &one.detail.1));
        let addresses = self.addresses.top(usize::MAX).into_iter();
        let addresses = addresses.map(|(_, one)| (FailuresOf::Address, &one.detail));
        let users = self.users.top(usize::MAX).into_iter();
        let users = users.map(|(_, one)| (FailuresOf::User, &one.detail));
        let mut found: Vec<_> = pairs
            .chain(addresses)
            .chain(users)
            .filter_map(|(of, streak)| Some((of, streak.longest()?)))
            .collect();
        // Stable: of as many failures those of the same user and address come first, and of these those with most in all.
        found.sort_by_key(|(_, (failures, _))| std::cmp::Reverse(*failures));
        let mut known = BTreeSet::new();
        found.retain(|(_, (_, success))| known.insert(success.pair.key()));
        let count = found.len() as u64;
        let found = found.into_iter().take(most);
        let shown = found.map(|(of, (failures, success))| LoginAfterFailures {
            time: success.time.to_string(),
            user: success.pair.user.clone(),
            place: success.pair.place.clone(),
            failures,
            failures_of: of,
        });
        (count, shown.collect())
    }

    /// The tables that lack what was forgotten, if anything was.
    pub fn capped(&self) -> impl Iterator<Item = CappedTable> {
        let pairs = self.pairs.capped("failed_logins.pairs");
        // Where only pairs without a failure were forgotten, all counts are right; but one of them may have been a success
        // that stands before its failures.
        let pairs = pairs.filter(|pairs| pairs.missing_at_most > 0);
        let streaks = self.pairs.capped(AFTER_FAILURES);
        let streaks = streaks.or_else(|| self.addresses.capped(AFTER_FAILURES));
        let streaks = streaks.or_else(|| self.users.capped(AFTER_FAILURES));
        pairs.into_iter().chain(streaks)
    }
}
