//! The host in the text of a URI, for `related.hosts` (docs/mapping.md 3).
//!
//! The reference (Elastic's `uri_parts` processor) reads the text with `java.net.URI`, so the rules here are those of
//! that class's documentation: RFC 2396 with RFC 2732 (IPv6 in brackets), and its deviations: "other" characters
//! (visible, not ASCII) wherever an escaped octet may stand, an empty authority before a path, an IPv6 scope id.
//! An authority that is no `[user@]host[:port]` is not an error there but a *registry-based* one, which has no host.

mod web_address;

/// The host of the URI in `text`: case kept, no user info, no port, an IPv6 host in its brackets.
///
/// `None` when the URI has no host, among them opaque URIs (`mailto:a@b`) and registry-based authorities
/// (`http://my_wiki/`). Text that is no URI at all (a space, `<`, `{`, …) is read as `java.net.URL` of JDK 25 does.
#[must_use]
pub fn host(text: &str) -> Option<&str> {
    match uri_host(text) {
        Ok(host) => host,
        Err(NotAUri) => web_address::host(text),
    }
}

/// `java.net.URI` throws `URISyntaxException` for this text.
struct NotAUri;

/// `URI = [ scheme ":" ] ( hierarchical | opaque ) [ "#" fragment ]`, the host as `getHost()` gives it.
fn uri_host(text: &str) -> Result<Option<&str>, NotAUri> {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    demand(fragment, is_uri_char)?;
    match text.find([':', '/', '?']) {
        Some(colon) if text[colon..].starts_with(':') => {
            let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
            if !is_scheme(scheme) || rest.is_empty() {
                return Err(NotAUri);
            }
            if rest.starts_with('/') {
                return hierarchical_host(rest);
            }
            demand(rest, is_uri_char)?;
            Ok(None)
        }
        _ => hierarchical_host(text),
    }
}

/// `[ "//" authority ] path [ "?" query ]`.
fn hierarchical_host(text: &str) -> Result<Option<&str>, NotAUri> {
    let (authority, path_query) = match text.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len())),
        None => ("", text),
    };
    let (path, query) = path_query.split_once('?').unwrap_or((path_query, ""));
    demand(path, is_path_char)?;
    demand(query, is_uri_char)?;
    if authority.is_empty() {
        return Ok(None);
    }
    authority_host(authority)
}

/// A server (`[user@]host[:port]`) if it reads as one, else registry-based if its characters permit that.
fn authority_host(authority: &str) -> Result<Option<&str>, NotAUri> {
    let is_registry = accepts(authority, is_registry_char);
    match server_host(authority) {
        Some(host) => Ok(Some(host)),
        None if is_registry => Ok(None),
        None => Err(NotAUri),
    }
}

fn server_host(authority: &str) -> Option<&str> {
    let host_port = match authority.split_once('@') {
        Some((user, rest)) if accepts(user, is_user_char) => rest,
        Some(_) => return None,
        None => authority,
    };
    let host = if host_port.starts_with('[') {
        let closing = host_port.find(']')?;
        let host = &host_port[..=closing];
        let (address, scope) = host[1..closing]
            .split_once('%')
            .unwrap_or((&host[1..closing], "0"));
        let scope_ok = !scope.is_empty()
            && scope
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b));
        (is_ipv6(address, is_group, is_ipv4) && scope_ok).then_some(host)?
    } else {
        let host = &host_port[..host_port.find(':').unwrap_or(host_port.len())];
        (is_ipv4(host) || is_hostname(host)).then_some(host)?
    };
    is_port(&host_port[host.len()..]).then_some(host)
}

/// Nothing, `:`, or `:` and digits that fit Java's `int`.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.is_empty() || digits.parse::<i32>().is_ok()
        }
        Some(_) => false,
        None => text.is_empty(),
    }
}

