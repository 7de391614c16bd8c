//! Asking again: what for, how often, how long to wait in between (docs/guarantees.md, "REST sources").

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use url::Url;

use super::{Answer, Client, Error, Request};

/// The wait before the first time that a request is made again; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait that is our own idea.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Longest wait on a server's request that `fetch` honours.
pub const LONGEST_ASKED: Duration = Duration::from_secs(2 * 60 * 60);

/// However long a server asks to be left alone, it is asked again after this time: it may have meant something else.
pub const LONGEST_LEFT_ALONE: Duration = Duration::from_secs(24 * 60 * 60);

/// Nobody waits for longer.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Why there is no usable answer after all.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No answer, or none that is of use, however often it was asked for.
    #[error("{url}: {problem}{}", tried(*.attempts))]
    Unanswered {
        /// URL of the request, without its query.
        url: String,
        /// What came, the last time.
        problem: String,
        /// How often it was asked.
        attempts: u32,
    },
    /// An answer that asking again would not better.
    #[error("{} returned status {}", .0.url, .0.status)]
    Refused(Box<Answer>),
}

fn tried(attempts: u32) -> String {
    match attempts {
        0 | 1 => String::new(),
        attempts => format!(" (after {attempts} attempts)"),
    }
}

/// Who is told of the attempts of a request.
pub struct Watch<'a> {
    /// Called before each of them.
    pub before: &'a dyn Fn(),
    /// Called with each answer, of any status.
    pub answered: &'a dyn Fn(&Answer),
}

/// What one attempt came to.
enum Attempt<T> {
    Done(T),
    /// What went wrong, and how long to wait before the next time if the server says.
    Again(String, Option<Duration>),
    Failed(Failure),
}

impl Client {
    /// As [`Self::ask_counting`], without counting.
    ///
    /// # Errors
    /// As there.
    pub fn ask<T>(
        &self,
        request: &Request,
        accept: impl Fn(Answer) -> Result<T, String>,
    ) -> Result<T, Failure> {
        self.ask_counting(request, &|| {}, accept)
    }

    /// As [`Self::ask_watched`]; `count` is told each time before it is asked.
    ///
    /// # Errors
    /// As there.
    pub fn ask_counting<T>(
        &self,
        request: &Request,
        count: &dyn Fn(),
        accept: impl Fn(Answer) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let watch = Watch {
            before: count,
            answered: &|_| {},
        };
        self.ask_watched(request, &watch, accept)
    }

    /// Makes a request until its answer has a status of success and `accept` makes something of it.
    /// What `accept` refuses (saying why) is asked for again, as are 408, 429 and 5xx.
    ///
    /// # Errors
    /// When there is no usable answer after as many retries as the settings allow, and for every
    /// other status.
    pub fn ask_watched<T>(
        &self,
        request: &Request,
        watch: &Watch<'_>,
        accept: impl Fn(Answer) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let (mut attempts, mut failures) = (0, 0);
        let mut waited = Duration::ZERO;
        loop {
            self.wait_for_backoff(&request.url, attempts)?;
            attempts += 1;
            (watch.before)();
            let (problem, asked) = match self.attempt(request, watch, &accept) {
                Attempt::Done(done) => return Ok(done),
                Attempt::Failed(failure) => return Err(failure),
                Attempt::Again(problem, asked) => (problem, asked),
            };
            self.set_backoff(&request.url, asked);
            let too_long = asked.is_some_and(|asked| asked > self.longest_wait);
            // A wait that the server asks for is no failure; but not without end.
            waited = waited.saturating_add(asked.unwrap_or_default());
            let is_asked = asked.is_some_and(|asked| !asked.is_zero());
            if !is_asked || waited > self.longest_wait {
                failures += 1;
            }
            if failures > self.retries || too_long {
                return Err(Failure::Unanswered {
                    url: super::without_query(&request.url),
                    problem,
                    attempts,
                });
            }
            let wait = asked.unwrap_or_default().max(backoff(failures, random()));
            tracing::warn!(
                "{}: {problem}; retrying in {}",
                super::without_query(&request.url),
                humantime::format_duration(Duration::from_millis(
                    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
                ))
            );
            self.repeated.fetch_add(1, Ordering::Relaxed);
            self.metrics.source.retries(self.api(request), 1);
            thread::sleep(wait);
        }
    }

