//! Which proxy a request goes through: `--proxy`, else the variables that curl reads, as curl reads them
//! (docs/fetch.md, "Proxies").

mod bypass;
pub(super) mod forward;
pub(super) mod sign;

use std::ffi::OsString;

use ureq::ProxyProtocol;
use ureq::http::Uri;
use url::Url;

use self::bypass::Bypass;
use super::address::is_loopback;
use crate::secret::Secret;

/// The flag that names a proxy.
pub const FLAG: &str = "--proxy";
/// The variables of each scheme, the first that is set wins. There is no `HTTP_PROXY`: in a CGI program it is
/// a header that the client sends, so curl leaves it alone, too.
const HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const HTTP: [&str; 3] = ["http_proxy", "all_proxy", "ALL_PROXY"];
/// The hosts to connect to directly.
const NONE: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// What a proxy's URL is like.
const EXPECTED: &str = "expected the URL of a proxy, such as http://proxy.example.com:3128 or \
    socks5h://proxy.example.com:1080 (http, https, socks4, socks4a, socks5 or socks5h; special characters of a user \
    name or password percent-encoded)";
/// Everybody on the machine can read arguments.
const NO_PASSWORD: &str = "a password does not belong in an argument, which other users can see: pass \
    --proxy http://USER@HOST:PORT and the password by --proxy-password-file FILE, CONFLUENCE_ECS_PROXY_PASSWORD or \
    the systemd credential proxy-password, or set HTTPS_PROXY instead";

/// Why a proxy cannot be used. Its URL is not quoted: it may have a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no URL of a proxy.
    #[error("{0}: {EXPECTED}")]
    Url(&'static str),
    /// A password in the flag.
    #[error("{FLAG}: {NO_PASSWORD}")]
    Password,
    /// A password for nobody.
    #[error("--proxy-password-file: the URL of the proxy has no user name, or there is no proxy")]
    NoUser,
}

/// A proxy, and where it is configured.
#[derive(Clone)]
pub struct Proxy {
    /// As the HTTP library takes it, with its password.
    pub(super) inner: ureq::Proxy,
    /// Its URL without user and password, for messages.
    pub name: String,
    /// The flag or variable that names it.
    pub setting: &'static str,
}

impl Proxy {
    /// Reads the URL of a proxy; without a scheme it is an HTTP proxy's.
    fn read(text: &str, setting: &'static str) -> Result<Self, Error> {
        let wrong = |_| Error::Url(setting);
        let url = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        // Two readers must agree: of what only one of them accepts, the other may see another host.
        let checked = Url::parse(&url).map_err(|_| Error::Url(setting))?;
        let inner = ureq::Proxy::new(&url).map_err(wrong)?;
        let known = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
        let host = checked.host_str().unwrap_or_default();
        let has_path = !matches!(checked.path(), "" | "/");
        let has_more = has_path || checked.query().is_some() || checked.fragment().is_some();
        if has_more
            || !known.contains(&checked.scheme())
            || host.is_empty()
            || !host.eq_ignore_ascii_case(inner.host())
        {
            return Err(Error::Url(setting));
        }
        let name = format!("{}://{}:{}", checked.scheme(), inner.host(), inner.port());
        Ok(Self {
            inner,
            name,
            setting,
        })
    }

    /// With a password for its user, if it has none yet or that is another's by a flag.
    fn with_password(self, password: &Secret, is_flag: bool) -> Result<Self, Error> {
        let Some(user) = self.inner.username() else {
            return Ok(self);
        };
        if !is_flag && self.inner.password().is_some_and(|own| !own.is_empty()) {
            return Ok(self);
        }
        let inner = ureq::Proxy::builder(self.inner.protocol())
            .host(self.inner.host())
            .port(self.inner.port())
            .username(user)
            .password(password.expose())
            .resolve_target(self.inner.resolve_target())
            .build();
        let inner = inner.map_err(|_| Error::Url(self.setting))?;
        Ok(Self { inner, ..self })
    }

    /// Whether it passes requests on, rather than connections: HTTP proxies do so where nothing is encrypted.
    #[must_use]
    pub(super) fn is_http(&self) -> bool {
        matches!(
            self.inner.protocol(),
            ProxyProtocol::Http | ProxyProtocol::Https
        )
    }

    /// The scheme of its URL.
    #[must_use]
    pub(super) fn scheme(&self) -> &str {
        self.name.split(':').next().unwrap_or_default()
    }

    /// Whether it is asked for with a user name.
    #[must_use]
    pub(super) fn has_user(&self) -> bool {
        self.inner.username().is_some()
    }