/// Labels of letters, digits and inner hyphens; the last of several begins with a letter; one final dot may stand.
fn is_hostname(text: &str) -> bool {
    let labels = text.strip_suffix('.').unwrap_or(text);
    let last_starts_with_letter =
        |(_, last): (&str, &str)| last.starts_with(|c: char| c.is_ascii_alphabetic());
    labels.split('.').all(is_label) && labels.rsplit_once('.').is_none_or(last_starts_with_letter)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Four decimal bytes; unlike in Rust's parser, leading zeros are allowed (RFC 2396 has `1*digit`).
fn is_ipv4(text: &str) -> bool {
    let is_byte = |part: &str| {
        part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<i32>().is_ok_and(|n| n <= 255)
    };
    text.split('.').count() == 4 && text.split('.').all(is_byte)
}

/// RFC 2373 text form: eight groups, or fewer around one `::`; the last two may be written as an IPv4 address.
fn is_ipv6(text: &str, is_group: fn(&str) -> bool, is_tail: fn(&str) -> bool) -> bool {
    let count = |text: &str, may_have_tail: bool| {
        let (groups, tail) = match text.rsplit_once(':') {
            _ if text.is_empty() => return Some(0),
            _ if !may_have_tail || !text.contains('.') => (Some(text), None),
            Some((groups, tail)) => (Some(groups), Some(tail)),
            None => (None, Some(text)),
        };
        let are_groups = groups.is_none_or(|groups| groups.split(':').all(is_group));
        // An IPv4 address stands for two groups.
        (are_groups && tail.is_none_or(is_tail))
            .then(|| groups.map_or(0, |groups| groups.split(':').count()) + tail.map_or(0, |_| 2))
    };
    match text.split_once("::") {
        Some((before, after)) => {
            let groups = count(before, false).zip(count(after, true));
            groups.is_some_and(|(before, after)| before + after < 8)
        }
        None => count(text, true) == Some(8),
    }
}

/// A group of an IPv6 address.
fn is_group(text: &str) -> bool {
    matches!(text.len(), 1..=4) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

/// RFC 2396 §2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-!.~'()*".contains(&byte)
}

/// RFC 2396 §2, with the brackets that RFC 2732 added.
fn is_uri_char(byte: u8) -> bool {
    is_unreserved(byte) || b";/?:@&=+$,[]".contains(&byte)
}

/// RFC 2396 §3.3.
fn is_path_char(byte: u8) -> bool {
    is_unreserved(byte) || b";/:@&=+$,".contains(&byte)
}

/// RFC 2396 §3.2.1.
fn is_registry_char(byte: u8) -> bool {
    is_unreserved(byte) || b"$,;:@&=+".contains(&byte)
}

/// RFC 2396 §3.2.2.
fn is_user_char(byte: u8) -> bool {
    is_unreserved(byte) || b";:&=+$,".contains(&byte)
}

fn demand(text: &str, allowed: fn(u8) -> bool) -> Result<(), NotAUri> {
    if accepts(text, allowed) {
        Ok(())
    } else {
        Err(NotAUri)
    }
}

/// Whether `text` is made of `allowed` ASCII characters, escaped octets (`%41`) and "other" characters only.
fn accepts(text: &str, allowed: fn(u8) -> bool) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let accepted = match c {
            '%' => (0..2).all(|_| chars.next().is_some_and(|c| c.is_ascii_hexdigit())),
            _ => u8::try_from(c)
                .ok()
                .filter(u8::is_ascii)
                .map_or_else(|| is_other(c), allowed),
        };
        if !accepted {
            return false;
        }
    }
    true
}

