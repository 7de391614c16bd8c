//! The host of a web address that is no URI, as `java.net.URL` reads it.

use super::{is_ipv4, is_ipv6};

/// The reference's second try, `java.net.URL`, for text that is no URI: white space around it and `url:`
/// before it go, of the schemes it knows those with hosts are read, and the host is what stands there.
pub(super) fn host(text: &str) -> Option<&str> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let text = match text.split_at_checked(4) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("url:") => rest,
        _ => text,
    };
    let (scheme, rest) = text.split_once(':')?;
    let known = ["http", "https", "ftp", "file"];
    if !known.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let authority = rest.strip_prefix("//")?;
    let authority = &authority[..authority.find(['/', '?', '#']).unwrap_or(authority.len())];
    let host_port = match authority.split_once('@') {
        Some((user, rest)) if !rest.contains('@') && !user.contains(is_refused_in_user) => rest,
        Some(_) => return None,
        None => authority,
    };
    if host_port.starts_with('[') {
        return bracketed(host_port);
    }
    let (host, port) = host_port.split_at(host_port.find(':').unwrap_or(host_port.len()));
    let is_host = !host.is_empty() && !host.contains(is_refused_in_host);
    (is_host && is_web_port(port)).then_some(host)
}

/// `[IPv6]` or `[IPv6%scope]`, then nothing or a port.
fn bracketed(host_port: &str) -> Option<&str> {
    let (host, port) = host_port.split_at(host_port.find(']')? + 1);
    let (address, scope) = host[1..host.len() - 1]
        .split_once('%')
        .unwrap_or((&host[1..host.len() - 1], "0"));
    // Here, and not in a URI, a group may have more zeros than it needs.
    let is_group = |group: &str| {
        !group.is_empty()
            && group.bytes().all(|b| b.is_ascii_hexdigit())
            && group.trim_start_matches('0').len() <= 4
    };
    let is_tail = |tail: &str| tail.len() <= 15 && is_ipv4(tail);
    let is_refused = |c: char| c.is_ascii_control() || c == '[';
    let is_scope = !scope.is_empty() && !scope.contains(is_refused);
    (is_ipv6(address, is_group, is_tail) && is_scope && is_web_port(port)).then_some(host)
}

/// Nothing, `:`, or `:` and what `Integer.parseInt` takes, if it is not below -1.
fn is_web_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some("") => true,
        Some(number) => number.parse::<i32>().is_ok_and(|port| port >= -1),
        None => text.is_empty(),
    }
}

/// Characters that look like delimiters in some forms of Unicode.
const LOOKALIKES: [char; 17] = [
    '\u{2047}', '\u{2048}', '\u{2049}', '\u{2100}', '\u{2101}', '\u{2105}', '\u{2106}', '\u{2A74}',
    '\u{FE55}', '\u{FE56}', '\u{FE5F}', '\u{FE6B}', '\u{FF03}', '\u{FF0F}', '\u{FF1A}', '\u{FF1F}',
    '\u{FF20}',
];

fn is_refused_in_user(c: char) -> bool {
    c.is_ascii_control() || matches!(c, '[' | ']' | '\\') || LOOKALIKES.contains(&c)
}

fn is_refused_in_host(c: char) -> bool {
    is_refused_in_user(c) || matches!(c, ' ' | '"' | '<' | '>' | '^' | '`' | '{' | '|' | '}')
}
