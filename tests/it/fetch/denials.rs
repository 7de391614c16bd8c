//! Answers that deny the login: CAPTCHAs, disabled basic authentication, redirects to login pages; and those that
//! only look so.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::support::fetching::said;
use crate::support::outcome::filtered;
use crate::support::program;

const WRONG: &str = "wrong-secret-7e57ed";

/// A server that refuses everything in that way; counts the requests.
fn refusing(
    status: &'static str,
    headers: &'static str,
    body: &'static str,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            count.fetch_add(1, Ordering::SeqCst);
            let length = body.len();
            let _ = write!(
                &stream,
                "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    (format!("http://{address}"), requests)
}

/// What is said of such a server, with a password and with a personal access token.
fn said_of(status: &'static str, headers: &'static str, body: &'static str) -> String {
    let (url, _) = refusing(status, headers, body);
    let mut told = String::new();
    for who in [&["--email", "me"][..], &[]] {
        for name in ["fetch", "check"] {
            let folder = tempfile::tempdir().expect("a folder");
            let variable = if who.is_empty() {
                "CONFLUENCE_PAT"
            } else {
                "CONFLUENCE_API_TOKEN"
            };
            let mut command = program::command([name, "--url", &url]);
            command.args(["--deployment", "data-center"]).args(who);
            command
                .arg("--state-dir")
                .arg(folder.path())
                .env(variable, WRONG);
            let output = program::run_command(command, b"");
            assert_eq!(output.status.code(), Some(1), "{}", said(&output));
            let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
            let lines = said(&output) + &stdout;
            let of_it = |line: &&str| {
                line.contains("ERROR") || line.contains("FAIL") || line.contains("remedy")
            };
            let lines: Vec<&str> = lines.lines().filter(of_it).collect();
            told += &filtered(&format!("{name}: {}\n", lines.join("\n")));
        }
    }
    told
}

#[test]
fn a_captcha_is_to_be_solved_in_a_browser() {
    let reason =
        "X-Authentication-Denied-Reason: CAPTCHA_CHALLENGE; login-url=https://x/login.jsp\r\n";
    insta::assert_snapshot!(said_of("403 Forbidden", reason, "<html>CAPTCHA</html>"));
    let reason = "X-Seraph-LoginReason: AUTHENTICATION_DENIED\r\n";
    let told = said_of("401 Unauthorized", reason, "{}");
    assert_eq!(
        told.matches("log in once in a browser").count(),
        4,
        "{told}"
    );
    // This one only says that the password is wrong.
    let reason = "X-Seraph-LoginReason: AUTHENTICATED_FAILED\r\n";
    let told = said_of("401 Unauthorized", reason, "{}");
    assert!(!told.contains("browser"), "{told}");
}

#[test]
fn a_captcha_is_demanded_with_any_status_and_never_provoked_again() {
    for (status, headers, body) in [
        (
            "200 OK",
            "Content-Type: text/html\r\nX-Seraph-LoginReason: AUTHENTICATION_DENIED\r\n",
            "<html>Log in</html>",
        ),
        (
            "200 OK",
            "X-Authentication-Denied-Reason: CAPTCHA_CHALLENGE; login-url=https://x/login.jsp\r\n",
            "",
        ),
        (
            "302 Found",
            "Location: /login.action\r\nX-Seraph-LoginReason: AUTHENTICATION_DENIED\r\n",
            "",
        ),
        (
            "302 Found",
            "Location: https://id.example.com/x\r\nX-Seraph-LoginReason: OK, AUTHENTICATION_DENIED\r\n",
            "",
        ),
        (
            "404 Not Found",
            "X-Seraph-LoginReason: AUTHENTICATION_DENIED\r\n",
            "<html>no</html>",
        ),
        (
            "503 Service Unavailable",
            "X-Seraph-LoginReason: AUTHENTICATION_DENIED\r\n",
            "<html>no</html>",
        ),
    ] {
        let told = said_of(status, headers, body);
        let count = told.matches("log in once in a browser").count();
        assert_eq!(count, 4, "{status} {headers}: {told}");
        let (url, requests) = refusing(status, headers, body);
        let folder = tempfile::tempdir().expect("a folder");
        let mut daemon = program::command(["fetch", "--interval", "10ms", "--url", &url]);
        daemon.arg("--state-dir").arg(folder.path());
        let output = program::run_command(with_pat(daemon), b"");
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert_eq!(requests.load(Ordering::SeqCst), 1, "{status} {headers}");
    }
}

fn with_pat(mut command: Command) -> Command {
    command.env("CONFLUENCE_PAT", WRONG);
    command
}

#[test]
fn basic_authentication_that_is_disabled_is_told_from_a_wrong_password() {
    for (status, body) in [
        (
            "403 Forbidden",
            r#"{"message":"Basic Authentication has been disabled on this instance."}"#,
        ),
        (
            "401 Unauthorized",
            "<html><p>Basic Auth is not allowed here</p></html>",
        ),
    ] {
        let told = said_of(status, "", body);
        let words = "basic authentication is disabled on this server: use a personal access token";
        // Not where a personal access token is used already.
        assert_eq!(told.matches(words).count(), 2, "{told}");
        assert!(!told.contains("user or password is wrong"), "{told}");
    }
}

/// What is said of a server that redirects there.
fn said_of_redirect(target: &str) -> String {
    let headers: &'static str = format!("Location: {target}\r\n").leak();
    said_of("302 Found", headers, "")
}

#[test]
fn a_redirect_to_a_login_page_is_not_a_url_to_use() {
    for target in [
        "https://id.example.com/login",
        "https://sso.example.com/adfs/ls",
        "https://corp.example.com/app?SAMLRequest=x",
    ] {
        let told = said_of_redirect(target);
        let advice = ["use that URL", "use it instead"];
        assert!(!advice.iter().any(|words| told.contains(words)), "{told}");
        assert_eq!(told.matches("a login page on").count(), 4, "{told}");
    }
}

#[test]
fn a_site_that_has_moved_is_no_login_page_whatever_its_name() {
    for target in [
        "https://portal.example.com/wiki/rest/auditing/1.0/events?limit=1",
        "https://auth.example.com/realms/rest/auditing/1.0/events",
    ] {
        let told = said_of_redirect(target);
        assert!(!told.contains("login"), "{told}");
        assert_eq!(told.matches("use it instead").count(), 4, "{told}");
    }
}

#[test]
fn a_redirect_to_a_page_that_may_be_anything_names_both_remedies() {
    insta::assert_snapshot!(said_of_redirect("https://portal.example.com/wiki"));
}

#[test]
fn a_refusal_names_the_remedy_for_what_it_says() {
    for (status, headers, body, remedy) in [
        (
            "400 Bad Request",
            "",
            r#"{"message":"start must be less than 20"}"#,
            "a shorter --window",
        ),
        (
            "403 Forbidden",
            "",
            r#"{"message":"IP address not allowlisted"}"#,
            "add that of this machine",
        ),
        (
            "407 Proxy Authentication Required",
            "",
            "",
            "--proxy-password-file FILE",
        ),
        (
            "200 OK",
            "Content-Type: text/html\r\n",
            "<html><title>Log in</title></html>",
            "check --url",
        ),
    ] {
        let told = said_of(status, headers, body);
        for told in told.lines().filter(|line| line.starts_with("fetch: ")) {
            assert!(told.contains(remedy), "{status}: {told}");
            assert!(
                !told.contains("malformed") && !told.contains("licence"),
                "{told}"
            );
        }
    }
}
