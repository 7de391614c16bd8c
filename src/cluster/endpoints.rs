//! The addresses of a cluster: which one is asked, and which ones are left alone for a while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use url::Url;

use crate::http::retry::{backoff, random};

/// How often somebody who waits for another request's outcome looks.
const TRIED_WAIT: Duration = Duration::from_millis(50);
/// The longest wait that an answer may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);
/// An address that hangs again and again is left alone for so many waits: the others may go away, too.
const MOST_HUNG_WAITS: u32 = 2;
/// More failures in a row make no longer wait.
const MOST_FAILURES: u32 = 1000;

/// The addresses, the preferred one first.
#[derive(Debug)]
pub struct Endpoints {
    all: Mutex<Vec<Endpoint>>,
}

#[derive(Debug)]
struct Endpoint {
    url: Url,
    /// It failed so many times in a row.
    failures: u32,
    /// It is not asked before this.
    pause: Option<Instant>,
    /// It was recognized as a cluster.
    is_known: bool,
    /// It answered as another server than a cluster does.
    is_other: bool,
    /// One request learns whether it works again; the others wait for that.
    is_tried: bool,
}

/// An address to ask.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Its place among the addresses.
    pub place: usize,
    /// The address.
    pub url: Url,
    /// It was recognized as a cluster before.
    pub is_known: bool,
}

