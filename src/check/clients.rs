//! What makes the requests of `check`, and what is asked to test a connection.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::fetch::connect::SiteLocation;
use crate::http::address::below;
use crate::http::{Client, Settings, SettingsError};

/// The user waits for `check`: fewer retries than in fetch, and shorter waits.
const MOST_RETRIES: u32 = 2;
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How long a connection may take, and the answer to the first question.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// What makes the requests.
pub struct Clients {
    /// Tests the connection, with short timeouts.
    pub brief: Client,
    /// Everything else: a Data Center may have to search for a while.
    pub patient: Arc<Client>,
}

impl Clients {
    /// Clients with these settings.
    ///
    /// # Errors
    /// When requests cannot be made so.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let patient = patient(settings);
        Ok(Self {
            brief: Client::new(&brief(&patient))?,
            patient: Arc::new(Client::new(&patient)?),
        })
    }
}

/// The settings of the patient client.
#[must_use]
pub fn patient(settings: Settings) -> Settings {
    Settings {
        retries: settings.retries.min(MOST_RETRIES),
        longest_wait: settings.longest_wait.min(LONGEST_WAIT),
        ..settings
    }
}

/// The settings of the brief client.
#[must_use]
pub fn brief(patient: &Settings) -> Settings {
    Settings {
        timeout: patient.timeout.min(LONGEST_CONNECT),
        ..patient.clone()
    }
}

/// URLs that respond without credentials and cause no audit records: to test the connection.
#[must_use]
pub fn probe_urls(place: &SiteLocation, api_base: &Url) -> Vec<Url> {
    let tenant = |url: &Url| {
        let mut root = url.clone();
        root.set_path("");
        below(&root, "_edge/tenant_info")
    };
    let gateway = probe_gateway(api_base);
    match place {
        SiteLocation::CloudSite(url) => vec![tenant(url)],
        SiteLocation::CloudIdOf(url) => vec![tenant(url), gateway],
        SiteLocation::CloudId(_) | SiteLocation::CloudOfLogin(_) => vec![gateway],
        SiteLocation::DataCenter(url) => vec![below(url, "rest/api/user/current")],
    }
}

/// The same of the gateway.
#[must_use]
pub fn probe_gateway(api_base: &Url) -> Url {
    below(api_base, "oauth/token/accessible-resources")
}
