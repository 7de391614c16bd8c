//! The addresses of a cluster: which one is asked, and which ones are left alone for a while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use url::Url;

use crate::http::retry::{backoff, random};

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

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all().len()
    }

    /// The first address that may be asked now, else how long that takes.
    ///
    /// # Errors
    /// The wait, when all of them failed just now.
    pub fn choose(&self) -> Result<Chosen, Duration> {
        let all = self.all();
        let now = Instant::now();
        let wait = |endpoint: &Endpoint| {
            let pause = endpoint.pause.unwrap_or(now);
            pause.saturating_duration_since(now)
        };
        let ready = all
            .iter()
            .enumerate()
            .find(|(_, endpoint)| wait(endpoint).is_zero());
        match ready {
            Some((place, endpoint)) => Ok(Chosen {
                place,
                url: endpoint.url.clone(),
                is_known: endpoint.is_known,
            }),
            None => Err(all.iter().map(wait).min().unwrap_or_default()),
        }
    }

    /// It answered as a cluster does.
    pub fn answered(&self, place: usize) {
        if let Some(endpoint) = self.all().get_mut(place) {
            endpoint.failures = 0;
            endpoint.pause = None;
            endpoint.is_known = true;
        }
    }

    /// It did not; it is asked again after `asked`, or a wait that grows. Returns the wait.
    pub fn failed(&self, place: usize, asked: Option<Duration>) -> Duration {
        let mut all = self.all();
        let Some(endpoint) = all.get_mut(place) else {
            return Duration::ZERO;
        };
        endpoint.failures = endpoint.failures.saturating_add(1);
        // It may be another server behind the same address by then.
        endpoint.is_known = false;
        let wait = asked
            .unwrap_or_default()
            .max(backoff(endpoint.failures, random()));
        endpoint.pause = Instant::now().checked_add(wait);
        wait
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
    }
}
