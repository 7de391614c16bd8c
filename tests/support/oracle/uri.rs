//! The host of `system` (docs/mapping.md 3, `related.hosts`): `java.net.URI`, else `java.net.URL`, by regular expressions.

use std::net::Ipv6Addr;
use std::sync::LazyLock;

use regex::Regex;

fn regex(pattern: &str) -> Regex {
    Regex::new(&format!(r"^(?s:{pattern})$")).expect("a regex")
}

/// One of these ASCII characters, an escaped octet, or a visible character beyond ASCII; any number of them.
fn text_of(ascii: &str) -> String {
    format!(r"(?:[{ascii}]|%[0-9A-Fa-f]{{2}}|[^\x00-\x7F\p{{Cc}}\p{{Z}}])*")
}

const UNRESERVED: &str = r"A-Za-z0-9_\-!.~'()*";

/// The parts of a URI, characters checked but for those of the authority.
static URI: LazyLock<Regex> = LazyLock::new(|| {
    let any = text_of(&format!(r"{UNRESERVED};/?:@&=+$,\[\]"));
    let path = text_of(&format!("{UNRESERVED};/:@&=+$,"));
    let hierarchical =
        format!(r"(?://(?<authority>[^/?#]*)(?<rest>.*)|{path}(?:\?{any})?(?:#{any})?)");
    regex(&format!(
        r"(?:(?<scheme>[A-Za-z][A-Za-z0-9+.\-]*):)?{hierarchical}"
    ))
});

/// What follows an authority.
static REST: LazyLock<Regex> = LazyLock::new(|| {
    let any = text_of(&format!(r"{UNRESERVED};/?:@&=+$,\[\]"));
    let path = text_of(&format!("{UNRESERVED};/:@&=+$,"));
    regex(&format!(r"{path}(?:\?{any})?(?:#{any})?"))
});

/// A scheme, and something that does not begin with a slash.
static OPAQUE: LazyLock<Regex> = LazyLock::new(|| {
    let any = text_of(&format!(r"{UNRESERVED};/?:@&=+$,\[\]"));
    regex(&format!(r"[A-Za-z][A-Za-z0-9+.\-]*:(?:[^/#].*)(?:#{any})?"))
});

static ANY: LazyLock<Regex> =
    LazyLock::new(|| regex(&text_of(&format!(r"{UNRESERVED};/?:@&=+$,\[\]#"))));

static REGISTRY: LazyLock<Regex> =
    LazyLock::new(|| regex(&text_of(&format!("{UNRESERVED}$,;:@&=+"))));

static SERVER: LazyLock<Regex> = LazyLock::new(|| {
    let user = text_of(&format!("{UNRESERVED};:&=+$,"));
    let label = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?";
    let last = r"[A-Za-z](?:[A-Za-z0-9\-]*[A-Za-z0-9])?";
    let name = format!(r"(?:(?:{label}\.)+{last}|{label})\.?");
    let v6 = r"\[(?<v6>[0-9A-Fa-f:.]+)(?:%[A-Za-z0-9_.]+)?\]";
    regex(&format!(
        r"(?:{user}@)?(?<host>{name}|(?<v4>[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)|{v6})(?::(?<port>[0-9]*))?"
    ))
});

/// The host of a URI, or of what `java.net.URL` takes for one.
pub fn host(text: &str) -> Option<String> {
    match uri(text) {
        Ok(host) => host,
        Err(()) => url(text),
    }
}

/// An error where `java.net.URI` throws.
fn uri(text: &str) -> Result<Option<String>, ()> {
    if OPAQUE.is_match(text) && text.matches('#').count() <= 1 && ANY.is_match(text) {
        return Ok(None);
    }
    // A colon before any slash stands behind a scheme.
    let parts = URI.captures(text).ok_or(())?;
    let colon = text
        .find([':', '/', '?', '#'])
        .is_some_and(|at| text[at..].starts_with(':'));
    if colon
        && parts
            .name("scheme")
            .is_none_or(|scheme| scheme.end() == text.len() - 1)
    {
        return Err(());
    }
    let Some(authority) = parts.name("authority").map(|authority| authority.as_str()) else {
        return Ok(None);
    };
    let rest = &parts["rest"];
    if !REST.is_match(rest) || (authority.is_empty() && rest.is_empty()) {
        return Err(());
    }
    match server(authority) {
        _ if authority.is_empty() => Ok(None),
        Some(host) => Ok(Some(host)),
        None if REGISTRY.is_match(authority) => Ok(None),
        None => Err(()),
    }
}

