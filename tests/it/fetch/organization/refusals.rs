//! What each refusal is about, and what to do.

use std::fs;

use super::{organization, parameter};
use crate::fetch::running::now;
use crate::support::atlassian::organization::error;
use crate::support::atlassian::{Fault, Wait};
use crate::support::fetching::Fetching;
use crate::support::program::run_command;

/// What is said of a status with that body; the run must end with 1, and no secret be told.
fn said(status: u16, body: &str) -> String {
    let fetching = organization(1);
    let body = body.to_owned();
    fetching
        .server
        .set(|settings| settings.organization.refusal = Some((status, body)));
    let said = fetching.fetch_ends(&["--raw"], 1);
    let key = fetching.server.settings().organization.key;
    assert!(!said.contains(&key), "{said}");
    said
}

#[test]
fn each_refusal_says_what_to_do() {
    let of = |status: &str, code, detail| error(status, code, "", detail);
    let gateway = r#"{"timestamp":"x","path":"/y","status":403,"error":"Forbidden","message":"User has no permission","requestId":"z"}"#;
    let entitlement = r#"{"code":403,"message":"Audit Log Entitlement validation failed"}"#;
    for (status, body, words) in [
        (400, of("400", "ADMIN-400-3", "from is too old"), "--since"),
        (
            401,
            of("401", "ADMIN-401-1", "Access denied"),
            "make a new one",
        ),
        (
            401,
            r#"{"code":401,"message":"Unauthorized"}"#.to_owned(),
            "organization API key",
        ),
        (
            403,
            of("403", "ADMIN-403-3", "Forbidden"),
            "read:events:admin",
        ),
        (403, gateway.to_owned(), "organization admin"),
        (403, entitlement.to_owned(), "Guard Standard"),
        (
            404,
            of("404", "ADMIN-404-2", "No such org"),
            "admin.atlassian.com/o/ID/",
        ),
    ] {
        let said = said(status, &body);
        assert!(said.contains(words), "{status} {body}: {said}");
        assert!(said.contains(&format!("status {status}")), "{said}");
    }
}

#[test]
fn a_wrong_key_and_another_organization_are_refused() {
    let fetching = organization(1);
    let wrong = fetching.file("key", "ATCTT-wrong\n").display().to_string();
    let said = fetching.fetch_ends(&["--org-api-key-file", &wrong], 1);
    assert!(said.contains("returned status 401"), "{said}");
    let said = fetching.fetch_ends(&["--org-id", "ffff-1"], 1);
    assert!(said.contains("there is no organization ffff-1"), "{said}");
}

#[test]
fn flags_of_sites_do_not_go_with_an_organization() {
    let fetching = organization(0);
    for flags in [
        &["--url", "https://acme.atlassian.net"][..],
        &["--cloud-id", "x"],
        &["--email", "a@example.com"],
        &["--search", "x"],
        &["--settle", "1s"],
        &["--window", "1d"],
        &["--exclude-own-searches"],
        &["--deployment", "cloud"],
    ] {
        let said = fetching.fetch_ends(flags, 2);
        assert!(said.contains("--org-id"), "{said}");
    }
    let site = Fetching::cloud();
    let said = site.fetch_ends(&["--product", "confluence"], 2);
    let words = "cannot be used with '--product <NAME>'";
    assert!(said.contains(words), "{said}");
    let said = fetching.fetch_ends(&["--dialect", "cloud"], 2);
    assert!(said.contains("only events in the dialect org"), "{said}");
    let said = fetching.fetch_ends(&["--org-id", "https://x"], 2);
    assert!(said.contains("expected an organization id"), "{said}");
}

#[test]
fn without_a_key_there_is_a_word_on_where_to_get_one() {
    let fetching = organization(0);
    let mut command = fetching.to_file(&[]);
    command.env_remove("CONFLUENCE_ORG_API_KEY");
    let output = crate::support::program::run_command(command, b"");
    let said = crate::support::fetching::said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("CONFLUENCE_ORG_API_KEY"), "{said}");
}

#[test]
fn an_organization_that_is_not_found_at_first_is_read_from_where_it_was_to_begin() {
    let fetching = organization(0);
    let body = error("404", "ADMIN-404-2", "", "No such org");
    fetching
        .server
        .set(|settings| settings.organization.refusal = Some((404, body)));
    let id = fetching.server.settings().organization.id;
    let start = fetching.state().join(format!("org-{id}.start"));
    let flags = ["--raw", "--since", "1h"];
    fetching.fetch_ends(&flags, 1);
    let kept = fs::read_to_string(&start).expect("a start");
    let begun = now() - 3_600_000;
    fetching.fetch_ends(&flags, 1);
    assert_eq!(fs::read_to_string(&start).expect("a start"), kept);
    fetching
        .server
        .set(|settings| settings.organization.refusal = None);
    fetching.fetch(&flags);
    let from = parameter(&fetching, 2, "from").expect("a start");
    assert!(from.parse::<i64>().expect("a number") <= begun, "{from}");
    assert!(!start.exists());
}

#[test]
fn a_refusal_in_the_middle_of_a_run_keeps_what_came_before() {
    for status in [401, 403] {
        let fetching = organization(100);
        fetching.server.next(Fault::ExtraKeys);
        fetching.server.next(Fault::Status(status));
        let flags = ["--raw", "--page-size", "40"];
        let said = fetching.fetch_ends(&flags, 1);
        assert!(said.contains(&format!("status {status}")), "{said}");
        assert_eq!(fetching.lines().len(), 40);
        fetching.fetch(&flags);
        fetching.assert_events_once();
    }
}

#[test]
fn an_organization_that_is_gone_is_told_though_there_is_a_cursor() {
    let fetching = organization(1);
    fetching.fetch(&["--raw"]);
    let gone = error("404", "ADMIN-404-2", "", "No such org");
    fetching
        .server
        .set(|settings| settings.organization.refusal = Some((404, gone)));
    let said = fetching.fetch_ends(&["--raw"], 1);
    assert!(said.contains("there is no organization"), "{said}");
}

#[test]
fn a_redirect_to_another_origin_gets_no_key() {
    let fetching = organization(100);
    fetching.server.next(Fault::ExtraKeys);
    fetching.server.next(Fault::RedirectForeign);
    let flags = ["--raw", "--page-size", "40"];
    // The stand-in fails the test if the other origin is asked.
    let said = fetching.fetch_ends(&flags, 1);
    assert!(said.contains("redirect"), "{said}");
    for secret in fetching.server.secrets() {
        assert!(!said.contains(&secret), "{said}");
    }
    fetching.fetch(&flags);
    fetching.assert_events_once();
}

#[test]
fn check_of_an_organization_that_does_not_answer_promises_no_next_run() {
    for fault in [
        Fault::Html,
        Fault::Wait(429, Wait::Seconds(1000)),
        Fault::RedirectPage,
    ] {
        let fetching = organization(1);
        // Of the connection, and of each attempt.
        for _ in 0..4 {
            fetching.server.next(fault.clone());
        }
        let output = run_command(fetching.command("check", &[]), b"");
        let told = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("check the server and anything"), "{told}");
        for wrong in ["by the next run", "Data Center"] {
            assert!(!told.contains(wrong), "{told}");
        }
        fetching.server.take_violations();
    }
}
