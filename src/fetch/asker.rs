//! Requests to a site's audit API, with credentials that may need a refresh.

use std::sync::Arc;

use url::Url;

use super::page::Page;
use super::refusal::{self, About, AuthMethod, Refusal, is_about_scope};
use super::site::{Api, Ask, Site};
use super::window::Window;
use crate::auth;
use crate::auth::authorization::Authorization;
use crate::http::retry::Failure;
use crate::http::{Answer, Client, Request};

/// Why a site gives no records.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server rejects the request.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// There is no access token to ask with.
    #[error(transparent)]
    Auth(#[from] auth::Error),
    /// It does not answer, or not as the API does, however often it was asked.
    #[error("{problem}; {}", unanswered(.site))]
    Unanswered {
        /// What was asked, and what came.
        problem: String,
        /// Name of the site, as `state list` prints it.
        site: String,
    },
}

impl Error {
    /// Whether the credentials, or their rights, were refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(
                refusal.about,
                About::Credentials | About::Scope | About::Permission
            ),
            Self::Auth(error) => error.is_refused(),
            Self::Unanswered { .. } => false,
        }
    }

    /// Whether nothing is where it was asked for.
    #[must_use]
    pub fn is_about_place(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.about == About::Place)
    }
}

fn unanswered(site: &str) -> String {
    format!("the remaining records of {site} are fetched by the next run")
}

/// Client of one site's audit API.
#[derive(Debug)]
pub struct Asker {
    /// HTTP client for the requests.
    pub client: Arc<Client>,
    /// The site that is queried.
    pub site: Site,
    /// Credentials for the requests.
    pub authorization: Arc<Authorization>,
    /// Text that records must have.
    pub search: Option<String>,
}

/// A page, and when it came.
#[derive(Debug)]
pub struct PageResponse {
    /// The page, parsed from the response.
    pub page: Page,
    /// How far our clock is ahead of the server's, in seconds.
    pub ahead: Option<i64>,
}

/// What an answer with a status of success is.
enum Accepted<T> {
    Of(T),
    /// A refusal in spite of its status.
    Refusal(Refusal),
}

const HTML_REMEDY: &str = "; if that stays so, check --url and the credentials (behind a single sign-on, a Data \
    Center takes a personal access token)";

impl Asker {
    /// How requests are authenticated.
    #[must_use]
    pub fn auth_method(&self) -> AuthMethod {
        match *self.authorization {
            Authorization::Basic { .. } => AuthMethod::Basic,
            Authorization::Pat(_) => AuthMethod::Pat,
            Authorization::OAuth(_) => AuthMethod::OAuth,
        }
    }

    /// Requests a page of a window; `count` is called before each request.
    ///
    /// # Errors
    /// When the site refuses, or gives no usable answer.
    pub fn page(
        &self,
        api: Api,
        window: Window,
        ask: &Ask<'_>,
        count: &dyn Fn(),
    ) -> Result<PageResponse, Error> {
        let url = self.site.question(api, window, self.search.as_deref(), ask);
        self.ask(url, count, |answer| {
            let ahead = answer.ahead;
            let page = Page::read(api, answer.body)?;
            Ok(PageResponse { page, ahead })
        })
    }

    /// Asks for something else at the site.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub fn ask<T>(
        &self,
        url: Url,
        count: &dyn Fn(),
        read: impl Fn(Answer) -> Result<T, String>,
    ) -> Result<T, Error> {
        let asked = url.path().to_owned();
        let client_id = self.authorization.client_id();
        let refusal =
            |answer: &Answer| Refusal::of(&self.site, self.auth_method(), &client_id, answer);
        let accept = |answer: Answer| {
            let denied = answer.wants_captcha.then(|| refusal(&answer));
            // Sent to another page, which is for people: a login's.
            if answer.is_html() && answer.url.path() != asked {
                let login_page = || Refusal::login_page(&self.site, answer.status);
                return Ok(Accepted::Refusal(denied.unwrap_or_else(login_page)));
            }
            let is_html = answer.is_html();
            match (read(answer), denied) {
                (Err(_), Some(denied)) => Ok(Accepted::Refusal(denied)),
                (Err(problem), None) if is_html => Err(problem + HTML_REMEDY),
                (read, _) => read.map(Accepted::Of),
            }
        };
        let header = self.authorization.header()?;
        let request = Request::get(url).authorized(header.clone());
        let answered = match self.client.ask_counting(&request, count, accept) {
            // Once: an access token may have ended before its time.
            Err(Failure::Refused(answer)) if answer.status == 401 && !is_about_scope(&answer) => {
                match self.authorization.renewed(&header)? {
                    Some(other) => {
                        let request = request.authorized(other);
                        self.client.ask_counting(&request, count, accept)
                    }
                    None => Err(Failure::Refused(answer)),
                }
            }
            answered => answered,
        };
        match answered {
            Ok(Accepted::Of(value)) => Ok(value),
            Ok(Accepted::Refusal(refusal)) => Err(refused(refusal)),
            Err(Failure::Refused(answer)) => Err(refused(refusal(&answer))),
            Err(failure @ Failure::Unanswered { .. }) => Err(Error::Unanswered {
                problem: failure.to_string(),
                site: self.site.name(),
            }),
        }
    }

    /// The other API that may be there instead, if a page was refused.
    #[must_use]
    pub fn fallback(api: Api, error: &Error) -> Option<Api> {
        match error {
            Error::Refused(refusal) => refusal::fallback(api, refusal),
            Error::Unanswered { .. } | Error::Auth(_) => None,
        }
    }
}

fn refused(refusal: Refusal) -> Error {
    Error::Refused(Box::new(refusal))
}
