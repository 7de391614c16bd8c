//! A strict stand-in for Confluence Cloud (site and gateway), Data Center, the old Server and
//! Atlassian's OAuth.
//!
//! ```ignore
//! let server = Atlassian::cloud();
//! server.insert_all((0..2500).map(|n| cloud_record(START + n * 1000, n as u64)));
//! server.set(|settings| settings.next_link = NextLink::Url);
//! server.next(Fault::Wait(429, Wait::Seconds(1)));     // the first request waits
//! server.after_request(2, |store| store.insert(cloud_record(START + 5, 9999)));
//! // … run `fetch --url server.url()` with settings().email and settings().api_token …
//! assert_eq!(server.pages(), 3);
//! // Dropped, the server fails the test if it was sent anything that no real server accepts.
//! ```
//!
//! There are four origins, each with a port of its own: the site (`url`), `api.atlassian.com`
//! (`api_base`), `auth.atlassian.com` (`auth_base`), and a foreign one, which answers' links name as
//! the canonical host and which nobody may contact. What no program should send is answered with 4xx
//! and recorded as a *violation*; a refused credential is none. A test that provokes a violation
//! takes it (`take_violations`) and looks at it.
//!
//! For OAuth, [`client::browse`] plays the browser: given the URL that `auth login` prints, it
//! returns the URL that the browser is sent back to. [`Atlassian::grant`] issues tokens without a
//! login.
//!
//! No test has to sleep: [`Fault::Hold`] keeps an answer back until `release`, `wait_for_requests`
//! and `wait_for_pages` return as soon as it is so, and hooks run before an answer is sent.

pub mod answer;
pub mod client;
mod cloud;
mod credential;
mod data_center;
mod faults;
mod http;
mod listener;
mod oauth;
pub mod organization;
mod parameters;
mod records;
mod settings;
mod store;
mod world;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use listener::Shared;
use world::{Addresses, Deployment, World};

pub use faults::{Fault, Wait};
pub use http::{Door, Request};
pub use oauth::{Grant, Plan};
pub use organization::NextCursor;
pub use records::{Event, cloud_record, data_center_record, late_event, organization_event};
pub use settings::{DateHeader, NextLink, Paging, Permission, Settings};
pub use store::{Record, Store};
pub use world::Exchange;

const DOORS: [Door; 4] = [Door::Site, Door::Api, Door::Auth, Door::Foreign];

/// How long something may take to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// The stand-in. It ends when it is dropped, and fails the test if anything was sent to it that no
/// real server accepts.
pub struct Atlassian {
    shared: Arc<Shared>,
    sockets: [SocketAddr; 4],
    threads: Vec<JoinHandle<()>>,
    addresses: Addresses,
    context: String,
}

impl Atlassian {
    /// Confluence Cloud.
    pub fn cloud() -> Self {
        Self::start(Deployment::Cloud, "")
    }

    /// Confluence Data Center under a context path such as `/confluence`, or none.
    pub fn data_center(context: &str) -> Self {
        Self::start(Deployment::DataCenter, context)
    }

    /// Confluence Server before 7.5.
    pub fn old_server(context: &str) -> Self {
        Self::start(Deployment::OldServer, context)
    }

    fn start(deployment: Deployment, context: &str) -> Self {
        let listeners =
            DOORS.map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a port of our own"));
        let sockets = listeners
            .each_ref()
            .map(|listener| listener.local_addr().expect("bound"));
        let [site, api, auth, foreign] = sockets.map(|socket| format!("http://{socket}"));
        let addresses = Addresses {
            site,
            api,
            auth,
            foreign,
        };
        let mut server = Self {
            shared: Shared::new(World::new(deployment, context, addresses.clone())),
            sockets,
            threads: Vec::new(),
            addresses,
            context: context.to_owned(),
        };
        server.listen(listeners);
        server
    }

    fn listen(&mut self, listeners: [TcpListener; 4]) {
        for (door, listener) in DOORS.into_iter().zip(listeners) {
            let shared = Arc::clone(&self.shared);
            self.threads.push(listener::listen(shared, door, listener));
        }
    }

