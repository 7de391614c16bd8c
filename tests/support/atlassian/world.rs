//! The servers' one state, and the way of a request through it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::answer::{Answer, Refusal};
use super::cloud::{self, Place};
use super::data_center;
use super::faults::{Fault, Faults, Scene};
use super::http::{Door, Request};
use super::oauth::{self, Tokens};
use super::organization::{self, Events};
use super::settings::{Permission, Settings};
use super::store::{Page, Query, Store};

/// A client may come back a little early: clocks have their grain.
const GRAIN: Duration = Duration::from_millis(20);

/// What stands at the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    Cloud,
    DataCenter,
    OldServer,
}

/// The origins, `http://127.0.0.1:PORT`.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub site: String,
    pub api: String,
    pub auth: String,
    pub foreign: String,
}

/// What is done when a page has been made.
pub type Hook = Box<dyn FnOnce(&mut Store) + Send>;

/// A request and the status that it was answered with.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub request: Request,
    pub status: u16,
}

pub struct World {
    pub deployment: Deployment,
    /// the context path, `/confluence`, or nothing
    pub context: String,
    pub addresses: Addresses,
    pub settings: Settings,
    pub store: Store,
    pub tokens: Tokens,
    pub faults: Faults,
    pub exchanges: Vec<Exchange>,
    pub violations: Vec<String>,
    /// what to do when so many pages have been made
    pub hooks: Vec<(u64, Hook)>,
    /// how many pages of records have been made
    pub pages: u64,
    /// how often a credential was refused
    pub rejections: u64,
    /// whether answers that are held wait
    pub holds: bool,
    /// whether requests for tokens wait before they are looked at
    pub holds_tokens: bool,
    not_before: Option<Instant>,
    /// the events of the organization
    pub events: Events,
    /// when the organization was asked last
    pub last_event_request: Option<Instant>,
}

/// What the paths of organizations are around their ids.
const ORGANIZATIONS: &str = "/admin/v1/orgs/";
const EVENTS: &str = "/events-stream";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    TenantInfo,
    Audit(Place),
    Retention(Place),
    Events,
    CurrentUser,
    LoginPage,
    NoSuchPlugin,
    Consent,
    Token,
    Sites,
    Organization,
}

impl World {
    pub fn new(deployment: Deployment, context: &str, addresses: Addresses) -> Self {
        Self {
            deployment,
            context: context.to_owned(),
            settings: Settings::new(&addresses.foreign),
            addresses,
            store: Store::default(),
            tokens: Tokens::default(),
            faults: Faults::default(),
            exchanges: Vec::new(),
            violations: Vec::new(),
            hooks: Vec::new(),
            pages: 0,
            rejections: 0,
            holds: false,
            holds_tokens: false,
            not_before: None,
            events: Events::default(),
            last_event_request: None,
        }
    }

    /// The server's clock.
    pub fn now(&self) -> SystemTime {
        let skew = Duration::from_secs(self.settings.skew.unsigned_abs());
        if self.settings.skew < 0 {
            SystemTime::now() - skew
        } else {
            SystemTime::now() + skew
        }
    }

    /// The line of the `Date` header.
    pub fn date_line(&self) -> String {
        self.settings.date_header.line(self.now())
    }

    /// The server's clock in milliseconds since the epoch.
    pub fn now_ms(&self) -> i64 {
        let since = self.now().duration_since(UNIX_EPOCH).expect("after 1970");
        i64::try_from(since.as_millis()).expect("a time")
    }

    /// A page, and what was to be done after it.
    pub fn page(&mut self, query: &Query) -> Page {
        let page = if self.settings.permission == Permission::Blind {
            Store::default().page(query)
        } else {
            self.store.page(query)
        };
        self.pages += 1;
        let due = self.hooks.extract_if(.., |(count, _)| *count <= self.pages);
        for (_, hook) in due.collect::<Vec<_>>() {
            hook(&mut self.store);
        }
        page
    }

    /// Something that no program should have done.
    pub fn violate(&mut self, violation: String) {
        self.violations.push(violation);
    }

