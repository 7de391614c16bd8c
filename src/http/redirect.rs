//! Where a redirect to another origin leads, by its address alone: credentials do not go there.

use url::Url;

/// What is at the target of a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The same resource at another address: the site has moved.
    SameResource,
    /// A page on which people log in.
    Login,
    /// Another page: a login page of an unknown kind, a portal, or the start page of a site that has moved.
    OtherPage,
}

impl Target {
    /// What is at `to`, where `from` was asked for.
    ///
    /// A host's name says nothing: wikis stand at portal.example.com and auth.example.com, too.
    pub(super) fn of(from: &Url, to: &Url) -> Self {
        if is_same_resource(from, to) {
            Self::SameResource
        } else if has_login_path(to) || has_login_query(to) {
            Self::Login
        } else {
            Self::OtherPage
        }
    }
}

/// Whether both paths end alike: in what the API is called below a base URL, such as `rest/api/audit`.
fn is_same_resource(from: &Url, to: &Url) -> bool {
    const TAIL: usize = 2;
    let tail = |url: &Url| -> Vec<String> {
        let segments = segments(url);
        segments[segments.len().saturating_sub(TAIL)..].to_vec()
    };
    tail(from) == tail(to)
}

fn segments(url: &Url) -> Vec<String> {
    let segments = url.path().split('/').filter(|segment| !segment.is_empty());
    segments.map(str::to_ascii_lowercase).collect()
}

/// Segments of the paths at which single sign-on products and Atlassian's own applications log people in.
const LOGIN_SEGMENTS: [&str; 25] = [
    "adfs",
    "authenticate",
    "authentication",
    "authenticationendpoint",
    "authorize",
    "cas",
    "dologin",
    "idp",
    "log-in",
    "log_in",
    "login",
    "logon",
    "my.policy",
    "oauth",
    "oauth2",
    "oidc",
    "openid-connect",
    "saml",
    "saml2",
    "samlsso",
    "sign-in",
    "sign_in",
    "signin",
    "sso",
    "vdesk",
];

fn has_login_path(url: &Url) -> bool {
    segments(url).iter().any(|segment| {
        // `login.action`, `login.jsp`
        let stem = segment.split('.').next().unwrap_or_default();
        LOGIN_SEGMENTS.contains(&segment.as_str()) || LOGIN_SEGMENTS.contains(&stem)
    })
}

/// Whether it asks for a login as single sign-on protocols or Confluence itself do.
fn has_login_query(url: &Url) -> bool {
    let is_login = |(key, value): (&str, &str)| match key {
        "samlrequest" | "os_destination" | "redirect_uri" => true,
        "wa" => value.eq_ignore_ascii_case("wsignin1.0"),
        _ => false,
    };
    url.query_pairs()
        .any(|(key, value)| is_login((&key.to_ascii_lowercase(), &value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(to: &str) -> Target {
        let from = "https://old.example.com/confluence/rest/auditing/1.0/events?limit=1";
        Target::of(&Url::parse(from).unwrap(), &Url::parse(to).unwrap())
    }

    #[test]
    fn login_pages_are_known_by_their_paths_and_queries() {
        for url in [
            "https://id.atlassian.com/login?continue=x",
            "https://login.microsoftonline.com/common/oauth2/authorize",
            "https://wiki.example.com/plugins/servlet/samlsso?x=y",
            "https://corp.auth0.com/authorize?client_id=x",
            "https://vpn.example.com/my.policy",
            "https://fs.example.com/adfs/ls/?wa=wsignin1.0",
            "https://kc.example.com/auth/realms/corp/protocol/openid-connect/auth",
            "https://wiki.example.com/idp/profile/SAML2/Redirect",
            "https://example.com/users/sign_in",
            "https://wiki.example.com/login.action",
            "https://corp.okta.com/app/x?SAMLRequest=y",
            "https://sts.example.com/?wa=wsignin1.0&wtrealm=x",
            "https://accounts.example.com/v3?redirect_uri=x",
        ] {
            assert_eq!(of(url), Target::Login, "{url}");
        }
    }

    #[test]
    fn the_same_resource_elsewhere_is_no_login_page_whatever_the_host_and_context_path() {
        for url in [
            "https://portal.example.com/wiki/rest/auditing/1.0/events?limit=1",
            "https://login.example.com/rest/auditing/1.0/events",
            "https://new.example.com/auth/Rest/Auditing/1.0/events/",
            "https://sso.example.com/realms/rest/auditing/1.0/events",
        ] {
            assert_eq!(of(url), Target::SameResource, "{url}");
        }
    }

    #[test]
    fn a_page_that_may_be_anything_is_called_neither() {
        for url in [
            "https://portal.example.com/wiki",
            "https://auth.example.com/",
            "http://captive.example.net/guest",
            "https://authors.example.com/authors/logins",
            "https://portal.example.com/cassandra",
        ] {
            assert_eq!(of(url), Target::OtherPage, "{url}");
        }
    }
}
