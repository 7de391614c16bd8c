//! Requests to an organization's API.

use std::sync::Arc;
use std::time::Duration;

use super::organization::{Organization, PageStart};
use super::pace::Pace;
use super::page::OrgPage;
use super::products::Products;
use super::refusal;
use crate::auth::authorization::bearer;
use crate::fetch::asker::Error as AskError;
use crate::fetch::refusal::Refusal;
use crate::http::retry::{Failure, Watch};
use crate::http::{self, Answer, Client, Request, SettingsError, address};
use crate::secret::Secret;

/// What a connection takes.
#[derive(Debug)]
pub struct OrgTarget {
    /// The organization that is asked.
    pub organization: Organization,
    /// Its API key.
    pub key: Secret,
    /// Only events of these products.
    pub products: Products,
    /// How requests are made.
    pub http: http::Settings,
}

/// Client of one organization's API.
#[derive(Debug)]
pub struct OrgAsker {
    /// HTTP client for the requests.
    pub client: Client,
    /// The organization that is asked.
    pub organization: Organization,
    key: Secret,
    products: Products,
    pace: Pace,
}

/// A page, and when it came.
#[derive(Debug)]
pub struct OrgResponse {
    /// The page, parsed from the response.
    pub page: OrgPage,
    /// How far our clock is ahead of the server's, in seconds.
    pub ahead: Option<i64>,
}

/// Why no page came.
#[derive(Debug)]
pub enum Refused {
    /// The cursor is not taken, or not any more.
    Cursor(Box<Refusal>),
    /// Anything else.
    Other(AskError),
}

impl OrgAsker {
    /// What asks that organization.
    ///
    /// # Errors
    /// When requests cannot be made so.
    pub fn new(target: OrgTarget) -> Result<Arc<Self>, SettingsError> {
        let client = Client::new(&target.http)?;
        client.check([&target.organization.api_base])?;
        address::warn_if_plain("--api-base", &target.organization.api_base);
        Ok(Arc::new(Self {
            client,
            organization: target.organization,
            key: target.key,
            products: target.products,
            pace: Pace::default(),
        }))
    }

    /// Asks for nothing more for so long.
    pub fn leave_alone(&self, wait: Duration) {
        self.client.leave_alone(&self.organization.api_base, wait);
    }

    /// Asks for a page, when the rate limit allows it; `paused` is told whenever nothing is to be asked for some
    /// time.
    ///
    /// # Errors
    /// When the organization refuses, or gives no usable answer.
    pub fn page(
        &self,
        start: &PageStart,
        page_size: usize,
        paused: &dyn Fn(Duration),
    ) -> Result<OrgResponse, Refused> {
        let url = self.organization.question(start, page_size);
        let request = Request::get(url).authorized(bearer(&self.key));
        let watch = Watch {
            // Before each attempt: those that fail count, too.
            before: &|| self.pace.wait(),
            answered: &|answer| {
                if let Some(wait) = self.pace.learn(answer) {
                    tracing::debug!("the organization asks to be left alone for {wait:?}");
                    self.leave_alone(wait);
                    paused(wait);
                }
            },
        };
        let accept = |answer: Answer| {
            let ahead = answer.ahead;
            let page = OrgPage::read(answer.body, &self.products)?;
            Ok(OrgResponse { page, ahead })
        };
        let answered = self.client.ask_watched(&request, &watch, accept);
        answered.map_err(|failure| match failure {
            Failure::Refused(answer) => {
                let id = &self.organization.id;
                let of_cursor = match start {
                    PageStart::Cursor(_) => refusal::of_cursor(id, &answer),
                    PageStart::Time { .. } | PageStart::Newest { .. } => None,
                };
                match of_cursor {
                    Some(refusal) => Refused::Cursor(Box::new(refusal)),
                    None => Refused::Other(AskError::Refused(Box::new(refusal::of(id, &answer)))),
                }
            }
            failure @ Failure::Unanswered { .. } => Refused::Other(AskError::Unanswered {
                problem: failure.to_string(),
                site: format!("organization {}", self.organization.id),
            }),
        })
    }
}