    /// Answers a request.
    pub fn handle(&mut self, request: Request) -> Answer {
        let mut answer = self.process(&request).unwrap_or_else(|refusal| {
            if let Some(reason) = refusal.violation {
                self.violate(format!("{} {}: {reason}", request.method, request.target));
            }
            refusal.answer
        });
        self.rejections += u64::from(matches!(answer.status, 401 | 403));
        if self.settings.gzip
            && !answer.is_encoded
            && !answer.body.is_empty()
            && request.header_holds("accept-encoding", "gzip")
        {
            answer.gzip();
        }
        self.holds |= answer.is_held;
        self.exchanges.push(Exchange {
            request,
            status: answer.status,
        });
        answer
    }

    fn process(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let route = self.route(request)?;
        self.check_headers(request, route)?;
        let method = if route == Route::Token { "POST" } else { "GET" };
        if request.method != method {
            return Err(Refusal::violation(405, format!("not {method}")));
        }
        let fault = if route.has_faults() {
            self.check_patience()?;
            self.faults.next(route == Route::Token)
        } else {
            None
        };
        let now = self.now();
        if let Some(fault) = &fault {
            self.not_before = fault.wait(now).map(|wait| Instant::now() + wait);
            let scene = Scene {
                foreign: &self.addresses.foreign,
                now,
            };
            if let Some(answer) = fault.instead(request, &scene) {
                return Ok(answer);
            }
        }
        let repeated = self.settings.repeats || fault == Some(Fault::RepeatedPage);
        let mut result = match route {
            Route::Organization => self.organization(request, fault.as_ref()),
            route => self.answer(route, request, repeated),
        };
        if let Some(fault) = &fault {
            let answer = match &mut result {
                Ok(answer) => answer,
                Err(refusal) => &mut refusal.answer,
            };
            fault.bend(answer, now);
        }
        result
    }

    fn route(&self, request: &Request) -> Result<Route, Refusal> {
        let found = match request.door {
            Door::Site => self.route_at_site(&request.path),
            Door::Api => self.route_at_gateway(&request.path),
            Door::Auth => match request.path.as_str() {
                "/authorize" => Some(Route::Consent),
                "/oauth/token" => Some(Route::Token),
                _ => None,
            },
            Door::Foreign => None,
        };
        found.ok_or_else(|| {
            if self.settings.tolerated.contains(&request.path) {
                return Refusal::fair(Answer::html(404, "Not found"));
            }
            let mut refusal =
                Refusal::violation(404, format!("no such path at {:?}", request.door));
            refusal.answer = Answer::html(404, "Not found");
            refusal
        })
    }

    fn route_at_site(&self, path: &str) -> Option<Route> {
        if self.deployment == Deployment::Cloud {
            return match path {
                "/_edge/tenant_info" => Some(Route::TenantInfo),
                "/wiki/rest/api/audit" => Some(Route::Audit(Place::Site)),
                "/wiki/rest/api/audit/retention" => Some(Route::Retention(Place::Site)),
                _ => None,
            };
        }
        let is_old = self.deployment == Deployment::OldServer;
        match path.strip_prefix(&self.context)? {
            "/rest/api/audit" if is_old => Some(Route::Audit(Place::OldServer)),
            "/rest/api/audit/retention" if is_old => Some(Route::Retention(Place::OldServer)),
            "/rest/auditing/1.0/events" if is_old => Some(Route::NoSuchPlugin),
            "/rest/auditing/1.0/events" => Some(Route::Events),
            "/rest/api/user/current" => Some(Route::CurrentUser),
            "/login.action" => Some(Route::LoginPage),
            _ => None,
        }
    }

    fn route_at_gateway(&self, path: &str) -> Option<Route> {
        if self.deployment != Deployment::Cloud {
            return None;
        }
        if path == "/oauth/token/accessible-resources" {
            return Some(Route::Sites);
        }
        if path.starts_with(ORGANIZATIONS) && path.ends_with(EVENTS) {
            return Some(Route::Organization);
        }
        let rest = path.strip_prefix("/ex/confluence/")?;
        match rest.strip_prefix(&self.settings.cloud_id)? {
            "/wiki/rest/api/audit" => Some(Route::Audit(Place::Gateway)),
            "/wiki/rest/api/audit/retention" => Some(Route::Retention(Place::Gateway)),
            _ => None,
        }
    }