    /// Its password, and the pair that its header is made of, which no message may show.
    #[must_use]
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let user = self.inner.username().unwrap_or_default();
        let password = self.inner.password().filter(|text| !text.is_empty());
        let both = password.map(|text| [text.to_owned(), format!("{user}:{text}")]);
        both.into_iter().flatten().map(Secret::new).collect()
    }

    /// Its URL for the HTTP library.
    #[must_use]
    pub(super) fn uri(&self) -> &Uri {
        self.inner.uri()
    }
}

/// Checks the value of `--proxy`.
///
/// # Errors
/// What is expected, when it is no URL of a proxy, or has a password in it.
pub fn check_flag(text: &str) -> Result<(), &'static str> {
    flag(text).map(drop).map_err(|error| match error {
        Error::Password => NO_PASSWORD,
        Error::Url(_) | Error::NoUser => EXPECTED,
    })
}

fn flag(text: &str) -> Result<Proxy, Error> {
    let proxy = Proxy::read(text, FLAG)?;
    match proxy.inner.password() {
        Some(_) => Err(Error::Password),
        None => Ok(proxy),
    }
}

/// The proxy of a scheme. One that cannot be used is an error where a request would go through it.
type Slot = Result<Option<Proxy>, Error>;

/// The proxies of each scheme.
pub(super) struct Proxies {
    http: Slot,
    https: Slot,
    bypass: Bypass,
    /// Whether the environment has `HTTP_PROXY`.
    has_upper_case: bool,
}

impl Proxies {
    /// From the flag, else the environment; with the password for who has none in the URL. `is_needed`: the
    /// password is for nobody else.
    ///
    /// # Errors
    /// When the flag is not understood, or the password is for nobody.
    pub fn new(
        argument: Option<&str>,
        password: Option<&(Secret, bool)>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let set =
            |name: &&'static str| Some((*name, variable(name).filter(|text| !text.is_empty())?));
        let first = |names: &[&'static str]| {
            let Some((name, value)) = names.iter().find_map(set) else {
                return Ok(None);
            };
            let text = value.into_string().map_err(|_| Error::Url(name))?;
            Proxy::read(text.trim(), name).map(Some)
        };
        let mut proxies = match argument {
            // The flag wins over all of the environment: it holds for every host.
            Some(text) => {
                let proxy = Some(flag(text)?);
                Self {
                    http: Ok(proxy.clone()),
                    https: Ok(proxy),
                    bypass: Bypass::default(),
                    has_upper_case: false,
                }
            }
            None => Self {
                http: first(&HTTP),
                https: first(&HTTPS),
                bypass: NONE
                    .iter()
                    .find_map(set)
                    .map(|(_, list)| Bypass::read(&list.to_string_lossy()))
                    .unwrap_or_default(),
                has_upper_case: set(&"HTTP_PROXY").is_some(),
            },
        };
        if let Some((password, is_needed)) = password {
            let has_user = |slot: &Slot| match slot {
                Ok(proxy) => proxy.as_ref().is_some_and(Proxy::has_user),
                Err(_) => true,
            };
            if *is_needed && !has_user(&proxies.http) && !has_user(&proxies.https) {
                return Err(Error::NoUser);
            }
            let add = |slot: Slot| match slot? {
                Some(proxy) => proxy.with_password(password, *is_needed).map(Some),
                None => Ok(None),
            };
            proxies.http = add(proxies.http);
            proxies.https = add(proxies.https);
        }
        Ok(proxies)
    }

    /// Whether other programs than curl would use `HTTP_PROXY` for a URL that is asked directly.
    #[must_use]
    pub fn ignores_variable(&self, url: &Url) -> bool {
        let is_meant = self.has_upper_case && url.scheme() == "http" && !is_loopback(url);
        is_meant && matches!(self.http, Ok(None)) && !self.bypass.covers(url)
    }

    /// The proxy for a URL; none: directly.
    ///
    /// # Errors
    /// When the variable that names it is not understood: a request must not go another way than it was meant
    /// to.
    pub fn of(&self, url: &Url) -> Result<Option<&Proxy>, &Error> {
        if self.bypass.covers(url) {
            return Ok(None);
        }
        let slot = match url.scheme() {
            "https" => &self.https,
            _ => &self.http,
        };
        slot.as_ref().map(Option::as_ref)
    }

