//! Requests to a cluster: by whichever of its addresses answers, again for as long as it takes.

use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use url::Url;

use super::endpoints::{Chosen, Endpoints};
use super::notices::{Notices, Topic};
use super::product::{Finding, Recognized, recognize};
use super::verdict::Refusal;
use super::words::{described, named, with_own_flags};
use crate::http::address::{below, is_loopback, shown};
use crate::http::retry::{backoff, random};
use crate::http::{self, Answer, Client, Request, Upload, without_query};
use crate::secret::Secret;

/// Refused credentials are tried three times a minute at most: more may lock an account.
const CREDENTIALS_WAIT: Duration = Duration::from_secs(20);
/// A cluster says at once who it is: an address that hangs is not waited for as long as a bulk request.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);
/// An address that hung is left alone for so long, and longer each time, while there are others.
const HUNG_WAIT: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Setback {
    /// The request may have been taken, but there is no answer that says so.
    #[error("{0}")]
    Lost(String),
    /// It is time to end.
    #[error("stopped while the cluster did not answer")]
    Stopped,
    /// None of the addresses is a cluster.
    #[error("--elasticsearch-url: {0}")]
    NoCluster(String),
}

/// A request to the cluster.
#[derive(Debug, Clone)]
pub struct Call {
    /// Path below the address.
    pub path: String,
    /// Query, without its question mark.
    pub query: String,
    /// What is sent; none: GET.
    pub upload: Option<Upload>,
}

impl Call {
    /// A GET.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            query: String::new(),
            upload: None,
        }
    }

    /// A POST of JSON.
    #[must_use]
    pub fn post(path: impl Into<String>, body: Vec<u8>) -> Self {
        Self {
            upload: Some(Upload {
                method: ureq::http::Method::POST,
                content_type: "application/json",
                is_gzip: false,
                asks_first: false,
                body: Arc::new(body),
            }),
            ..Self::get(path)
        }
    }

    /// The same with a query.
    #[must_use]
    pub fn query(self, query: impl Into<String>) -> Self {
        Self {
            query: query.into(),
            ..self
        }
    }
}

impl fmt::Display for Call {
    /// `GET path`, for messages.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self
            .upload
            .as_ref()
            .map_or("GET", |upload| upload.method.as_str());
        write!(formatter, "{method} {}", self.path)
    }
}

/// An answer, and who gave it.
#[derive(Debug)]
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    place: Chosen,
}

/// A cluster, as it is asked.
#[derive(Debug)]
pub struct ClusterClient {
    http: Client,
    endpoints: Endpoints,
    /// Its first address, for messages.
    name: String,
    authorization: Option<Secret>,
    /// Flags of this connection, for commands that messages advise.
    flags: Vec<String>,
    /// Bodies are compressed: not where no network is saved by it.
    is_compressing: bool,
    recognized: Mutex<Option<Recognized>>,
    /// What is said of it.
    pub notices: Notices,
    stopped: Mutex<bool>,
    stopping: Condvar,
}

impl ClusterClient {
    /// A cluster with those addresses, one at least.
    #[must_use]
    pub fn new(http: Client, urls: &[Url], authorization: Option<Secret>) -> Self {
        if let Some(secret) = &authorization {
            http.hide(secret);
        }
        Self {
            http,
            endpoints: Endpoints::new(urls),
            name: urls.first().map(shown).unwrap_or_default(),
            authorization,
            flags: Vec::new(),
            is_compressing: !urls.iter().all(is_loopback),
            recognized: Mutex::default(),
            notices: Notices::default(),
            stopped: Mutex::default(),
            stopping: Condvar::new(),
        }
    }

    /// With the flags of this connection but for the address, as messages repeat them.
    #[must_use]
    pub fn with_flags(self, flags: Vec<String>) -> Self {
        Self { flags, ..self }
    }

    /// The flags of this connection but for the address.
    pub fn flags(&self) -> impl Iterator<Item = &str> {
        self.flags.iter().map(String::as_str)
    }

    /// Its addresses, the preferred one first.
    #[must_use]
    pub fn urls(&self) -> Vec<Url> {
        self.endpoints.urls()
    }