impl Endpoints {
    /// Those addresses; one at least.
    #[must_use]
    pub fn new(urls: &[Url]) -> Self {
        let endpoint = |url: &Url| Endpoint {
            url: url.clone(),
            failures: 0,
            pause: None,
            is_known: false,
            is_other: false,
            is_tried: false,
        };
        Self {
            all: Mutex::new(urls.iter().map(endpoint).collect()),
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Endpoint>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, the preferred one first.
    #[must_use]
    pub fn urls(&self) -> Vec<Url> {
        let all = self.all();
        all.iter().map(|endpoint| endpoint.url.clone()).collect()
    }

    /// The first address that may be asked now, else how long that takes. One that failed is asked by one
    /// request at a time: its outcome is to be reported with [`Self::answered`] or [`Self::failed`].
    ///
    /// # Errors
    /// The wait, when all of them failed just now.
    pub fn choose(&self) -> Result<Chosen, Duration> {
        let mut all = self.all();
        let now = Instant::now();
        let wait = |endpoint: &Endpoint| {
            if endpoint.is_tried {
                return TRIED_WAIT;
            }
            let pause = endpoint.pause.unwrap_or(now);
            pause.saturating_duration_since(now)
        };
        let ready = all.iter().position(|endpoint| wait(endpoint).is_zero());
        let Some(place) = ready else {
            return Err(all.iter().map(wait).min().unwrap_or_default());
        };
        let endpoint = &mut all[place];
        endpoint.is_tried = endpoint.failures > 0 || !endpoint.is_known;
        Ok(Chosen {
            place,
            url: endpoint.url.clone(),
            is_known: endpoint.is_known,
        })
    }

    /// It is a cluster. Whether it takes what it is asked for is still to be seen: until then it is tried by
    /// one request, and its failures count.
    pub fn recognized(&self, place: usize) {
        if let Some(endpoint) = self.all().get_mut(place) {
            endpoint.is_known = true;
            endpoint.is_other = false;
        }
    }

    /// How long an address is left alone that hung: `wait` for each time in a row, but not for long; none if
    /// there is no other one.
    #[must_use]
    pub fn hung_wait(&self, place: usize, wait: Duration) -> Option<Duration> {
        let all = self.all();
        let endpoint = all.get(place).filter(|_| all.len() > 1)?;
        Some(wait.saturating_mul((endpoint.failures + 1).min(MOST_HUNG_WAITS)))
    }

    /// It answered as a cluster does.
    pub fn answered(&self, place: usize) {
        if let Some(endpoint) = self.all().get_mut(place) {
            endpoint.failures = 0;
            endpoint.pause = None;
            endpoint.is_known = true;
            endpoint.is_other = false;
            endpoint.is_tried = false;
        }
    }

    /// It did not; it is asked again after `asked`, or a wait that grows. Returns the wait.
    pub fn failed(&self, place: usize, asked: Option<Duration>) -> Duration {
        let mut all = self.all();
        let Some(endpoint) = all.get_mut(place) else {
            return Duration::ZERO;
        };
        let wait = asked.unwrap_or_default().min(LONGEST_ASKED);
        let wait = wait.max(backoff(endpoint.failures + 1, random()));
        endpoint.fail(wait);
        // It may be another server behind the same address by then.
        endpoint.is_known = false;
        wait
    }

    /// It refused the credentials. Another address is most likely one of the same cluster: unless it
    /// is known to work, it is not asked before `wait` either, so that the account is not locked.
    pub fn refused(&self, place: usize, wait: Duration, is_known: bool) {
        let mut all = self.all();
        let others = u32::try_from(all.len() - 1).unwrap_or(u32::MAX);
        let until = Instant::now().checked_add(wait);
        for (other, endpoint) in all.iter_mut().enumerate() {
            if other == place {
                // The others come first.
                endpoint.fail(wait.saturating_mul(1 + others.min(1)));
                endpoint.is_known = is_known;
            } else if endpoint.failures > 0 || !endpoint.is_known {
                endpoint.pause = endpoint.pause.max(until);
            }
        }
    }

    /// It is another server than a cluster. Whether all of them are.
    pub fn is_other(&self, place: usize) -> bool {
        let mut all = self.all();
        if let Some(endpoint) = all.get_mut(place) {
            endpoint.is_other = true;
            endpoint.is_tried = false;
        }
        all.iter().all(|endpoint| endpoint.is_other)
    }
}

impl Endpoint {
    fn fail(&mut self, wait: Duration) {
        self.failures = self.failures.saturating_add(1).min(MOST_FAILURES);
        self.is_tried = false;
        self.pause = Instant::now().checked_add(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_address_is_asked_while_the_first_is_left_alone() {
        let urls = ["http://a:9200", "http://b:9200"].map(|url| Url::parse(url).unwrap());
        let endpoints = Endpoints::new(&urls);
        assert_eq!(endpoints.choose().unwrap().place, 0);
        endpoints.failed(0, Some(Duration::from_secs(60)));
        assert_eq!(endpoints.choose().unwrap().place, 1);
        endpoints.failed(1, Some(Duration::from_secs(50)));
        let wait = endpoints.choose().unwrap_err();
        assert!(wait > Duration::from_secs(40) && wait <= Duration::from_secs(50));
        endpoints.answered(0);
        assert_eq!(endpoints.choose().unwrap().place, 0);
        assert_eq!(endpoints.choose().unwrap().place, 0);
    }

    #[test]
    fn an_address_that_failed_is_tried_by_one_request_at_a_time() {
        let endpoints = Endpoints::new(&[Url::parse("http://a:9200").unwrap()]);
        assert!(!endpoints.choose().unwrap().is_known);
        assert_eq!(endpoints.choose().unwrap_err(), TRIED_WAIT);
        endpoints.refused(0, Duration::from_secs(20), true);
        assert!(endpoints.choose().unwrap_err() > Duration::from_secs(19));
        endpoints.answered(0);
        assert!(endpoints.choose().unwrap().is_known);
    }

    #[test]
    fn refused_credentials_are_not_tried_at_the_next_address_at_once() {
        let urls = ["http://a:9200", "http://b:9200"].map(|url| Url::parse(url).unwrap());
        let endpoints = Endpoints::new(&urls);
        endpoints.refused(0, Duration::from_secs(20), true);
        assert!(endpoints.choose().unwrap_err() > Duration::from_secs(19));
        endpoints.answered(1);
        endpoints.refused(0, Duration::from_secs(20), true);
        assert_eq!(endpoints.choose().unwrap().place, 1, "it works");
    }

    #[test]
    fn an_address_that_hangs_is_left_alone_for_longer_each_time_even_if_it_says_who_it_is() {
        let urls = ["http://a:9200", "http://b:9200"].map(|url| Url::parse(url).unwrap());
        let endpoints = Endpoints::new(&urls);
        let second = Duration::from_secs(1);
        let mut waits = Vec::new();
        for _ in 0..3 {
            endpoints.recognized(0);
            let wait = endpoints.hung_wait(0, second).unwrap();
            endpoints.failed(0, Some(wait));
            waits.push(wait);
            assert_eq!(endpoints.choose().unwrap().place, 1);
            endpoints.answered(1);
        }
        assert_eq!(waits, [second, second * 2, second * 2]);
        let alone = Endpoints::new(&urls[..1]);
        assert_eq!(alone.hung_wait(0, second), None);
    }

    #[test]
    fn a_wait_without_end_has_an_end() {
        let endpoints = Endpoints::new(&[Url::parse("http://a:9200").unwrap()]);
        assert_eq!(endpoints.failed(0, Some(Duration::MAX)), LONGEST_ASKED);
        assert!(endpoints.choose().is_err());
    }
}
