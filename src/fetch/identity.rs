//! Which site a state is of, whatever the address that it is reached by (docs/fetch.md, "What it keeps").

use url::Url;

/// A site: its cloud id, where it is known, and the addresses that are known to be its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteIdentity {
    /// Name of the site in reports and for `state`.
    pub name: String,
    /// Cloud id, in lower case.
    pub cloud_id: Option<String>,
    /// Addresses without scheme, as [`normalized`].
    pub addresses: Vec<String>,
    /// Whether it has no cloud id.
    pub is_data_center: bool,
}

impl SiteIdentity {
    /// The site of which nothing is known but the base URL that it was reached by, which is its name, too.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let cloud_id = cloud_id_in(name);
        let address = normalized_text(name).filter(|_| cloud_id.is_none());
        Self {
            name: name.to_owned(),
            cloud_id,
            addresses: address.into_iter().collect(),
            is_data_center: false,
        }
    }

    /// What tells this site from all others.
    #[must_use]
    pub fn key(&self) -> &str {
        let address = self.addresses.first();
        let key = self.cloud_id.as_ref().or(address);
        key.unwrap_or(&self.name)
    }

    /// Whether both are known to be one site.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (&self.cloud_id, &other.cloud_id) {
            (Some(own), Some(other)) => own == other,
            _ => self.shares_address(other),
        }
    }

    /// Whether both are known to be two sites.
    #[must_use]
    pub fn is_not(&self, other: &Self) -> bool {
        match (&self.cloud_id, &other.cloud_id) {
            (Some(own), Some(other)) => own != other,
            (Some(_), None) => other.is_data_center,
            (None, Some(_)) => self.is_data_center,
            (None, None) => false,
        }
    }

    /// Whether an address of the one is one of the other.
    #[must_use]
    pub fn shares_address(&self, other: &Self) -> bool {
        let mut addresses = self.addresses.iter();
        addresses.any(|address| other.addresses.contains(address))
    }

    /// Takes note of another address.
    pub fn add_address(&mut self, address: &str) {
        if !self.addresses.iter().any(|known| known == address) {
            self.addresses.push(address.to_owned());
        }
    }

    /// Whether a name that a user gives is this site's: an address, a cloud id, or the gateway's URL of it.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        let id = cloud_id_in(name).unwrap_or_else(|| name.to_ascii_lowercase());
        let is_own = |text: &str| {
            normalized_text(text).is_some_and(|address| self.addresses.contains(&address))
        };
        let bare = name.trim_end_matches('/').strip_suffix("/wiki");
        // What is no address is an id.
        let has_id_alone = self.addresses.is_empty();
        self.name == name
            || has_id_alone && self.name.eq_ignore_ascii_case(name)
            || self.cloud_id.as_deref() == Some(id.as_str())
            || is_own(name)
            || bare.filter(|_| !self.is_data_center).is_some_and(is_own)
    }
}

/// An address without what may differ for one and the same site: the scheme, its default port, the case of
/// the host, and a dot or slash at the end.
#[must_use]
pub fn normalized(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let port = match url.port() {
        // The default of the other scheme.
        None | Some(80 | 443) => String::new(),
        Some(port) => format!(":{port}"),
    };
    let path = url.path().trim_end_matches('/');
    format!("{}{port}{path}", host.to_ascii_lowercase())
}

fn normalized_text(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    url.has_host().then(|| normalized(&url))
}

/// The cloud id in the URL of the gateway.
fn cloud_id_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("/ex/confluence/")?;
    let id = rest.split('/').next()?;
    (!id.is_empty()).then(|| id.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_site_has_one_address() {
        for (text, expected) in [
            ("https://ACME.atlassian.net/", "acme.atlassian.net"),
            ("http://acme.atlassian.net.", "acme.atlassian.net"),
            (
                "https://wiki.example.com:443/confluence/",
                "wiki.example.com/confluence",
            ),
            (
                "http://wiki.example.com:443/confluence",
                "wiki.example.com/confluence",
            ),
            ("http://wiki.example.com:8090", "wiki.example.com:8090"),
            ("http://[::1]:80/", "[::1]"),
        ] {
            assert_eq!(normalized_text(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(normalized_text("acme"), None);
    }

    #[test]
    fn a_state_of_an_earlier_version_says_which_site_it_is_of() {
        let of = SiteIdentity::of_name;
        let gateway = of("https://api.atlassian.com/ex/confluence/AB-1/wiki");
        assert_eq!(gateway.cloud_id.as_deref(), Some("ab-1"));
        let site = of("https://acme.atlassian.net");
        assert!(site.is(&of("http://acme.atlassian.net/")));
        assert!(!site.is(&gateway) && !site.is_not(&gateway), "who knows");
        for name in [
            "ab-1",
            "https://proxy.example.com/ex/confluence/ab-1/wiki/",
            "https://api.atlassian.com/ex/confluence/AB-1/wiki",
        ] {
            assert!(gateway.is_named(name), "{name}");
        }
        assert!(!gateway.is_named("https://acme.atlassian.net"));
        assert!(site.is_named("https://acme.atlassian.net/wiki/"));
    }
}