    /// Makes a request once, to one address, whatever is known of it. Any status is an answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask_at(&self, url: &Url, call: &Call) -> Result<Answer, http::Error> {
        self.send(url, call)
    }

    /// What to do about refused credentials.
    #[must_use]
    pub fn credentials_advice(&self) -> &'static str {
        match &self.authorization {
            Some(_) => "check the API key or the user and password",
            None => {
                "set CONFLUENCE_ECS_ES_API_KEY, or pass --es-api-key-file FILE, or --es-user USER with \
                 CONFLUENCE_ECS_ES_PASSWORD"
            }
        }
    }

    /// Its first address, without secrets.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The product that answered last; none before the first answer.
    #[must_use]
    pub fn recognized(&self) -> Option<Recognized> {
        let recognized = self.recognized.lock();
        recognized.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends all waiting: requests under way are left to themselves.
    pub fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopping.notify_all();
    }

    /// Waits.
    ///
    /// # Errors
    /// [`Setback::Stopped`] when it is time to end.
    pub fn pause(&self, wait: Duration) -> Result<(), Setback> {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let (stopped, _) = self
            .stopping
            .wait_timeout_while(stopped, wait, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner);
        if *stopped {
            Err(Setback::Stopped)
        } else {
            Ok(())
        }
    }

    /// The body as it is sent.
    #[must_use]
    pub fn packed(&self, body: &Arc<Vec<u8>>) -> (Arc<Vec<u8>>, bool) {
        if !self.is_compressing {
            return (Arc::clone(body), false);
        }
        let packed = Vec::with_capacity(body.len() / 4);
        let mut encoder = GzEncoder::new(packed, Compression::fast());
        // Into memory: it cannot fail.
        match encoder.write_all(body).and_then(|()| encoder.finish()) {
            Ok(packed) => (Arc::new(packed), true),
            Err(_) => (Arc::clone(body), false),
        }
    }

    /// Makes a request once, to the first address that is ready, waiting for one. Any status is an
    /// answer, but for those that say that nobody was there to take it: they are [`Setback::Lost`].
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask(&self, call: &Call) -> Result<Reply, Setback> {
        let chosen = self.choose()?;
        let sent = self.send(&chosen.url, call);
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return Err(self.lost(&chosen, &error)),
        };
        let reply = Reply {
            answer,
            place: chosen,
        };
        let is_too_large = || {
            let refusal = Refusal::of_request(429, &reply.answer.body);
            refusal.is_some_and(|refusal| refusal.is_too_large())
        };
        match reply.answer.status {
            429 if is_too_large() => {
                self.endpoints.answered(reply.place.place);
                Ok(reply)
            }
            429 | 502..=504 => Err(self.reject(&reply, "")),
            401 => Err(self.refuse(&reply)),
            _ => {
                self.endpoints.answered(reply.place.place);
                Ok(reply)
            }
        }
    }

    /// Takes note that an answer was of use: what was said of the address is over.
    pub fn accept(&self, reply: &Reply) {
        let topics = [Topic::Unavailable(reply.place.place), Topic::Credentials];
        let is_news = topics.map(|topic| self.notices.is_over(topic));
        if is_news.contains(&true) {
            tracing::info!("{} takes events again", without_query(&reply.place.url));
        }
    }

    /// Takes note that an answer was of no use, and why, if its status does not say that: whoever gave it
    /// is left alone for a while.
    pub fn reject(&self, reply: &Reply, problem: &str) -> Setback {
        let problem = described(&self.http, &reply.answer, problem);
        self.unavailable(&reply.place, &problem, reply.answer.retry_after)
    }

    /// The cluster answers, but not what it was asked.
    fn unanswered(&self, reply: &Reply, call: &Call, problem: Option<String>) {
        let problem = problem.unwrap_or_else(|| described(&self.http, &reply.answer, ""));
        let wait = self
            .endpoints
            .failed(reply.place.place, reply.answer.retry_after);
        self.http.source().blocked_by(&problem);
        if self.notices.is_due(Topic::Unanswered) {
            let url = without_query(&reply.place.url);
            tracing::error!(
                "{url}: no usable answer to {call}, without which events may be stored twice: {problem}; waiting, \
                 nothing is lost"
            );
        } else {
            tracing::debug!("{call}: {problem}; next attempt in {wait:?}");
        }
    }

    /// Takes note that who asks has not the right: that is not asked more often than credentials are tried.
    pub fn forbid(&self, reply: &Reply) {
        let (place, is_known) = (reply.place.place, reply.place.is_known);
        self.endpoints.refused(place, CREDENTIALS_WAIT, is_known);
    }

    /// A text from an answer, without the secrets that were sent.
    #[must_use]
    pub fn redacted(&self, text: &str) -> String {
        self.http.redacted(text)
    }

    /// Takes note that whoever asks is refused.
    pub fn refuse(&self, reply: &Reply) -> Setback {
        let is_known = reply.place.is_known;
        self.unauthorized(&reply.place, &reply.answer, is_known)
    }

    /// The same as [`Self::ask`], until `read` makes something of the answer, or says why not if that is not plain to see.
    ///
    /// # Errors
    /// [`Setback::Stopped`] and [`Setback::NoCluster`].
    pub fn insist_on<T>(
        &self,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, Option<String>>,
    ) -> Result<T, Setback> {
        let mut lost = 0;
        loop {
            match self.ask(call) {
                Err(Setback::Lost(_)) => {}
                Err(setback) => return Err(setback),
                Ok(reply) => match read(&reply.answer) {
                    Ok(read) => {
                        self.notices.is_over(Topic::Unanswered);
                        return Ok(read);
                    }
                    Err(problem) => self.unanswered(&reply, call, problem),
                },
            }
            self.pause(backoff(lost, random()))?;
            lost += 1;
        }
    }

    /// Asks an address who it is.
    fn probe(&self, base: &Url) -> Result<Answer, http::Error> {
        let request = Request {
            timeout: Some(PROBE_TIMEOUT),
            ..self.request(base, &Call::get(""))
        };
        let sent = self.http.send(&request);
        sent.map_err(|error| with_own_flags(error, &self.flags))
    }

    fn send(&self, base: &Url, call: &Call) -> Result<Answer, http::Error> {
        let sent = self.http.send(&self.request(base, call));
        sent.map_err(|error| with_own_flags(error, &self.flags))
    }

    fn request(&self, base: &Url, call: &Call) -> Request {
        let mut url = below(base, &call.path);
        url.set_query(
            Some(&call.query)
                .filter(|query| !query.is_empty())
                .map(String::as_str),
        );
        let request = match &call.upload {
            Some(upload) => Request::upload(url, upload.clone()),
            None => Request::get(url),
        };
        match &self.authorization {
            Some(authorization) => request.authorized(authorization.clone()),
            None => request,
        }
    }

    /// An address that is ready, and is a cluster.
    fn choose(&self) -> Result<Chosen, Setback> {
        loop {
            let chosen = match self.endpoints.choose() {
                Ok(chosen) => chosen,
                Err(wait) => {
                    self.pause(wait)?;
                    continue;
                }
            };
            self.pause(Duration::ZERO)?;
            if chosen.is_known {
                return Ok(chosen);
            }
            match self
                .probe(&chosen.url)
                .map(|answer| (recognize(&answer), answer))
            {
                Err(error) if error.is_transient() => {
                    self.lost(&chosen, &error);
                }
                Err(error) => {
                    let problem = error.to_string();
                    let error = named(&chosen.url, &problem);
                    self.useless(&chosen, &problem, error)?;
                }
                Ok((Finding::Cluster(recognized), answer)) if answer.status == 401 => {
                    self.note_product(&chosen, recognized);
                    // The next time it is asked for what is wanted: that is one attempt, too.
                    self.unauthorized(&chosen, &answer, true);
                }
                Ok((Finding::Cluster(recognized), _)) => {
                    self.endpoints.recognized(chosen.place);
                    self.note_product(&chosen, recognized);
                    return Ok(chosen);
                }
                Ok((Finding::Unclear, answer)) if matches!(answer.status, 401 | 403) => {
                    self.unauthorized(&chosen, &answer, false);
                }
                Ok((Finding::Unclear, answer)) => {
                    let reply = Reply {
                        answer,
                        place: chosen,
                    };
                    self.reject(&reply, "");
                }
                Ok((Finding::Another(what), _)) => {
                    let url = without_query(&chosen.url);
                    self.useless(
                        &chosen,
                        &format!("this address {what}"),
                        format!("{url} {what}"),
                    )?;
                }
            }
        }
    }
}