fn server(authority: &str) -> Option<String> {
    let parts = SERVER.captures(authority)?;
    let part = |name: &str| parts.name(name).map(|part| part.as_str());
    let is_byte = |byte: &str| byte.parse::<u32>().is_ok_and(|byte| byte < 256);
    let is_host =
        part("v4").is_none_or(|v4| v4.split('.').all(is_byte)) && part("v6").is_none_or(is_v6);
    let is_port = part("port").is_none_or(|port| port.is_empty() || port.parse::<i32>().is_ok());
    (is_host && is_port).then(|| parts["host"].to_owned())
}

/// Rust's own rules, but with zeros before the numbers of an IPv4 tail.
fn is_v6(text: &str) -> bool {
    let without_zeros = |part: &str| {
        let rest = part.trim_start_matches('0');
        if rest.is_empty() && !part.is_empty() {
            "0".to_owned()
        } else {
            rest.to_owned()
        }
    };
    match text.rsplit_once(':').filter(|(_, tail)| tail.contains('.')) {
        Some((groups, tail)) => {
            let tail: Vec<String> = tail.split('.').map(without_zeros).collect();
            format!("{groups}:{}", tail.join("."))
                .parse::<Ipv6Addr>()
                .is_ok()
        }
        None => text.parse::<Ipv6Addr>().is_ok(),
    }
}

/// What stands between `//` and the next slash, question mark or number sign.
static URL: LazyLock<Regex> = LazyLock::new(|| {
    // What JDK 25 refuses in an authority: delimiters, control characters, and what looks like delimiters.
    let refused = r"/?#\x00-\x1F\x7F\[\]\\⁇⁈⁉℀℁℅℆⩴﹕﹖﹟﹫＃／：？＠";
    let name = format!(r#"[^{refused} "<>^`{{|}}:@]+"#);
    let v6 = r"\[(?<v6>[0-9A-Fa-f:.]+)(?:%[^\x00-\x1F\x7F\[\]]+)?\]";
    let user = format!(r"(?:[^{refused}@]*@)?");
    regex(&format!(
        r"[\x00-\x20]*(?i:url:)?(?i:https?|ftp|file)://{user}(?<host>{v6}|{name})(?::(?<port>[^/?#]*))?(?:[/?#].*)?"
    ))
});

fn url(text: &str) -> Option<String> {
    let text = text.trim_end_matches(|c: char| c <= ' ');
    // User information ends at the only `@` of the authority.
    let parts = URL.captures(text)?;
    let host = &parts["host"];
    let part = |name: &str| parts.name(name).map(|part| part.as_str());
    let is_v6 = part("v6").is_none_or(|v6| {
        let groups = v6
            .split(':')
            .map(|group| match group.trim_start_matches('0') {
                "" if !group.is_empty() => "0",
                rest if group.contains('.') || rest.is_empty() => group,
                rest => rest,
            });
        is_v6_of_url(v6, &groups.collect::<Vec<_>>().join(":"))
    });
    let is_port = part("port")
        .is_none_or(|port| port.is_empty() || port.parse::<i32>().is_ok_and(|port| port >= -1));
    (is_v6 && is_port).then(|| host.to_owned())
}

/// The tail of an address has at most 15 characters.
fn is_v6_of_url(text: &str, without_zeros: &str) -> bool {
    let tail = text.rsplit(':').next().unwrap_or_default();
    is_v6(without_zeros) && (!tail.contains('.') || tail.len() <= 15)
}
