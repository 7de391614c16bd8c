//! Logging in: the browser, the paste, and what goes wrong with them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use url::Url;

use super::world::{ACCOUNT, CLIENT_ID, Login, World, allow, browse, error, free_redirect};
use crate::support::atlassian::Plan;
use crate::support::program::stderr;

#[test]
fn what_makes_no_requests_takes_no_flags_of_requests() {
    let mut told = String::new();
    for name in ["status", "logout"] {
        for flags in [["--proxy", "http://h:1"], ["--client-secret-file", "f"]] {
            let world = World::new();
            told += &world.failed(&[&[name], &flags[..]].concat(), 2);
            told += "\n";
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn the_browser_brings_the_code_back() {
    for host in ["127.0.0.1", "localhost"] {
        let world = World::new();
        let redirect = free_redirect(host);
        let login = Login::start(world.command(&["login", "--redirect-uri", &redirect]));
        let back = allow(&login.url);
        let mut nowhere = back.clone();
        nowhere.set_path("/favicon.ico");
        assert_eq!(browse(&nowhere).0, 404);
        let (status, page) = browse(&back);
        assert_eq!(status, 200);
        assert!(page.contains("You may close this window"), "{page}");
        assert!(page.contains("Cache-Control: no-store"), "{page}");

        let output = world.end(login.end());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            printed,
            "11-22\thttps://acme.atlassian.net\tacme\taudit log\n\
             33-44\thttps://other.atlassian.net\tother\tno audit scope\n"
        );
        let grant = world.grant();
        assert_eq!(grant["client_id"], CLIENT_ID);
        assert_eq!(grant["account"], ACCOUNT);
        assert_eq!(grant["redirect_uri"], redirect);
        assert_eq!(grant["sites"].as_array().unwrap().len(), 2);
    }
}

/// Somebody who connects to where the browser is waited for, and sends that.
fn connect(url: &Url, sends: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
    stream.write_all(sends).unwrap();
    stream
}

#[test]
fn silent_connections_keep_nobody_waiting() {
    let world = World::new();
    let redirect = free_redirect("127.0.0.1");
    let login = Login::start(world.command(&["login", "--redirect-uri", &redirect]));
    let back = allow(&login.url);
    let mut silent: Vec<TcpStream> = (0..40).map(|_| connect(&back, b"")).collect();
    silent.extend((0..40).map(|_| connect(&back, b"GET /callback?code=x HTTP/1.1\r\nHost: ")));
    // More than there is room for.
    silent.extend((0..100).map(|_| connect(&back, b"")));
    let mut nowhere = back.clone();
    nowhere.set_path("/favicon.ico");
    assert_eq!(browse(&nowhere).0, 404);
    assert_eq!(browse(&back).0, 200);
    let output = world.end(login.end());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    drop(silent);
}

#[test]
fn a_request_without_end_is_refused_and_the_browser_still_served() {
    let world = World::new();
    let redirect = free_redirect("127.0.0.1");
    let login = Login::start(world.command(&["login", "--redirect-uri", &redirect]));
    let back = allow(&login.url);
    let mut endless = connect(&back, b"GET /callback?");
    endless
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let line = [b'x'; 4096];
    // It may be closed before everything is sent.
    let sent = (0..64)
        .take_while(|_| endless.write_all(&line).is_ok())
        .count();
    let mut answer = String::new();
    let read = endless.read_to_string(&mut answer);
    assert!(
        answer.starts_with("HTTP/1.1 431 ") || read.is_err(),
        "{sent} {answer}"
    );
    for garbage in [
        &b"\r\n\r\n"[..],
        b"\0\xff\n\n",
        b"POST /callback HTTP/1.1\r\n\r\n",
    ] {
        let mut stream = connect(&back, garbage);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
    assert_eq!(browse(&back).0, 200);
    assert_eq!(world.end(login.end()).status.code(), Some(0));
}

#[test]
fn the_grant_is_for_this_user_only_and_has_no_generation_before() {
    let world = World::logged_in();
    world.done(&["refresh"]);
    let mode = |name: &str| fs::metadata(world.state_dir.join(name)).unwrap().mode() & 0o777;
    assert_eq!(mode(""), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&world.state_dir).unwrap() {
        names.push(entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(mode(names.last().unwrap()), 0o600, "{names:?}");
    }
    names.sort();
    assert_eq!(names, ["oauth.json", "oauth.lock"]);
}

#[test]
fn a_foreign_state_is_refused_and_the_right_one_still_taken() {
    let world = World::new();
    let redirect = free_redirect("127.0.0.1");
    let mut login = Login::start(world.command(&["login", "--redirect-uri", &redirect]));
    let back = allow(&login.url);
    for query in [
        "code=evil&state=evil",
        "code=evil",
        "error=access_denied&state=evil",
    ] {
        let mut foreign = back.clone();
        foreign.set_query(Some(query));
        assert_eq!(browse(&foreign).0, 400, "{query}");
        login.process.says("rejected a callback");
    }
    assert_eq!(world.asked(), [""; 0]);
    assert_eq!(browse(&back).0, 200);
    let output = world.end(login.end());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn who_does_not_allow_it_is_told_so() {
    let world = World::new();
    let redirect = free_redirect("127.0.0.1");
    let login = Login::start(world.command(&["login", "--redirect-uri", &redirect]));
    let mut back = allow(&login.url);
    let state = back.query_pairs().find(|(key, _)| key == "state");
    let query = format!(
        "error=access_denied&error_description=User+did+not+authorize&state={}",
        state.unwrap().1
    );
    back.set_query(Some(&query));
    let (_, page) = browse(&back);
    assert!(page.contains("not granted"), "{page}");
    let output = world.end(login.end());
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(error(&output));
    assert_eq!(world.asked(), [""; 0]);
}

#[test]
fn a_signal_ends_the_wait() {
    for arguments in [
        &["login", "--redirect-uri", &free_redirect("127.0.0.1")][..],
        &["login", "--paste"],
    ] {
        let world = World::new();
        let login = Login::start(world.command(arguments));
        kill_process(Pid::from_child(&login.process.child), Signal::INT).unwrap();
        assert_eq!(world.end(login.end()).status.code(), Some(130));
    }
}

#[test]
fn a_port_in_use_and_another_machine_are_told_with_the_remedy() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let redirect = format!("http://127.0.0.1:{port}/callback");
    insta::assert_snapshot!(world.failed(&["login", "--redirect-uri", &redirect], 1));
    for redirect in ["https://example.com/callback", "https://127.0.0.1:1/"] {
        insta::assert_snapshot!(world.failed(&["login", "--redirect-uri", redirect], 2));
    }
    let more = ["--redirect-uri", "https://example.com/callback"];
    let output = world.paste(&more, |url| allow(&url).to_string());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn what_is_pasted_may_be_the_query_alone() {
    let world = World::new();
    let output = world.paste(&[], |url| allow(&url).query().unwrap().to_owned());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn what_cannot_be_used_of_a_paste_is_told() {
    let world = World::new();
    let mut errors = Vec::new();
    for pasted in [
        "",
        "garbage \u{1b}[31m",
        "http://127.0.0.1:8917/callback",
        "?code=evil&state=evil",
    ] {
        let output = world.paste(&[], |_| pasted.to_owned());
        assert_eq!(output.status.code(), Some(1), "{pasted}");
        errors.push(error(&output));
    }
    errors.push(world.failed(&["login", "--paste"], 1));
    insta::assert_snapshot!(errors.join("\n"));
    assert_eq!(world.asked(), [""; 0]);
}

#[test]
fn a_code_is_shown_once_unless_the_server_turns_it_away_unseen() {
    let world = World::new();
    world.server.plan([Plan::Lose]);
    let output = world.paste(&[], |url| allow(&url).into());
    assert_eq!(output.status.code(), Some(1));
    // The connection may break in several ways.
    let said = error(&output);
    assert!(said.contains("works only once: log in again"), "{said}");
    assert_eq!(world.asked().len(), 1);

    world.server.plan([Plan::Answer(500, "{}")]);
    let output = world.paste(&[], |url| allow(&url).into());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(world.asked().len(), 2);

    world.server.plan([Plan::Answer(429, "{}")]);
    world.log_in();
    assert_eq!(world.asked().len(), 4);
}

#[test]
fn answers_without_tokens_are_no_login() {
    let world = World::new();
    let mut errors = Vec::new();
    for (status, body) in [
        (200, "{}"),
        (200, "<html>"),
        (200, r#"{"access_token":"a b"}"#),
        (403, r#"{"error":"invalid_grant"}"#),
        (403, "<html>a proxy's</html>"),
        (400, r#"{"error":"invalid_request"}"#),
    ] {
        world.server.plan([Plan::Answer(status, body)]);
        let output = world.paste(&[], |url| allow(&url).into());
        assert_eq!(output.status.code(), Some(1), "{body}");
        errors.push(format!("{status} {body}\n{}", error(&output)));
        assert!(!world.state_dir.join("oauth.json").exists());
    }
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_failed_login_leaves_the_grant_before() {
    let world = World::logged_in();
    let before = world.grant();
    let output = world.paste(&[], |_| "garbage".to_owned());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(world.grant(), before);
}

#[test]
fn what_the_grant_lacks_is_told_at_once() {
    let world = World::new();
    let sites = json!([{"id": "1", "url": "u", "name": "n", "scopes": ["read:x"]}]);
    world.server.set(|settings| settings.sites = Some(sites));
    let body = r#"{"access_token":"eyJ.e30.x","expires_in":3600,"scope":"read:x"}"#;
    world.server.accept_access_token("eyJ.e30.x");
    world.server.plan([Plan::Answer(200, body)]);
    let output = world.paste(&[], |url| allow(&url).into());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("no refresh token received"), "{said}");
    assert!(
        said.contains("no site grants read:audit-log:confluence"),
        "{said}"
    );
    assert_eq!(world.grant()["account"], Value::Null);
}

#[test]
fn the_client_secret_must_be_there_before_a_browser_is_opened() {
    let world = World::new();
    let mut command = world.command(&["login"]);
    command.env_remove("CONFLUENCE_OAUTH_CLIENT_SECRET");
    let output = crate::support::program::run_command(command, b"");
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    insta::assert_snapshot!(error(&output));
    assert!(!said.contains("authorize"), "{said}");
}

#[test]
fn a_wrong_client_secret_is_told_apart() {
    let world = World::new();
    let mut command = world.command(&["login", "--paste"]);
    command.env("CONFLUENCE_OAUTH_CLIENT_SECRET", "wrong-one");
    let mut login = Login::start(command);
    let line = format!("{}\n", allow(&login.url));
    let stdin = login.process.child.stdin.as_mut().unwrap();
    stdin.write_all(line.as_bytes()).unwrap();
    let output = login.end();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(error(&output));
    assert!(!said.contains("wrong-one"), "{said}");
}
