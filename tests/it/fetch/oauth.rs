//! With the grant of a login.

use std::time::Duration;

use rustix::process::Signal;

use super::running::Running;
use crate::support::atlassian::{Atlassian, Fault, cloud_record};
use crate::support::fetching::{Fetching, START, Way, said};
use crate::support::program::{run_command, wait_until};

fn fetch(fetching: &Fetching, flags: &[&str], code: i32) -> String {
    let mut program = fetching.to_file(&["--raw", "--window", "365d", "--page-size", "10"]);
    program.args(["--auth-base", fetching.server.auth_base()]);
    let secret = fetching.server.settings().client_secret;
    program.env("CONFLUENCE_OAUTH_CLIENT_SECRET", secret);
    program.args(flags);
    let output = run_command(program, b"");
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    said(&output)
}

fn logged_in() -> Fetching {
    let fetching = Fetching::of(Atlassian::cloud(), Way::Grant);
    let record = |number: i64| cloud_record(START + number * 1000, number.cast_unsigned());
    fetching.server.insert_all((0..35).map(record));
    fetching.login();
    fetching
}

#[test]
fn the_only_site_of_the_grant_is_asked_through_the_gateway() {
    let fetching = logged_in();
    fetch(&fetching, &[], 0);
    fetching.assert_all_once();
}

#[test]
fn an_access_token_that_ends_in_the_middle_is_renewed_once() {
    let fetching = logged_in();
    let server = &fetching.server;
    server.set(|settings| settings.access_token_life = std::time::Duration::from_secs(3600));
    server.expire_access_tokens();
    fetch(&fetching, &[], 0);
    fetching.assert_all_once();
    assert_eq!(server.refreshes(), 1);
    assert_eq!(server.refresh_reuses(), 0);
}

#[test]
fn a_revoked_grant_asks_for_a_new_login() {
    let fetching = logged_in();
    fetching.server.revoke_grant();
    let said = fetch(&fetching, &[], 1);
    assert!(said.contains("auth login"), "{said}");
}

#[test]
fn of_several_sites_one_is_to_be_chosen() {
    let fetching = Fetching::of(Atlassian::cloud(), Way::Grant);
    let scopes = vec!["read:audit-log:confluence".to_owned()];
    let other = ("other-id".to_owned(), "Other".to_owned(), scopes);
    fetching
        .server
        .set(|settings| settings.more_sites = vec![other]);
    fetching.login();
    let said = fetch(&fetching, &[], 2);
    assert!(
        said.contains("--cloud-id") && said.contains("other-id"),
        "{said}"
    );
    let id = fetching.server.settings().cloud_id;
    fetch(&fetching, &["--cloud-id", &id], 0);
}

#[test]
fn an_only_site_without_the_scope_is_said_to_lack_it() {
    for place in [&[][..], &["--url", "URL"]] {
        let fetching = Fetching::of(Atlassian::cloud(), Way::Grant);
        let sites = serde_json::json!([{
            "id": fetching.server.settings().cloud_id,
            "url": fetching.server.url(),
            "name": "acme",
            "scopes": ["read:page:confluence"],
        }]);
        fetching.server.set(|settings| settings.sites = Some(sites));
        fetching.login();
        let url = fetching.server.url();
        let place: Vec<&str> = place
            .iter()
            .map(|word| if *word == "URL" { &url } else { *word })
            .collect();
        let flags = [&["--deployment", "cloud"], &place[..]].concat();
        let said = fetch(&fetching, &flags, 1);
        let lacks = "lacks the scope read:audit-log:confluence";
        assert!(said.contains(lacks) && said.contains(&url), "{said}");
        assert!(!said.contains("does not cover"), "{said}");
        assert!(said.contains(&login_again(&fetching)), "{said}");
    }
}

/// The command that reaches the same servers and the same state.
fn login_again(fetching: &Fetching) -> String {
    let server = &fetching.server;
    format!(
        "`confluence-ecs auth login --client-id {} --api-base {}/ --auth-base {}/ --state-dir {}`",
        server.settings().client_id,
        server.api_base(),
        server.auth_base(),
        fetching.state().display()
    )
}

#[test]
fn a_login_that_covers_no_site_is_not_blamed_on_a_flag_that_was_not_given() {
    let fetching = Fetching::of(Atlassian::cloud(), Way::Grant);
    fetching.login();
    let none = serde_json::json!([]);
    fetching.server.set(|settings| settings.sites = Some(none));
    let path = fetching.state().join("oauth.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"sites\""), "{text}");
    let said = fetch(
        &fetching,
        &["--deployment", "cloud", "--url", "https://other.example"],
        2,
    );
    assert!(said.contains("covers no site"), "{said}");
    assert!(said.contains(&login_again(&fetching)), "{said}");
    assert!(!said.contains("--cloud-id"), "{said}");
}

#[test]
fn without_a_login_it_is_said_how_to_log_in() {
    let fetching = Fetching::of(Atlassian::cloud(), Way::Grant);
    let said = fetch(&fetching, &[], 2);
    assert!(
        said.contains("auth login") && said.contains("--email"),
        "{said}"
    );
}

/// A signal that comes while new tokens are asked for, which are lost if nobody waits for them.
fn signalled_in_a_refresh(command: &str, signal: Signal) {
    let fetching = logged_in();
    fetching.server.expire_access_tokens();
    fetching.server.next(Fault::Slow {
        pieces: 4,
        pause: Duration::from_millis(150),
    });
    let before = fetching.server.refreshes();
    let state = fetching.state();
    let mut program = if command == "fetch" {
        fetching.to_file(&["--raw", "--window", "365d"])
    } else {
        let mut program = crate::support::program::command(["auth", command]);
        program.arg("--state-dir").arg(&state);
        program
    };
    let secret = fetching.server.settings().client_secret;
    program.env("CONFLUENCE_OAUTH_CLIENT_SECRET", secret);
    let mut running = Running::start(program);
    wait_until("the refresh", || fetching.server.refreshes() > before);
    running.signal(signal);
    running.ends();
    // The new tokens are on disk: nobody has to log in again.
    fetch(&fetching, &[], 0);
    fetching.assert_all_once();
    assert_eq!(fetching.server.refresh_reuses(), 0);
}

#[test]
fn a_signal_waits_for_new_tokens() {
    for command in ["fetch", "refresh", "sites"] {
        for signal in [Signal::TERM, Signal::INT] {
            signalled_in_a_refresh(command, signal);
        }
    }
}
