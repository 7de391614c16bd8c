//! Requests through proxies, and the proxies that cannot be used (docs/fetch.md, "Proxies").

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use regex::Regex;

use super::network::tls_server;
use crate::support::atlassian::data_center_record;
use crate::support::fetching::{Fetching, START, said};
use crate::support::outcome::filtered;
use crate::support::program::{self, run_command};
use crate::support::proxy::Proxy;

/// A host that only the proxies find.
const HOST: &str = "wiki.example.test";
const SECRET: &str = "pr0xy-s3cret";
const LOGIN: &str = "me:pr0xy-s3cret";

/// A Data Center with a name that this machine does not resolve.
fn behind() -> Fetching {
    let fetching = Fetching::data_center();
    let record = |number: i64| data_center_record(START + number * 1000, number.cast_unsigned());
    fetching.server.insert_all((0..35).map(record));
    fetching
}

/// A fetch of it, with those variables.
fn command(fetching: &Fetching, variables: &[(&str, &str)], flags: &[&str]) -> Command {
    let url = fetching.server.url().replace("127.0.0.1", HOST);
    let mut all = vec!["--raw", "--window", "365d", "--page-size", "10"];
    for own in [["--url", &url], ["--retries", "0"]] {
        if !flags.contains(&own[0]) {
            all.extend(own);
        }
    }
    let mut program = fetching.to_file(&[&all, flags].concat());
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        program.env_remove(name).env_remove(name.to_uppercase());
    }
    program.env_remove("CONFLUENCE_ECS_PROXY_PASSWORD");
    program.envs(variables.iter().copied());
    program
}

/// It must end with that code, and say nothing of the password; what it said, for a snapshot.
fn ends(program: Command, code: i32) -> String {
    let output = run_command(program, b"");
    let told = said(&output);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(!told.contains(SECRET), "{told}");
    let port = Regex::new(r"\.test:\d+").expect("a pattern");
    port.replace_all(&filtered(&told), ".test:[PORT]")
        .into_owned()
}

/// Everything must come through that proxy; what it was asked for.
fn all_come_through(proxy: &Proxy, variables: &[(&str, &str)], flags: &[&str]) -> Vec<String> {
    let fetching = behind();
    // A busy machine may lose a connection.
    let flags = [flags, &["--retries", "5"]].concat();
    let output = run_command(command(&fetching, variables, &flags), b"");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    fetching.assert_all_once();
    let port = fetching.server.url().replace("/confluence", "");
    let port = port.rsplit(':').next().unwrap_or_default();
    let replace = |asked: String| asked.replace(port, "PORT");
    proxy.asked().into_iter().map(replace).collect()
}

#[test]
fn a_plain_http_site_is_asked_with_the_whole_url() {
    for setting in ["http_proxy", "all_proxy", "ALL_PROXY", "--proxy"] {
        let proxy = Proxy::http(None);
        let url = format!("http://{}", proxy.place());
        let asked = match setting {
            "--proxy" => all_come_through(&proxy, &[], &[setting, &url]),
            variable => all_come_through(&proxy, &[(variable, &url)], &[]),
        };
        assert!(asked.len() > 3, "{asked:?}");
        let whole = format!("GET http://{HOST}:PORT/confluence/rest/auditing/1.0/events?");
        assert!(
            asked.iter().all(|line| line.starts_with(&whole)),
            "{asked:?}"
        );
    }
}

#[test]
fn an_https_site_is_asked_through_a_tunnel() {
    let (port, authority) = tls_server();
    let fetching = Fetching::cloud();
    let file = fetching.file("ca.pem", &authority);
    for (proxy, scheme, expected) in [
        (
            Proxy::http(Some(LOGIN)),
            "http",
            "CONNECT localhost:PORT HTTP/1.1",
        ),
        (Proxy::socks(Some(LOGIN)), "socks5h", "SOCKS localhost:PORT"),
    ] {
        let url = format!("{scheme}://{LOGIN}@{}", proxy.place());
        let site = format!("https://localhost:{port}");
        let flags = ["--url", &site, "--deployment", "cloud", "--email", "a@b.c"];
        let mut program = command(&fetching, &[("HTTPS_PROXY", &url)], &flags);
        program.arg("--ca-file").arg(&file);
        program.args(["--until", "2026-01-05T01:00:00Z"]);
        program.env("CONFLUENCE_API_TOKEN", "token");
        let output = run_command(program, b"");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        // One for the cloud id, one for the records.
        let asked = proxy.asked().join("\n").replace(&port.to_string(), "PORT");
        assert_eq!(asked, [expected; 2].join("\n"));
    }
}

