//! Programs whose metrics are asked for.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::atlassian::{Atlassian, cloud_record};
use crate::support::binary::{command, wait_until};
use crate::support::fetching::{Fetching, SINCE, START, Way};
use crate::support::metrics::Metrics;
use crate::support::place::{Follower, Place};
use crate::support::search::{Kind, Search};

/// Where the metrics of a program are that serves them at a port of the system's choice.
pub fn address(place: &Place) -> String {
    let find = || {
        let said = place.said();
        let (_, rest) = said.rsplit_once("serving metrics at http://")?;
        let (address, _) = rest.split_once("/metrics\n")?;
        Some(address.to_owned())
    };
    wait_until("the address of the metrics", || find().is_some());
    find().expect("an address")
}

/// Waits until the metrics are so.
pub fn wait_for(address: &str, what: &str, is_so: impl Fn(&Metrics) -> bool) -> Metrics {
    let mut found = Metrics::default();
    wait_until(what, || {
        found = Metrics::of(address);
        is_so(&found)
    });
    found
}

/// A follower that serves its metrics, and their address.
pub fn follow(place: &Place) -> (Follower, String) {
    let follower = place.start_command(place.tail_to_file(&["--metrics-listen", "0"]));
    let address = address(place);
    (follower, address)
}

/// A service with a log that goes to a file, `wiki`, and a site that goes to a cluster, `cloud`.
pub struct Service {
    pub place: Place,
    pub fetching: Fetching,
    pub search: Search,
}

impl Service {
    /// With ten records at the site.
    pub fn new() -> Self {
        let fetching = Fetching::of(Atlassian::cloud(), Way::Grant);
        fetching.login();
        let records = (0..10).map(|n| cloud_record(START + n * 1000, n.unsigned_abs()));
        fetching.server.insert_all(records);
        Self {
            place: Place::new(&["*.log"]).loud(),
            fetching,
            search: Search::new(Kind::Elasticsearch),
        }
    }

    fn config(&self) -> PathBuf {
        self.place.folder().join("config.toml")
    }

    /// Writes the configuration, with more at the end of the table of each source.
    pub fn configure(&self, wiki: &str, cloud: &str) {
        let text = format!(
            r#"
state_dir = "{state}"
metrics_listen = "0"
metrics_file = "{folder}/metrics.prom"

[mapping]
geoip_city = "testdata/geoip/confluence-ecs-city.mmdb"
geoip_asn = "testdata/geoip/confluence-ecs-asn.mmdb"

[[source]]
name = "wiki"
type = "tail"
paths = ["{folder}/logs/*.log"]
poll_interval = "50ms"
output = {{ file = "{folder}/out.ndjson" }}
{wiki}

[[source]]
name = "cloud"
type = "fetch"
cloud_id = "{cloud_id}"
api_base = "{api}"
auth_base = "{auth}"
since = "{SINCE}"
interval = "200ms"
output = {{ elasticsearch_url = "{search}" }}
{cloud}
"#,
            state = self.fetching.state().display(),
            folder = self.place.folder().display(),
            cloud_id = self.fetching.server.settings().cloud_id,
            api = self.fetching.server.api_base(),
            auth = self.fetching.server.auth_base(),
            search = self.search.url(),
        );
        fs::write(self.config(), text).expect("written");
    }

    /// Starts it.
    pub fn start(&self) -> (Follower, String) {
        let mut run: Command = command(["run", "--config"]);
        run.arg(self.config()).env_remove("NOTIFY_SOCKET");
        let secret = self.fetching.server.settings().client_secret;
        run.env("CONFLUENCE_OAUTH_CLIENT_SECRET", secret);
        let follower = self.place.start_command(run);
        let address = address(&self.place);
        (follower, address)
    }
}
