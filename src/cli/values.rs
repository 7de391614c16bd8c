//! The values of flags: one grammar for durations, times, sizes and networks, whatever the flag.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, PathBufValueParser, TypedValueParser};
use url::Url;

use crate::fetch::time_spec::TimeSpec;
use crate::pipeline::event::namespace_fault;
use crate::pipeline::timestamp::Timestamp;
use crate::tail::exclusion::Exclusion;
use crate::tail::pattern::PathPattern;

pub(super) use crate::pipeline::enrich::network::cidr;

/// Where a browser is sent back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    /// As it was given: OAuth servers compare it letter by letter.
    pub text: String,
    /// The same, parsed.
    pub url: Url,
}

/// Values of `--cloud-id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudId {
    /// Asked of the site.
    Auto,
    /// A cloud id, as given.
    Id(String),
}

/// A path; stdout's own names are `-`: opened by them, a file that stdout appends to would be truncated.
pub(super) fn output() -> impl TypedValueParser<Value = PathBuf> {
    const STDOUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    PathBufValueParser::new().map(|path| {
        let is_stdout = STDOUT.into_iter().any(|name| path.as_os_str() == name);
        if is_stdout { "-".into() } else { path }
    })
}

/// Files to follow.
pub(super) fn path_pattern() -> impl TypedValueParser<Value = PathPattern> {
    PathBufValueParser::new().try_map(|path| PathPattern::parse(&path))
}

/// Files that are not to be followed.
pub(super) fn exclusion() -> impl TypedValueParser<Value = Exclusion> {
    OsStringValueParser::new().try_map(|glob| Exclusion::parse(&glob))
}

pub(super) fn namespace(text: &str) -> Result<String, &'static str> {
    match namespace_fault(text) {
        Some(fault) => Err(fault),
        None => Ok(text.to_owned()),
    }
}

pub(super) fn threads(text: &str) -> Result<NonZeroUsize, &'static str> {
    const MOST: usize = 1024;
    let threads = text
        .parse()
        .ok()
        .filter(|threads: &NonZeroUsize| threads.get() <= MOST);
    threads.ok_or("expected a number of threads from 1 to 1024")
}

/// Lengths up to 1 GiB: positions in a record are 32 bits wide.
pub(super) fn line_limit(text: &str) -> Result<usize, &'static str> {
    let limit = size(text).and_then(|size| usize::try_from(size).ok());
    limit.filter(|limit| (1..=1 << 30).contains(limit)).ok_or(
        "expected a size from 1 byte to 1 GiB, such as 16MiB, 16MB, 16M (as MiB) or 16777216",
    )
}

/// A number of bytes, alone or with a unit as GNU's tools take it: `16K` and `16KiB` are 1024 times
/// as many, `16KB` 1000 times.
pub(super) fn size(text: &str) -> Option<u64> {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let digits = text.bytes().take_while(is_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match &*unit.trim_start().to_ascii_lowercase() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// A time as every flag takes it: absolute, so long ago, or the present.
pub(super) fn time(text: &str) -> Result<TimeSpec, &'static str> {
    if text == "now" {
        return Ok(TimeSpec::Now);
    }
    if let Ok(ago) = duration(text) {
        return Ok(TimeSpec::Ago(ago));
    }
    Timestamp::from_text(text).map(TimeSpec::Time).ok_or(
        "expected a date such as 2026-01-31 (midnight in UTC), a time such as 2026-01-31T08:00:00Z, a duration \
         before now such as 24h, or now",
    )
}

/// A base URL: no query, no credentials in it.
pub(super) fn site_url(text: &str) -> Result<Url, &'static str> {
    const EXPECTED: &str = "expected a URL such as https://acme.atlassian.net, without user, password, query or fragment";
    let url = Url::parse(text).map_err(|_| EXPECTED)?;
    let is_plain = url.query().is_none() && url.fragment().is_none();
    // Also where it is none of the URL's standard: behind a slash in a password, for example.
    let is_open = !text.contains('@');
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !(is_plain && is_open && is_web) {
        return Err(EXPECTED);
    }
    Ok(url)
}

pub(super) fn proxy(text: &str) -> Result<String, &'static str> {
    crate::http::proxy::check_flag(text)?;
    Ok(text.to_owned())
}

/// Where a browser can be sent back to.
pub(super) fn redirect_uri(text: &str) -> Result<RedirectUri, &'static str> {
    let url = site_url(text);
    let url = url.map_err(|_| "expected a URL such as http://127.0.0.1:8917/callback")?;
    Ok(RedirectUri {
        text: text.to_owned(),
        url,
    })
}

pub(super) fn cloud_id(text: &str) -> Result<CloudId, &'static str> {
    if text == "auto" {
        return Ok(CloudId::Auto);
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.is_empty() || !text.bytes().all(is_name) {
        return Err("expected a cloud id such as 11223344-a1b2-3b33-c444-def123456789, or auto");
    }
    Ok(CloudId::Id(text.to_owned()))
}

