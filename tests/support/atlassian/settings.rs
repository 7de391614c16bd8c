//! What a test can set, at any time.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::organization::Organization;

/// The server's settings and secrets.
#[expect(clippy::struct_excessive_bools, reason = "switches")]
#[derive(Clone, Debug)]
pub struct Settings {
    // -- all deployments
    /// whether a credential that is accepted may read the log
    pub permission: Permission,
    /// `scheme://host:port` of the links in answers; the foreign host unless it is set
    pub canonical: String,
    /// whether answers are compressed for those who accept it
    pub gzip: bool,
    /// whether bodies are sent in chunks
    pub chunked: bool,
    /// whether every page is the first one again
    pub repeats: bool,
    /// whether the range that is asked for is ignored
    pub ignores_range: bool,
    /// what the `Date` header and the records of searches are off by, in seconds
    pub skew: i64,
    pub date_header: DateHeader,
    /// paths that may be asked for in vain
    pub tolerated: Vec<String>,

    // -- Cloud, and the old Server's paging
    pub email: String,
    /// a classic API token: good at the site only
    pub api_token: String,
    /// a scoped API token: good at the gateway only
    pub scoped_token: String,
    /// what the scoped token is good for
    pub scoped_token_scope: String,
    pub cloud_id: String,
    /// whether `_edge/tenant_info` is blocked, with 404
    pub hides_cloud_id: bool,
    /// the fixed system limit of a page
    pub page_maximum: u64,
    pub next_link: NextLink,
    /// whether `size` is the total, as seen, or the page's
    pub size_is_total: bool,

    // -- Data Center and the old Server
    pub username: String,
    pub password: String,
    pub pat: String,
    pub user_key: String,
    pub display_name: String,
    /// whether every search is recorded
    pub records_searches: bool,
    /// how many records it looks at for a page: the page may be shorter than asked for, and not the last
    pub scan_maximum: u64,
    pub paging: Paging,
    /// whether those who are not logged in are sent to a login page
    pub login_page: bool,
    /// the header with which the login page says that a CAPTCHA is to be solved
    pub captcha: Option<(&'static str, &'static str)>,

    pub organization: Organization,

    // -- OAuth
    pub client_id: String,
    pub client_secret: String,
    /// where the browser is sent back to; any place, without
    pub redirect_uri: Option<String>,
    /// what is granted, whatever is asked for
    pub granted_scope: String,
    /// what an answer says of the access token's life, in seconds
    pub expires_in: u64,
    /// how long the access token is really good
    pub access_token_life: Duration,
    /// whether a refresh brings no new refresh token; the old one stays good
    pub omits_refresh_token: bool,
    /// whether the user says no
    pub denies_consent: bool,
    /// more sites (cloud id, name, scopes) that the grant is good for
    pub more_sites: Vec<(String, String, Vec<String>)>,
    /// the sites that the grant is good for, in place of all others
    pub sites: Option<Value>,
    /// the account that access tokens tell of
    pub account: Option<String>,
    /// the directory that tokens must be in before they are used
    pub state_dir: Option<PathBuf>,
}

/// What an accepted credential may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    Administrator,
    /// 403
    Forbidden,
    /// 200 without a record, as has been seen
    Blind,
}

/// How the `Date` header looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateHeader {
    /// the server's clock, as the standard has it
    Clock,
    /// the same in lower case
    LowerCase,
    /// there is none
    Missing,
    /// whatever the clock shows
    Text(&'static str),
}

impl DateHeader {
    /// The line of the header.
    pub fn line(self, now: SystemTime) -> String {
        let now = httpdate::fmt_http_date(now);
        match self {
            Self::Clock => format!("Date: {now}\r\n"),
            Self::LowerCase => format!("date: {}\r\n", now.to_lowercase()),
            Self::Missing => String::new(),
            Self::Text(text) => format!("Date: {text}\r\n"),
        }
    }
}

/// How Cloud's `_links.next` looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextLink {
    /// a path without `/wiki`, as the real one
    Path,
    /// a URL with another host
    Url,
    /// a path with an opaque `cursor` instead of `start`
    Cursor,
    /// no `_links` at all
    Nothing,
    /// `_links` without `next`, on full pages too
    Never,
    /// a path, on the last page too
    Always,
}

/// How Data Center's pages are continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    Cursor,
    /// `offset` only: `pageCursor` is unknown
    Offset,
    /// as `Cursor`, but only the link says where the next page is
    Link,
    /// as `Offset`, but an answer says no more than `lastPage`
    Unnamed,
    /// as `Offset`, but every answer has that JSON in place of its own
    Text(&'static str),
}

impl Settings {
    pub fn new(foreign: &str) -> Self {
        Self {
            permission: Permission::Administrator,
            canonical: foreign.to_owned(),
            gzip: true,
            chunked: false,
            repeats: false,
            ignores_range: false,
            skew: 0,
            date_header: DateHeader::Clock,
            tolerated: Vec::new(),
            email: "admin@example.com".to_owned(),
            api_token: "ATATT3xFfGF0-classic-token=1A2B3C4D".to_owned(),
            scoped_token: "ATATT3xFfGF0-scoped-token=5E6F7A8B".to_owned(),
            scoped_token_scope: "read:audit-log:confluence".to_owned(),
            cloud_id: "11223344-a1b2-4c3d-8e9f-0123456789ab".to_owned(),
            hides_cloud_id: false,
            page_maximum: 1000,
            next_link: NextLink::Path,
            size_is_total: true,
            username: "audit.reader".to_owned(),
            password: "pass:word with ü".to_owned(),
            pat: "MDM0NjQ4NTY3ODkxOpersonal+access/token".to_owned(),
            user_key: "2c9580827d4a06e8017d4a07c3e1beef".to_owned(),
            display_name: "Audit Reader".to_owned(),
            records_searches: true,
            scan_maximum: u64::MAX,
            paging: Paging::Cursor,
            login_page: false,
            captcha: None,
            organization: Organization::default(),
            client_id: "client-0001".to_owned(),
            client_secret: "ATOA-client-secret+/=".to_owned(),
            redirect_uri: Some("http://127.0.0.1:8917/callback".to_owned()),
            granted_scope: "read:audit-log:confluence offline_access".to_owned(),
            expires_in: 3600,
            access_token_life: Duration::from_secs(3600),
            omits_refresh_token: false,
            denies_consent: false,
            more_sites: Vec::new(),
            sites: None,
            account: None,
            state_dir: None,
        }
    }
}
