//! Which API is asked, where it is, and how a question to it reads (docs/sources.md).

use url::Url;

use super::identity::{self, SiteIdentity};
use super::window::Window;
use crate::http::address::{below, trimmed};
use crate::pipeline::dialect::Dialect;

/// The audit APIs that Confluence has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Confluence Cloud: `{base}/rest/api/audit`.
    Cloud,
    /// Data Center: `{base}/rest/auditing/1.0/events`.
    DataCenter,
    /// Server before 7.5: `{base}/rest/api/audit`.
    Server,
}

impl Api {
    /// The dialect of its records, where nothing in a record is needed to tell it.
    #[must_use]
    pub fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Cloud | Self::Server => Some(Dialect::CLOUD),
            Self::DataCenter => None,
        }
    }

    /// How many records it is asked for, where so many are wanted.
    #[must_use]
    pub fn limit(self, wanted: usize) -> usize {
        match self {
            Self::Cloud | Self::DataCenter => wanted,
            Self::Server => wanted.min(SERVER_LIMIT),
        }
    }
}

/// Kind of deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deployment {
    /// Confluence Cloud, by the site's own address.
    CloudSite,
    /// Confluence Cloud, through Atlassian's gateway.
    CloudGateway,
    /// Confluence Data Center, or Server.
    DataCenter,
}

/// A Confluence site, by the base URL of its API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What the paths of the API follow: `https://acme.atlassian.net/wiki`, without a slash at the end.
    pub base: Url,
    /// Kind of deployment.
    pub deployment: Deployment,
    /// The site's own address, where that is known of one behind the gateway.
    pub address: Option<Url>,
}

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask<'a> {
    /// The most records to give.
    pub limit: usize,
    /// The offset, or parameters that the server gave.
    pub from: PageStart<'a>,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart<'a> {
    /// At that record, counted from the newest.
    Offset(u64),
    /// Where these parameters lead to.
    Parameters(&'a [(String, String)]),
}

/// Old Server gives at most so many records.
const SERVER_LIMIT: usize = 1000;

impl Site {
    /// A Cloud site at an address with or without `/wiki`.
    #[must_use]
    pub fn cloud(url: &Url) -> Self {
        let mut base = trimmed(url);
        let path = base.path().trim_end_matches('/').to_owned();
        if !path.ends_with("/wiki") {
            base.set_path(&format!("{path}/wiki"));
        }
        Self {
            base,
            deployment: Deployment::CloudSite,
            address: None,
        }
    }

    /// A Cloud site by its cloud id, behind the gateway.
    #[must_use]
    pub fn gateway(api_base: &Url, cloud_id: &str) -> Self {
        Self {
            base: below(api_base, &format!("ex/confluence/{cloud_id}/wiki")),
            deployment: Deployment::CloudGateway,
            address: None,
        }
    }

    /// The same, which is known to have that address of its own.
    #[must_use]
    pub fn with_address(self, url: &Url) -> Self {
        Self {
            address: Some(url.clone()),
            ..self
        }
    }

    /// A Data Center at its base URL, with its context path.
    #[must_use]
    pub fn data_center(url: &Url) -> Self {
        Self {
            base: trimmed(url),
            deployment: Deployment::DataCenter,
            address: None,
        }
    }

    /// The API to try first.
    #[must_use]
    pub fn api(&self) -> Api {
        match self.deployment {
            Deployment::CloudSite | Deployment::CloudGateway => Api::Cloud,
            Deployment::DataCenter => Api::DataCenter,
        }
    }

    /// A path below the base.
    #[must_use]
    pub fn path(&self, path: &str) -> Url {
        below(&self.base, path)
    }

    /// The site's name in reports and for `state`: its own address without the `/wiki` of Cloud, if it is
    /// known, else the base.
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(address) = &self.address {
            return Self::cloud(address).name();
        }
        let base = self.base.as_str().trim_end_matches('/');
        match self.deployment {
            Deployment::CloudSite => base.strip_suffix("/wiki").unwrap_or(base).to_owned(),
            Deployment::CloudGateway | Deployment::DataCenter => base.to_owned(),
        }
    }

    /// The cloud id of a site behind the gateway.
    #[must_use]
    pub fn cloud_id(&self) -> Option<&str> {
        match self.deployment {
            Deployment::CloudGateway => self.base.path().rsplit('/').nth(1),
            Deployment::CloudSite | Deployment::DataCenter => None,
        }
    }

    /// What is known of which site it is.
    #[must_use]
    pub fn identity(&self) -> SiteIdentity {
        let name = self.name();
        let own = match self.deployment {
            Deployment::CloudGateway => self.address.as_ref().map(|_| &name),
            Deployment::CloudSite | Deployment::DataCenter => Some(&name),
        };
        let own = own.and_then(|own| Url::parse(own).ok());
        SiteIdentity {
            cloud_id: self.cloud_id().map(str::to_ascii_lowercase),
            addresses: own.iter().map(identity::normalized).collect(),
            is_data_center: self.deployment == Deployment::DataCenter,
            name,
        }
    }

    /// The URL that asks an API for a page of a window.
    #[must_use]
    pub fn question(&self, api: Api, window: Window, search: Option<&str>, ask: &Ask<'_>) -> Url {
        let (path, names) = match api {
            Api::Cloud | Api::Server => ("rest/api/audit", &CLOUD),
            Api::DataCenter => ("rest/auditing/1.0/events", &DATA_CENTER),
        };
        let (from, to) = match api {
            Api::Cloud | Api::Server => (millis(window.from), millis(window.to)),
            Api::DataCenter => (window.from.to_string(), window.to.to_string()),
        };
        let limit = api.limit(ask.limit);
        let mut url = self.path(path);
        let mut query = url.query_pairs_mut();
        query.append_pair(names.from, &from);
        query.append_pair(names.to, &to);
        if let Some(search) = search {
            query.append_pair(names.search, search);
        }
        query.append_pair("limit", &limit.to_string());
        match ask.from {
            PageStart::Offset(offset) => {
                query.append_pair(names.offset, &offset.to_string());
            }
            PageStart::Parameters(parameters) => {
                let ours = [names.from, names.to, names.search, "limit"];
                let theirs = parameters.iter();
                let theirs = theirs.filter(|(key, _)| !ours.contains(&key.as_str()));
                query.extend_pairs(theirs);
            }
        }
        drop(query);
        url
    }
}