/// The "other" category of `java.net.URI`: not ASCII, no control character and no space (Unicode Zs, Zl, Zp).
fn is_other(c: char) -> bool {
    // White space beyond ASCII is Zs, Zl, Zp and U+0085, which is a control character and out as well.
    !c.is_ascii() && !c.is_control() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::host;

    fn hosts(table: &[(&str, &str)]) {
        for (text, expected) in table {
            assert_eq!(host(text), Some(*expected), "{text}");
        }
    }

    fn no_host(table: &[&str]) {
        for text in table {
            assert_eq!(host(text), None, "{text}");
        }
    }

    // What `new java.net.URI(text).getHost()` gives, by a run of Java 17.

    #[test]
    fn servers() {
        hosts(&[
            ("http://confluence.internal:8090", "confluence.internal"),
            (
                "https://Wiki.Example.COM/confluence?a=b#c",
                "Wiki.Example.COM",
            ),
            ("http://localhost", "localhost"),
            ("http://wiki.example.com.", "wiki.example.com."),
            ("http://wiki.example.com.:443/", "wiki.example.com."),
            ("http://a-b.c-d.example", "a-b.c-d.example"),
            (
                "http://user:secret@wiki.example.com:8443/x",
                "wiki.example.com",
            ),
            ("http://@wiki.example.com/", "wiki.example.com"),
            ("http://us%20er@wiki.example.com/", "wiki.example.com"),
            ("http://usér@wiki.example.com/", "wiki.example.com"),
            ("HTTP://WIKI/", "WIKI"),
            ("ldap+x-1.0://directory/", "directory"),
            ("//wiki.example.com/path", "wiki.example.com"),
            ("//wiki", "wiki"),
            ("http://10.1.2.3:8090/", "10.1.2.3"),
            ("http://010.001.002.003/", "010.001.002.003"),
            ("http://5/", "5"),
            ("http://5./", "5."),
            ("http://9wiki/", "9wiki"),
            ("http://9.wiki/", "9.wiki"),
            ("http://[::1]:8090/", "[::1]"),
            ("http://[2001:DB8::5]/", "[2001:DB8::5]"),
            ("http://u@[2001:db8::5]", "[2001:db8::5]"),
            ("http://[1:2:3:4:5:6:7:8]/", "[1:2:3:4:5:6:7:8]"),
            ("http://[1:2:3:4:5:6:7::]/", "[1:2:3:4:5:6:7::]"),
            ("http://[1:2:3:4:5:6:1.2.3.4]/", "[1:2:3:4:5:6:1.2.3.4]"),
            ("http://[::ffff:010.1.2.3]/", "[::ffff:010.1.2.3]"),
            ("http://[fe80::1%eth0]/", "[fe80::1%eth0]"),
            ("http://[fe80::1%25eth0]:80/", "[fe80::1%25eth0]"),
            ("http://wiki:/", "wiki"),
            ("http://wiki:2147483647/", "wiki"),
            ("http://wiki:0000000000000000080/", "wiki"),
            ("http://wiki/%C3%A9/é?é#é", "wiki"),
            ("http://wiki/?[x]#[y]", "wiki"),
            ("http://wiki/a\u{200b}b", "wiki"),
        ]);
    }

    #[test]
    fn uris_without_a_server() {
        no_host(&[
            "jdbc:postgresql://db/wiki",
            "http://wiki:2147483648/",
            "http://wiki:80a/",
            "http://wiki:-1/",
            "http://my_wiki/",
            "http://my_wiki.example.com:8090/x",
            "http://wikí.example.com/",
            "http://wiki.日本/",
            "http://wiki%20a/",
            "http://wiki.9a/",
            "http://1.2.3/",
            "http://1.2.3.256/",
            "http://1.2.3.4.5/",
            "http://1.2.3.4x/",
            "http://-wiki/",
            "http://wiki-/",
            "http://a..b/",
            "http://.wiki/",
            "http://wiki../",
            "http://a@b@wiki/",
            "http://:8090/",
            "http://user@/",
            "http:///path",
            "http:/path",
            "http:wiki",
            "mailto:admin@example.com",
            "urn:isbn:1",
            "wiki.example.com",
            "wiki.example.com/path",
            "/path",
            "./a:b",
            "",
            "//#f",
            "file:///var/log",
        ]);
    }

    // `java.net.URI` throws.

    #[test]
    fn web_addresses_that_are_no_uri() {
        hosts(&[
            (" http://wiki.example.com/", "wiki.example.com"),
            ("http://wiki.example.com/a b", "wiki.example.com"),
            ("file://wiki/a b", "wiki"),
            ("url:http://wiki/a b", "wiki"),
            ("http://u ser@wiki/", "wiki"),
            ("http://[::1]:+80/a b", "[::1]"),
            ("http://[00001::1]/a b", "[00001::1]"),
            ("http://wiki:-1/a b", "wiki"),
            ("http://wiki:/a b", "wiki"),
            ("http://w\u{ef}ki\u{a0}/a b", "w\u{ef}ki\u{a0}"),
            ("http://wiki.example.com:8090/{id}", "wiki.example.com"),
            ("HTTPS://u:p@Wiki.Example.COM:8443/<x>", "Wiki.Example.COM"),
            ("http://wiki?a=<b>", "wiki"),
            ("http://wiki#a b", "wiki"),
            ("http://wiki%zz/", "wiki%zz"),
            ("http://wiki/%zz", "wiki"),
            ("http://[::1]/a b", "[::1]"),
            ("http://[::1%25eth0]:8090/a b", "[::1%25eth0]"),
            ("http://wiki/[x]", "wiki"),
            ("http://wiki/\u{a0}x", "wiki"),
        ]);
    }

    #[test]
    fn neither_uri_nor_web_address() {
        no_host(&[
            "http://",
            "//",
            "http://a@b@wiki/a b",
            "http://u@/a b",
            "http:// ",
            "http:wiki x",
            "http:/x//wiki y",
            "ldap://wiki/a b",
            " wiki.example.com ",
            "1http://wiki/",
            ":wiki",
            "mailto:",
            "http://[::1",
            "http://[::1]x/a b",
            "http://[1::2::3]/",
            "http://[1:2:3:4:5:6:7:8:9]/",
            "http://[1:2:3:4::5:6:7:8]/",
            "http://[12345::]/",
            "http://[::1.2.3.256]/",
            "http://[::1%]/",
            "http://[]/",
            // A port, user or host that `java.net.URL` refuses.
            "http://[::1]:99999999999/",
            "http://wiki:80a/a b",
            "http://wiki:-2/a b",
            "http://wiki:99999999999/a b",
            "ftp://my wiki/",
            "http://wi[ki/",
            "http://<wiki>/",
            "http://u[@wiki/",
            "http://wi\u{ff0f}ki/a b",
            "jira://wiki/a b",
        ]);
    }

    /// Odd texts, and the host that `java.net.URI`, else `java.net.URL`, of JDK 25 gives for each.
    #[test]
    fn hosts_are_those_of_java() {
        #[derive(serde::Deserialize)]
        struct Case {
            system: String,
            host: Option<String>,
        }
        let cases = include_str!("../../../../testdata/uri-hosts.ndjson").lines();
        let cases = cases.map(|line| serde_json::from_str(line).unwrap());
        let mut wrong = Vec::new();
        let mut count = 0;
        for case in cases {
            let Case {
                system,
                host: expected,
            } = case;
            count += 1;
            let actual = host(&system);
            if actual != expected.as_deref() {
                wrong.push(format!("{system:?}: {actual:?}, expected {expected:?}"));
            }
        }
        assert_eq!(count, 4000);
        assert!(
            wrong.is_empty(),
            "{} differ\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(https?:/{0,3})?[a-c1%é_ .:@/?#\\[\\]-]{0,24}") {
            if let Some(host) = host(&text) {
                prop_assert!(!host.is_empty() && text.contains(host));
            }
        }
    }
}