    /// Makes a request until there is an answer, of any status, to learn whether anybody is there.
    ///
    /// # Errors
    /// When there is none after as many retries as the settings allow.
    pub fn reach(&self, request: &Request) -> Result<Answer, Error> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.send(request) {
                Err(error) if error.is_transient() && attempts <= self.retries => {
                    thread::sleep(backoff(attempts, random()));
                }
                answered => return answered,
            }
        }
    }

    /// Asks a server for nothing more for so long.
    pub fn leave_alone(&self, url: &Url, wait: Duration) {
        self.set_backoff(url, Some(wait));
    }

    /// Takes note of how long a server asks to be left alone: that holds for the next run, too. Of two waits that it
    /// asks for, the longer one is kept.
    fn set_backoff(&self, url: &Url, asked: Option<Duration>) {
        if let Some(asked) = asked {
            let until = Instant::now() + asked.min(LONGEST_LEFT_ALONE);
            let mut backoff_until = self
                .backoff_until
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let latest = backoff_until.entry(url.origin()).or_insert(until);
            *latest = until.max(*latest);
        }
    }

    /// Waits until a server may be asked again; not if that is too long.
    fn wait_for_backoff(&self, url: &Url, attempts: u32) -> Result<(), Failure> {
        let backoff_until = self
            .backoff_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let until = backoff_until.get(&url.origin()).copied();
        drop(backoff_until);
        let wait = until
            .unwrap_or_else(Instant::now)
            .saturating_duration_since(Instant::now());
        if wait > self.longest_wait {
            return Err(Failure::Unanswered {
                url: super::without_query(url),
                problem: limited(self.longest_wait, Some(wait), "not asked"),
                attempts,
            });
        }
        thread::sleep(wait);
        Ok(())
    }

    fn attempt<T>(
        &self,
        request: &Request,
        watch: &Watch<'_>,
        accept: &impl Fn(Answer) -> Result<T, String>,
    ) -> Attempt<T> {
        let url = || super::without_query(&request.url);
        let answer = match self.send(request) {
            Ok(answer) => answer,
            Err(error) if error.is_transient() => return Attempt::Again(error.to_string(), None),
            Err(error) => return Attempt::Failed(unanswered(url(), &error)),
        };
        (watch.answered)(&answer);
        let doubt = answer.doubt();
        let asked = answer.asked_wait();
        let again =
            |what: &str| Attempt::Again(limited(self.longest_wait, asked, what) + &doubt, asked);
        match answer.status {
            // Each further attempt is another failed login.
            status if answer.wants_captcha && !(200..300).contains(&status) => {
                Attempt::Failed(Failure::Refused(Box::new(answer)))
            }
            200..=299 => match accept(answer) {
                Ok(done) => Attempt::Done(done),
                Err(problem) => Attempt::Again(problem, None),
            },
            429 => again("too many requests (429)"),
            503 => again("service unavailable (503)"),
            status @ (408 | 500..=599) => again(&format!("server error {status}")),
            _ => Attempt::Failed(Failure::Refused(Box::new(answer))),
        }
    }
}

fn unanswered(url: String, error: &Error) -> Failure {
    let problem = error.to_string();
    // Some begin with the URL themselves.
    let short = problem.strip_prefix(&format!("{url} "));
    Failure::Unanswered {
        problem: short.unwrap_or(&problem).to_owned(),
        url,
        attempts: 1,
    }
}

fn limited(most: Duration, wait: Option<Duration>, what: &str) -> String {
    match wait.filter(|wait| *wait > most) {
        Some(wait) if wait > CENTURY => format!("{what}; the server asks for an endless wait"),
        Some(wait) => format!(
            "{what}; the server asks to wait {}, longer than the limit of {}",
            humantime::format_duration(Duration::from_secs(wait.as_secs())),
            humantime::format_duration(most)
        ),
        None => what.to_owned(),
    }
}

/// Exponential, with full jitter: clients that failed together do not come back together. `random`
/// is from 0 to 1.
pub fn backoff(attempt: u32, random: f64) -> Duration {
    let most = FIRST_WAIT
        .saturating_mul(1 << attempt.saturating_sub(1).min(16))
        .min(LONGEST_WAIT);
    most.mul_f64(random)
}

/// From 0 to 1; a half if the system has no randomness to give.
pub fn random() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_are_spread() {
        assert_eq!(backoff(1, 1.0), FIRST_WAIT);
        assert_eq!(backoff(2, 1.0), FIRST_WAIT * 2);
        assert_eq!(backoff(4, 0.5), FIRST_WAIT * 4);
        assert_eq!(backoff(100, 1.0), LONGEST_WAIT);
        assert_eq!(backoff(100, 0.0), Duration::ZERO);
    }
}