    /// Nobody listens any more: connections are closed, and refused.
    pub fn go_down(&mut self) {
        self.shared.end(&self.sockets);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.shared.close_connections();
        self.shared.release();
    }

    /// Listens again after [`go_down`](Self::go_down), at the same ports, with the same records and
    /// tokens.
    pub fn come_back(&mut self) {
        self.shared.begin();
        let bind = |socket| TcpListener::bind(socket).expect("the port that was ours");
        self.listen(self.sockets.map(bind));
    }

    /// `--url`: the Cloud site, or the base URL of a server with its context path.
    pub fn url(&self) -> String {
        format!("{}{}", self.addresses.site, self.context)
    }

    /// `--api-base`
    pub fn api_base(&self) -> &str {
        &self.addresses.api
    }

    /// `--auth-base`
    pub fn auth_base(&self) -> &str {
        &self.addresses.auth
    }

    /// The origin that nobody may contact.
    pub fn foreign(&self) -> &str {
        &self.addresses.foreign
    }

    /// Changes settings, at any time.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.world().settings);
    }

    /// The settings as they are, credentials among them.
    pub fn settings(&self) -> Settings {
        self.shared.world().settings.clone()
    }

    /// Shifts the server's clock: the `Date` header and the records of searches.
    pub fn skew(&self, seconds: i64) {
        self.set(|settings| settings.skew = seconds);
    }

    /// Adds a record, however old it is.
    pub fn insert(&self, record: Record) {
        self.shared.world().store.insert(record);
    }

    /// Adds records.
    pub fn insert_all(&self, records: impl IntoIterator<Item = Record>) {
        let mut world = self.shared.world();
        for record in records {
            world.store.insert(record);
        }
    }

    /// Adds events of the organization, in the order in which they were processed.
    pub fn insert_events(&self, events: impl IntoIterator<Item = Event>) {
        let mut world = self.shared.world();
        for event in events {
            world.events.insert(event);
        }
    }

    /// The events of the organization, in the order in which they were processed.
    pub fn events(&self) -> Vec<Event> {
        self.shared.world().events.held().to_vec()
    }

    /// From now on, all cursors that were given are refused.
    pub fn expire_cursors(&self) {
        let mut world = self.shared.world();
        world.settings.organization.cursors_from = world.events.given();
    }

    /// Makes up `count` records on the fly, evenly from `first_ms` on over `span_ms`. Only into an
    /// empty store.
    pub fn make_up(&self, count: u64, first_ms: i64, span_ms: u64, make: fn(i64, u64) -> Record) {
        let mut world = self.shared.world();
        world.store.make_up(count, first_ms, span_ms, make);
    }

    /// The records that are held, oldest first; the server's own of searches among them.
    pub fn held(&self) -> Vec<Record> {
        self.shared.world().store.held()
    }

    /// Does something when so many more pages have been made, before the last of them is sent.
    pub fn after_request(&self, pages: u64, hook: impl FnOnce(&mut Store) + Send + 'static) {
        let mut world = self.shared.world();
        let due = world.pages + pages;
        world.hooks.push((due, Box::new(hook)));
    }

    /// The next request (audit or OAuth) that has no fault yet has this one.
    pub fn next(&self, fault: Fault) {
        self.shared.world().faults.order(fault);
    }

    /// From now on each such request has a fault with this probability, never more than three in a
    /// row; 0 ends it.
    pub fn flaky(&self, seed: u64, rate: f64) {
        self.shared.world().faults.draw_from(seed, rate);
    }

    /// The faults that happened.
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.world().faults.happened.clone()
    }

    /// How many ordered faults have not happened yet.
    pub fn faults_left(&self) -> usize {
        self.shared.world().faults.left()
    }

    /// Lets the answers go that are held ([`Fault::Hold`]).
    pub fn release(&self) {
        self.shared.release();
    }

    /// A grant, as if a login had been.
    pub fn grant(&self) -> Grant {
        let mut world = self.shared.world();
        let settings = world.settings.clone();
        world.tokens.grant(&settings)
    }

    /// Ends all access tokens.
    pub fn expire_access_tokens(&self) {
        self.shared.world().tokens.expire_access();
    }

    /// What happens to the next requests for tokens.
    pub fn plan(&self, plan: impl IntoIterator<Item = Plan>) {
        self.shared.world().tokens.plan.extend(plan);
    }

    /// How many plans have not happened yet.
    pub fn plans_left(&self) -> usize {
        self.shared.world().tokens.plan.len()
    }

    /// From now on requests for tokens wait before they are looked at, until
    /// [`release`](Self::release).
    pub fn hold_token_requests(&self) {
        self.shared.world().holds_tokens = true;
    }

    /// The `grant_type` of every request for tokens since that was forgotten.
    pub fn asked(&self) -> Vec<String> {
        self.shared.world().tokens.asked.clone()
    }

    /// Forgets what [`asked`](Self::asked) tells.
    pub fn forget_asked(&self) {
        self.shared.world().tokens.asked.clear();
    }

    /// From now on an access token is good that the test made up.
    pub fn accept_access_token(&self, token: &str) {
        let mut world = self.shared.world();
        let settings = world.settings.clone();
        world.tokens.accept(token, &settings);
    }

    /// Ends all access and refresh tokens.
    pub fn revoke_grant(&self) {
        self.shared.world().tokens.revoke();
    }

    /// The refresh tokens that are good: what the program has to have on its disk.
    pub fn good_refresh_tokens(&self) -> Vec<String> {
        self.shared.world().tokens.good_refresh_tokens()
    }

    /// How often tokens were refreshed.
    pub fn refreshes(&self) -> u64 {
        self.shared.world().tokens.refreshes
    }

    /// How often a refresh token came that had been used already.
    pub fn refresh_reuses(&self) -> u64 {
        self.shared.world().tokens.reuses
    }

    /// Every secret that there is: nobody may find one in a log or an output.
    pub fn secrets(&self) -> Vec<String> {
        let world = self.shared.world();
        let settings = &world.settings;
        let mut secrets = world.tokens.secrets.clone();
        secrets.extend([
            settings.api_token.clone(),
            settings.scoped_token.clone(),
            settings.password.clone(),
            settings.pat.clone(),
            settings.client_secret.clone(),
            settings.organization.key.clone(),
        ]);
        secrets
    }

    /// All requests so far and how they were answered.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.world().exchanges.clone()
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        let world = self.shared.world();
        let exchanges = world.exchanges.iter();
        exchanges.map(|exchange| exchange.request.clone()).collect()
    }

    /// The requests for a page of records, those with faults too.
    pub fn searches(&self) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| {
            [
                "/rest/api/audit",
                "/rest/auditing/1.0/events",
                "/events-stream",
            ]
            .iter()
            .any(|path| request.path.ends_with(path))
        });
        requests
    }

    /// How many pages of records have been made.
    pub fn pages(&self) -> u64 {
        self.shared.world().pages
    }

    /// How often a credential was refused.
    pub fn rejections(&self) -> u64 {
        self.shared.world().rejections
    }

    /// How many connections have been made.
    pub fn connections(&self) -> u64 {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Waits until so many requests have come, or fails. A held answer's request has come.
    pub fn wait_for_requests(&self, count: usize) {
        let is_waiting = |world: &mut World| world.exchanges.len() < count;
        self.wait_while(&format!("{count} requests"), is_waiting);
    }

    /// Waits until so many pages have been made, or fails.
    pub fn wait_for_pages(&self, count: u64) {
        self.wait_while(&format!("{count} pages"), |world| world.pages < count);
    }

    fn wait_while(&self, what: &str, is_waiting: impl FnMut(&mut World) -> bool) {
        let world = self.shared.world();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(world, PATIENCE, is_waiting)
            .expect("no panic");
        assert!(!waited.1.timed_out(), "waited too long for: {what}");
    }

    /// What was sent that no program should send. Whoever takes it has judged it.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.world().violations)
    }

    /// Fails if anything was sent that no program should send.
    pub fn assert_no_violations(&self) {
        let violations = self.shared.world().violations.clone();
        assert!(violations.is_empty(), "violations: {violations:#?}");
    }
}

impl Drop for Atlassian {
    fn drop(&mut self) {
        self.go_down();
        if !std::thread::panicking() {
            self.assert_no_violations();
        }
    }
}