/// What is said of answers, and how long an address is left alone.
impl ClusterClient {
    fn note_product(&self, chosen: &Chosen, recognized: Recognized) {
        let mut known = self
            .recognized
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.as_ref() != Some(&recognized) {
            tracing::info!("{} is {recognized}", without_query(&chosen.url));
            *known = Some(recognized);
        }
    }

    /// Another server than a cluster, a certificate that is not trusted, or a redirect. At the start that is a
    /// mistake in the settings, and an error; later it may be a proxy's page, or a certificate that is replaced.
    fn useless(&self, chosen: &Chosen, problem: &str, error: String) -> Result<(), Setback> {
        let are_all = self.endpoints.is_other(chosen.place);
        if are_all && self.recognized().is_none() {
            return Err(Setback::NoCluster(error));
        }
        self.unavailable(chosen, problem, None);
        Ok(())
    }

    fn lost(&self, chosen: &Chosen, error: &http::Error) -> Setback {
        let is_hung = matches!(error, http::Error::Timeout { .. });
        let wait = is_hung.then(|| self.endpoints.hung_wait(chosen.place, HUNG_WAIT));
        self.unavailable(chosen, &error.to_string(), wait.flatten())
    }

    fn unavailable(&self, chosen: &Chosen, problem: &str, asked: Option<Duration>) -> Setback {
        let wait = self.endpoints.failed(chosen.place, asked);
        let named = named(&chosen.url, problem);
        self.http.source().blocked_by(&named);
        if self.notices.is_due(Topic::Unavailable(chosen.place)) {
            tracing::warn!("{named}; waiting for the cluster, nothing is lost");
        } else {
            tracing::debug!("{named}; next attempt in {wait:?}");
        }
        Setback::Lost(problem.to_owned())
    }

    fn unauthorized(&self, chosen: &Chosen, answer: &Answer, is_known: bool) -> Setback {
        let wait = CREDENTIALS_WAIT.max(answer.retry_after.unwrap_or_default());
        self.endpoints.refused(chosen.place, wait, is_known);
        self.http
            .source()
            .blocked_by(&"the cluster refuses the credentials");
        if self.notices.is_due(Topic::Credentials) {
            let advice = self.credentials_advice();
            tracing::error!(
                "{} refuses the credentials (status {}): {advice}; waiting, nothing is lost",
                without_query(&chosen.url),
                answer.status
            );
        }
        Setback::Lost(format!("status {}", answer.status))
    }
}