/// The parameters of an API.
struct ParameterNames {
    from: &'static str,
    to: &'static str,
    search: &'static str,
    offset: &'static str,
}

const CLOUD: ParameterNames = ParameterNames {
    from: "startDate",
    to: "endDate",
    search: "searchString",
    offset: "start",
};

const DATA_CENTER: ParameterNames = ParameterNames {
    from: "from",
    to: "to",
    search: "search",
    offset: "offset",
};

fn millis(time: crate::pipeline::timestamp::Timestamp) -> String {
    time.millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::timestamp::Timestamp;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn asked(site: &Site, api: Api, from: PageStart<'_>) -> String {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let window = Window {
            from: at(0),
            to: at(1500),
        };
        let ask = Ask { limit: 5000, from };
        site.question(api, window, Some("a b"), &ask).into()
    }

    #[test]
    fn a_site_is_named_in_many_ways() {
        for text in [
            "https://acme.atlassian.net",
            "https://acme.atlassian.net/",
            "https://ACME.atlassian.net/wiki",
            "https://acme.atlassian.net/wiki/",
        ] {
            let site = Site::cloud(&url(text));
            assert_eq!(site.base.as_str(), "https://acme.atlassian.net/wiki");
            assert_eq!(site.name(), "https://acme.atlassian.net");
        }
        let site = Site::data_center(&url("http://host:8090/confluence/"));
        assert_eq!(site.name(), "http://host:8090/confluence");
        assert_eq!(Site::data_center(&url("http://host")).name(), "http://host");
    }

    #[test]
    fn each_api_is_asked_in_its_own_words() {
        let cloud = Site::gateway(&url("https://api.atlassian.com"), "id-1");
        assert_eq!(
            asked(&cloud, Api::Cloud, PageStart::Offset(7)),
            "https://api.atlassian.com/ex/confluence/id-1/wiki/rest/api/audit?startDate=0&endDate=1500\
             &searchString=a+b&limit=5000&start=7"
        );
        let theirs = [
            ("startDate".to_owned(), "9".to_owned()),
            ("cursor".to_owned(), "x&y".to_owned()),
        ];
        assert_eq!(
            asked(&cloud, Api::Cloud, PageStart::Parameters(&theirs)),
            "https://api.atlassian.com/ex/confluence/id-1/wiki/rest/api/audit?startDate=0&endDate=1500\
             &searchString=a+b&limit=5000&cursor=x%26y"
        );
        let own = Site::data_center(&url("https://host/c"));
        assert_eq!(
            asked(&own, Api::DataCenter, PageStart::Offset(0)),
            "https://host/c/rest/auditing/1.0/events?from=1970-01-01T00%3A00%3A00.000Z\
             &to=1970-01-01T00%3A00%3A01.500Z&search=a+b&limit=5000&offset=0"
        );
        assert!(asked(&own, Api::Server, PageStart::Offset(0)).contains("limit=1000&start=0"));
    }
}