    fn check_headers(&self, request: &Request, route: Route) -> Result<(), Refusal> {
        let origin = match request.door {
            Door::Site => &self.addresses.site,
            Door::Api => &self.addresses.api,
            Door::Auth => &self.addresses.auth,
            Door::Foreign => &self.addresses.foreign,
        };
        let host = request.header("host").unwrap_or_default();
        // What only a proxy finds is here, too.
        let host = host.replace("wiki.example.test", "127.0.0.1");
        if format!("http://{host}") != *origin {
            return Err(Refusal::bad(format!("a Host that is not ours: {host:?}")));
        }
        // a browser asks for these
        if matches!(route, Route::Consent | Route::LoginPage) {
            return Ok(());
        }
        if request.method == "GET" && !request.body.is_empty() {
            return Err(Refusal::bad("a GET with a body"));
        }
        if request.header("user-agent").is_none_or(str::is_empty) {
            return Err(Refusal::bad("no User-Agent"));
        }
        if !request.header_holds("accept", "application/json")
            && !request.header_holds("accept", "*/*")
        {
            return Err(Refusal::violation(406, "no Accept that takes JSON"));
        }
        Ok(())
    }

    fn check_patience(&mut self) -> Result<(), Refusal> {
        let Some(not_before) = self.not_before.take() else {
            return Ok(());
        };
        let left = not_before.saturating_duration_since(Instant::now());
        if left > GRAIN {
            let reason = format!("came back {} ms too soon", left.as_millis());
            return Err(Refusal::violation(429, reason));
        }
        Ok(())
    }

    fn answer(
        &mut self,
        route: Route,
        request: &Request,
        repeated: bool,
    ) -> Result<Answer, Refusal> {
        match route {
            Route::TenantInfo => cloud::tenant_info(self, request),
            Route::Audit(place) => {
                cloud::authorize(self, request, place)?;
                cloud::audit(self, request, place, repeated)
            }
            Route::Retention(place) => {
                cloud::authorize(self, request, place)?;
                cloud::retention(request)
            }
            Route::Events => {
                data_center::authorize(self, request)?;
                data_center::events(self, request, repeated)
            }
            Route::CurrentUser => data_center::current_user(self, request),
            Route::LoginPage => Ok(data_center::login_page(self)),
            Route::NoSuchPlugin => Ok(Answer::html(404, "Page Not Found - Confluence")),
            Route::Consent => oauth::consent(self, request),
            Route::Token => oauth::token(self, request),
            Route::Sites => oauth::sites(self, request),
            Route::Organization => self.organization(request, None),
        }
    }

    fn organization(
        &mut self,
        request: &Request,
        fault: Option<&Fault>,
    ) -> Result<Answer, Refusal> {
        self.check_pace()?;
        let id = request.path.strip_prefix(ORGANIZATIONS);
        let id = id.and_then(|rest| rest.strip_suffix(EVENTS));
        let id = id.unwrap_or_default().to_owned();
        organization::events_stream(self, request, &id, fault)
    }

    /// Ten requests a minute, or as many as the answers say.
    fn check_pace(&mut self) -> Result<(), Refusal> {
        let limit = self.settings.organization.rate_limit.unwrap_or(10);
        let distance = Duration::from_secs(60) / limit;
        let last = self.last_event_request.replace(Instant::now());
        let since = last.map_or(distance, |last| last.elapsed());
        if since + GRAIN < distance {
            let reason = format!("{} ms after the request before", since.as_millis());
            return Err(Refusal::violation(429, reason));
        }
        Ok(())
    }
}

impl Route {
    /// Whether faults come over this request.
    fn has_faults(self) -> bool {
        match self {
            Self::Audit(_) | Self::Events | Self::Token | Self::Sites | Self::Organization => true,
            Self::TenantInfo
            | Self::Retention(_)
            | Self::CurrentUser
            | Self::LoginPage
            | Self::NoSuchPlugin
            | Self::Consent => false,
        }
    }
}
