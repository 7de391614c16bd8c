//! Who answered a request that a proxy passes on: the proxy, or the server behind it.

use ureq::http::response::Parts;

use crate::http::Headers;

/// Names of proxies, as their `Server` has them.
const NAMES: [&str; 12] = [
    "squid",
    "tinyproxy",
    "privoxy",
    "mitmproxy",
    "ats/",
    "bluecoat",
    "zscaler",
    "mcafee web gateway",
    "3proxy",
    "polipo",
    "ccproxy",
    "fortiproxy",
];

/// Headers that only proxies send, in answers of their own.
const HEADERS: [&str; 3] = ["x-squid-error", "proxy-agent", "proxy-authenticate"];

/// What shows that a proxy did not pass a request on, but answered it. `Via` shows nothing: it is in answers
/// that were passed on, too.
pub(in crate::http) fn of_proxy(parts: &Parts) -> Option<String> {
    let text = |name: &str| parts.headers.get(name)?.to_str().ok();
    if parts.status.is_success() {
        return None;
    }
    if let Some(error) = text("x-squid-error") {
        let code = error.split(' ').next().unwrap_or_default();
        let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_known = !code.is_empty() && code.bytes().all(is_code);
        return Some(if is_known { code } else { "x-squid-error" }.to_owned());
    }
    let server = text("server").unwrap_or_default().to_ascii_lowercase();
    if let Some(name) = NAMES.iter().find(|name| server.starts_with(**name)) {
        return Some(name.trim_end_matches('/').to_owned());
    }
    let sent = HEADERS
        .iter()
        .find(|name| parts.headers.contains_key(**name));
    sent.map(|name| (*name).to_owned())
}

/// Whether Confluence answered, by the headers that only it sends.
pub(in crate::http) fn of_confluence(headers: &Headers) -> bool {
    let own = [
        "x-arequestid",
        "x-asen",
        "x-seraph-loginreason",
        "x-ausername",
        "atl-traceid",
    ];
    let is_json = headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    is_json
        || own.iter().any(|name| headers.contains_key(*name))
        || headers
            .keys()
            .any(|name| name.as_str().starts_with("x-confluence"))
}