    /// The proxies that can be used: for `https` URLs, and for `http` ones.
    #[must_use]
    pub fn usable(&self) -> [Option<&Proxy>; 2] {
        [&self.https, &self.http].map(|slot| slot.as_ref().ok().and_then(Option::as_ref))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], url: &str) -> Option<(String, &'static str)> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.into())
        };
        let proxies = Proxies::new(None, None, variable).unwrap();
        let proxy = proxies.of(&Url::parse(url).unwrap()).unwrap()?;
        Some((proxy.name.clone(), proxy.setting))
    }

    #[test]
    fn variables_are_read_in_the_order_of_curl() {
        let all = [
            ("https_proxy", "http://a:1"),
            ("HTTPS_PROXY", "http://b:2"),
            ("HTTP_PROXY", "http://x:9"),
            ("all_proxy", "socks5h://c:3"),
            ("ALL_PROXY", "http://d:4"),
        ];
        let some = |name: &str, setting| Some((name.to_owned(), setting));
        let https = "https://wiki.example.com/";
        let http = "http://wiki.example.com/";
        assert_eq!(of(&all, https), some("http://a:1", "https_proxy"));
        assert_eq!(of(&all[1..], https), some("http://b:2", "HTTPS_PROXY"));
        assert_eq!(of(&all[2..], https), some("socks5h://c:3", "all_proxy"));
        assert_eq!(of(&all[4..], https), some("http://d:4", "ALL_PROXY"));
        assert_eq!(of(&all, http), some("socks5h://c:3", "all_proxy"));
        assert_eq!(of(&all[..3], http), None, "HTTP_PROXY is not read");
        let lower = [("http_proxy", "proxy:8")];
        assert_eq!(of(&lower, http), some("http://proxy:8", "http_proxy"));
        assert_eq!(of(&lower, https), None);
        assert_eq!(
            of(&[("https_proxy", ""), all[1]], https),
            some("http://b:2", "HTTPS_PROXY")
        );
        let bypassed = [all[0], ("no_proxy", ""), ("NO_PROXY", "a.b, example.com")];
        assert_eq!(of(&bypassed, https), None);
    }

    #[test]
    fn what_is_no_proxy_is_an_error_that_does_not_quote_it() {
        for text in [
            "socks://h:1",
            "ftp://h:1",
            "http://",
            "http://u:s3cret@",
            "http://u:s3cret@h:port",
            "http://u:s3cr/et@h:1",
            "http://u:s3cret@h x:1",
            "://u:s3cret@h",
            "u:s3cret@",
        ] {
            let variable = |name: &str| (name == "ALL_PROXY").then(|| text.into());
            let proxies = Proxies::new(None, None, variable).unwrap();
            let url = Url::parse("http://wiki.example.com").unwrap();
            let error = proxies.of(&url).err().expect(text);
            assert_eq!(*error, Error::Url("ALL_PROXY"), "{text}");
            assert!(!error.to_string().contains("s3cr"), "{error}");
        }
    }

    #[test]
    fn a_variable_that_is_not_used_is_no_error() {
        let is_error = |variables: &[(&str, &str)], url: &str| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| value.into())
            };
            let proxies = Proxies::new(None, None, variable).unwrap();
            proxies.of(&Url::parse(url).unwrap()).is_err()
        };
        let (https, http) = ("https://wiki.example.com", "http://wiki.example.com");
        let first = [("https_proxy", "http://a:1"), ("all_proxy", "socks://b:2")];
        assert!(!is_error(&first, https));
        assert!(is_error(&first, http));
        let covered = [("all_proxy", "socks://b:2"), ("no_proxy", "example.com")];
        assert!(!is_error(&covered, https) && !is_error(&covered, http));
        let other = [("HTTPS_PROXY", "socks://b:2")];
        assert!(!is_error(&other, http));
        assert!(is_error(&other, https));
    }

    #[test]
    fn a_password_comes_from_the_url_of_a_variable_or_separately() {
        let variable = |name: &str| (name == "ALL_PROXY").then(|| "http://me:p%40ss@h:1".into());
        let one = Proxies::new(None, None, variable).unwrap();
        let one = one.https.unwrap().unwrap();
        assert_eq!(one.inner.password(), Some("p@ss"));
        assert_eq!(one.name, "http://h:1");
        assert_eq!(check_flag("http://me:p@h:1"), Err(NO_PASSWORD));
        assert_eq!(check_flag("me:p@h:1"), Err(NO_PASSWORD));
        let secret = (Secret::new("a:b@c/é".to_owned()), true);
        let flag = Some("socks5://me@[::1]:1");
        let two = Proxies::new(flag, Some(&secret), |_| None).unwrap();
        let two = two.http.unwrap().unwrap();
        assert_eq!(two.inner.password(), Some("a:b@c/é"));
        assert_eq!(two.name, "socks5://[::1]:1");
        let none = Proxies::new(Some("h:1"), Some(&secret), |_| None);
        assert_eq!(none.err(), Some(Error::NoUser));
    }
}