#[test]
fn a_socks_proxy_is_used_and_resolves_names() {
    let proxy = Proxy::socks(None);
    let url = format!("socks5h://{}", proxy.place());
    let expected = format!("SOCKS {HOST}:PORT");
    for (variables, flags) in [
        (&[("all_proxy", &*url)][..], &[][..]),
        (&[("http_proxy", &*url)], &[]),
        (&[], &["--proxy", &*url]),
    ] {
        let asked = all_come_through(&proxy, variables, flags);
        assert_eq!(asked.last(), Some(&expected));
    }
    // Without the h, this machine resolves them.
    let local = url.replace("socks5h", "socks5");
    let told = ends(command(&behind(), &[("ALL_PROXY", &local)], &[]), 1);
    assert!(told.contains(HOST) && told.contains("socks5h"), "{told}");
}

#[test]
fn the_password_of_a_proxy_has_many_places() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("proxy-password");
    fs::write(&file, format!("{SECRET}\n")).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    let file = file.to_str().expect("UTF-8");
    let directory = folder.path().to_str().expect("UTF-8");
    for kind in ["http", "socks5h"] {
        let proxy = if kind == "http" {
            Proxy::http(Some(LOGIN))
        } else {
            Proxy::socks(Some(LOGIN))
        };
        let whole = format!("{kind}://{LOGIN}@{}", proxy.place());
        let user = format!("{kind}://me@{}", proxy.place());
        let other = format!("{kind}://me:other@{}", proxy.place());
        let flag = ["--proxy", &user];
        for (variables, flags) in [
            (&[("http_proxy", &*whole)][..], &[][..]),
            (&[("CONFLUENCE_ECS_PROXY_PASSWORD", SECRET)], &flag),
            (&[("CREDENTIALS_DIRECTORY", directory)], &flag),
            (&[], &[flag[0], flag[1], "--proxy-password-file", file]),
            (&[("all_proxy", &*user)], &["--proxy-password-file", file]),
            // A flag wins over the environment.
            (&[("all_proxy", &*other)], &["--proxy-password-file", file]),
        ] {
            all_come_through(&proxy, variables, flags);
        }
    }
}