pub(super) fn org_id(text: &str) -> Result<String, &'static str> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.is_empty() || text.len() > 100 || !text.bytes().all(is_name) {
        return Err(
            "expected an organization id such as 11223344-a1b2-3b33-c444-def123456789, as in the address \
             https://admin.atlassian.com/o/ID/",
        );
    }
    Ok(text.to_owned())
}

pub(super) fn product(text: &str) -> Result<String, &'static str> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_name) {
        return Err("expected the name of a product such as confluence, jira or guard_detect");
    }
    Ok(text.to_ascii_lowercase())
}

pub(super) fn user(text: &str) -> Result<String, &'static str> {
    // RFC 7617: the first colon parts user and password.
    if text.trim().is_empty() || text.contains(':') || text.contains(char::is_control) {
        return Err(
            "expected an e-mail address or a user name, without a token or password: those come from a file or the \
             environment",
        );
    }
    Ok(text.to_owned())
}

pub(super) fn client_id(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("expected the client id of an OAuth app");
    }
    Ok(text.to_owned())
}

pub(super) fn search(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() || text.chars().count() > 100 {
        return Err("expected 1 to 100 characters that are not all blanks");
    }
    Ok(text.to_owned())
}

pub(super) fn page_size(text: &str) -> Result<u32, &'static str> {
    let size = text
        .parse()
        .ok()
        .filter(|size| (1..=100_000).contains(size));
    size.ok_or("expected a number of records from 1 to 100000")
}

/// Where to listen: an IP address with a port, or a port of the loopback address, alone or behind a colon.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let port = text.strip_prefix("localhost:").unwrap_or(text);
    let port = port.strip_prefix(':').unwrap_or(port);
    let address = if port.bytes().all(is_digit) {
        port.parse().ok().map(|port| (LOOPBACK, port).into())
    } else {
        text.parse().ok()
    };
    address
        .ok_or("expected an address such as 127.0.0.1:9184, [::1]:9184 or 0.0.0.0:9184, or a port")
}

/// The name of a field, such as `user.name`.
pub(super) fn field(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("expected names of fields such as @timestamp,event.action,user.name");
    }
    Ok(text.to_owned())
}

pub(super) fn top(text: &str) -> Result<NonZeroUsize, &'static str> {
    let top = text
        .parse()
        .ok()
        .filter(|top: &NonZeroUsize| top.get() <= 10_000);
    top.ok_or("expected a number of rows from 1 to 10000")
}

/// Columns of a terminal: at most as many as one can have.
pub(super) fn width(text: &str) -> Result<usize, &'static str> {
    let width = text.parse().ok().filter(|width: &u16| *width >= 40);
    let width = width.ok_or("expected a number of columns from 40 to 65535")?;
    Ok(usize::from(width))
}

pub(super) fn retries(text: &str) -> Result<u32, &'static str> {
    let retries = text.parse().ok().filter(|retries| *retries <= 1000);
    retries.ok_or("expected a number from 0 to 1000")
}

pub(super) fn header(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() || !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err("expected printable ASCII characters that are not all blanks");
    }
    Ok(text.to_owned())
}
pub(super) fn interval(text: &str) -> Result<Duration, &'static str> {
    let at_least = |duration: &Duration| *duration >= Duration::from_millis(1);
    let duration = duration(text).ok().filter(at_least);
    duration.ok_or("expected a duration of at least 1ms, such as 500ms or 10m")
}

pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "expected a duration such as 90s, 12h or 7d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_only_this_machine_can_connect() {
        for (text, address) in [
            ("9184", "127.0.0.1:9184"),
            (":9184", "127.0.0.1:9184"),
            ("localhost:9184", "127.0.0.1:9184"),
            ("[::1]:9184", "[::1]:9184"),
            ("0.0.0.0:9184", "0.0.0.0:9184"),
        ] {
            assert_eq!(listen_address(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in ["", ":", "65536", "127.0.0.1", "wiki:9184", "::1:x", "-1"] {
            assert!(listen_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("1", 1),
            ("16777216", 16 << 20),
            ("16MiB", 16 << 20),
            ("16M", 16 << 20),
            ("16 mib", 16 << 20),
            ("16MB", 16_000_000),
            ("3k", 3 << 10),
            ("3kB", 3000),
            ("1G", 1 << 30),
            ("7B", 7),
        ] {
            assert_eq!(line_limit(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "0",
            "0M",
            "M",
            "-1",
            "1.5M",
            "1T",
            "2G",
            "16MiBs",
            "99999999999999999999",
        ] {
            assert!(line_limit(text).is_err(), "{text}");
        }
    }
}