#[test]
fn a_proxy_that_is_not_understood_is_an_error_and_never_left_out() {
    let mut told = String::new();
    for (variable, site) in [
        ("ALL_PROXY", "http"),
        ("all_proxy", "https"),
        ("HTTPS_PROXY", "https"),
        ("https_proxy", "https"),
        ("http_proxy", "http"),
    ] {
        let site = format!("{site}://wiki.example.test");
        let variables = [(variable, "gopher://me:pr0xy-s3cret@h:1")];
        told += &ends(command(&behind(), &variables, &["--url", &site]), 2);
    }
    for value in [
        "socks://h:1",
        "http://",
        "http://me:pr0xy-s3cret@h:port",
        "me:pr0xy-s3cret@",
    ] {
        told += &ends(command(&behind(), &[("ALL_PROXY", value)], &[]), 2);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_password_is_no_argument() {
    let mut told = String::new();
    for value in [
        "http://me:pr0xy-s3cret@h:1",
        "socks5h://me:pr0xy-s3cret@h:1",
        "me:pr0xy-s3cret@h:1",
        "http://me:pr0xy-s3cret@more@h:1",
        "http://me:pr0xy-s3cret@h:port",
        "http://me:pr0xy-s3cret@",
        "http:/me:pr0xy-s3cret@h",
        "://me:pr0xy-s3cret@h",
    ] {
        told += &ends(command(&behind(), &[], &["--proxy", value]), 2);
        ends(command(&behind(), &[], &[&format!("--proxy={value}")]), 2);
    }
    let fetching = behind();
    let file = fetching.file("password", SECRET);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    let mut program = command(&fetching, &[], &["--proxy-password-file"]);
    program.arg(file);
    told += &ends(program, 2);
    insta::assert_snapshot!(told);
}

#[test]
fn no_proxy_lists_hosts_with_all_below_them() {
    let proxy = Proxy::http(None);
    let url = format!("http://{}", proxy.place());
    for (name, list) in [
        ("NO_PROXY", "other.test, example.test"),
        ("no_proxy", ".example.test"),
        ("NO_PROXY", "*"),
    ] {
        let told = ends(
            command(&behind(), &[("http_proxy", &url), (name, list)], &[]),
            1,
        );
        let direct = format!("cannot resolve host {HOST}");
        assert!(told.contains(&direct), "{list}: {told}");
    }
    assert!(proxy.asked().is_empty());
    // The flag wins over the environment, all of it.
    all_come_through(&proxy, &[("NO_PROXY", "*")], &["--proxy", &url]);
    all_come_through(
        &proxy,
        &[("http_proxy", &url), ("NO_PROXY", "test.example")],
        &[],
    );
}

/// A place where nobody listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

#[test]
fn the_variable_that_curl_does_not_read_is_told_of() {
    let proxy = Proxy::http(None);
    let url = format!("http://{}", proxy.place());
    let upper = [("HTTP_PROXY", &*url)];
    let warning = "WARN HTTP_PROXY is not used";
    let told = ends(command(&behind(), &upper, &["--retries", "2"]), 1);
    assert_eq!(told.matches(warning).count(), 1, "{told}");
    let told = ends(
        command(&behind(), &[upper[0], ("NO_PROXY", "test")], &[]),
        1,
    );
    assert!(!told.contains(warning), "{told}");
    let told = ends(
        command(&behind(), &upper, &["--url", "https://wiki.example.test"]),
        1,
    );
    assert!(!told.contains(warning), "{told}");
    assert!(proxy.asked().is_empty());
}

#[test]
fn a_proxy_that_does_not_do_it_is_named() {
    let nobody = closed_port();
    let (http, socks) = (Proxy::http(Some("a:b")), Proxy::socks(Some("a:b")));
    let forbids = Proxy::answering("403 Forbidden");
    let breaks = Proxy::answering("502 Bad Gateway");
    let mut told = String::new();
    for (scheme, place) in [
        ("http", nobody.as_str()),
        ("socks5h", &nobody),
        ("http", "proxy.invalid:3128"),
        ("socks5h", "proxy.invalid:1080"),
        ("http", &http.place()),
        ("socks5h", &socks.place()),
    ] {
        for login in ["", "me:pr0xy-s3cret@"] {
            let url = format!("{scheme}://{login}{place}");
            told += &ends(command(&behind(), &[("all_proxy", &url)], &["-vv"]), 1);
        }
    }
    for proxy in [&http, &forbids, &breaks] {
        let url = format!("http://{}", proxy.place());
        let site = ["--url", "https://wiki.example.test", "-vv"];
        told += &ends(command(&behind(), &[("https_proxy", &url)], &site), 1);
    }
    let is_told = |line: &&str| line.contains("ERROR");
    let errors: Vec<&str> = told.lines().filter(is_told).collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn no_command_says_the_password_of_a_proxy() {
    let fetching = behind();
    let proxy = Proxy::answering("403 Forbidden");
    for (scheme, place) in [
        ("http", closed_port()),
        ("socks5h", closed_port()),
        ("http", proxy.place()),
        ("http", "h:port".to_owned()),
        ("socks", "h:1".to_owned()),
    ] {
        let url = format!("{scheme}://me:{SECRET}@{place}");
        for words in [
            &["fetch"][..],
            &["check"],
            &["auth", "login", "--client-id", "app", "--paste"],
        ] {
            let mut program = program::command(words);
            program.args(["-vv", "--log-format", "json", "--retries", "0"]);
            program.arg("--state-dir").arg(fetching.state());
            if words.len() == 1 {
                program.args(["--url", "https://wiki.example.test"]);
            }
            for name in [
                "http_proxy",
                "https_proxy",
                "HTTPS_PROXY",
                "no_proxy",
                "NO_PROXY",
            ] {
                program.env_remove(name);
            }
            program.env_remove("all_proxy").env("ALL_PROXY", &url);
            program.env("CONFLUENCE_PAT", "token");
            program.env("CONFLUENCE_OAUTH_CLIENT_SECRET", "client-secret");
            let output = run_command(program, b"code=x&state=y\n");
            let told = [output.stdout, output.stderr].concat();
            let told = String::from_utf8_lossy(&told);
            assert!(!told.contains(SECRET), "{told}");
            assert!(matches!(output.status.code(), Some(1 | 2)), "{told}");
        }
    }
}

/// What `fetch` says of a proxy that answers a plain request itself.
fn answered(status: &'static str, flags: &[&str]) -> (String, String) {
    let proxy = Proxy::answering(status);
    let url = format!("http://{}", proxy.place());
    let told = ends(command(&behind(), &[("http_proxy", &url)], flags), 1);
    let check = {
        let fetching = behind();
        let site = fetching.server.url().replace("127.0.0.1", HOST);
        let mut program = fetching.command("check", &["--url", &site, "--retries", "0"]);
        program.env("http_proxy", &url).env_remove("no_proxy");
        let output = run_command(program, b"");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let name = format!("the proxy {url}");
    let name = filtered(&name);
    assert!(told.contains(&name), "{name}: {told}");
    (told, check)
}

#[test]
fn a_plain_request_that_a_proxy_refuses_is_not_blamed_on_confluence() {
    for sign in [
        "403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0",
        "400 Bad Request\r\nServer: squid/5.7",
        "404 Not Found\r\nServer: tinyproxy/1.11.1",
        "502 Bad Gateway\r\nProxy-Agent: x/1",
        "503 Service Unavailable\r\nX-Squid-Error: ERR_DNS_FAIL 0",
        "302 Found\r\nLocation: http://block.example/\r\nX-Squid-Error: 302:x 0",
    ] {
        let (told, check) = answered(sign, &[]);
        assert!(told.contains("did not pass the request to"), "{told}");
        for blamed in ["permission", "personal access token", "ERR_ACCESS_DENIED 0"] {
            assert!(!told.contains(blamed), "{blamed}: {told}");
        }
        assert!(!check.contains("accepted"), "{check}");
    }
}

#[test]
fn an_answer_through_a_proxy_that_nothing_shows_to_be_the_site_s_may_be_the_proxy_s() {
    for status in [
        "403 Forbidden",
        "400 Bad Request",
        "404 Not Found\r\nVia: 1.1 gate (squid/5.7)",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "302 Found\r\nLocation: http://block.example/",
    ] {
        let (told, check) = answered(status, &[]);
        assert!(
            told.contains("or the answer is not the site's but"),
            "{told}"
        );
        assert!(!check.contains("accepted: "), "{check}");
    }
}

#[test]
fn a_variable_that_no_request_would_use_is_no_error() {
    let proxy = Proxy::http(None);
    let url = format!("http://{}", proxy.place());
    let wrong = ("all_proxy", "socks://me:pr0xy-s3cret@h:1");
    all_come_through(&proxy, &[("http_proxy", &url), wrong], &[]);
    let https = ("HTTPS_PROXY", "gopher://me:pr0xy-s3cret@h:1");
    all_come_through(&proxy, &[("http_proxy", &url), https], &[]);
    // Asked directly, in vain.
    let covered = [wrong, ("no_proxy", "example.test")];
    let told = ends(command(&behind(), &covered, &[]), 1);
    assert!(told.contains("cannot resolve host"), "{told}");
}
