//! Arguments that cannot be meant: 2, and a line that names the flag.

use std::path::Path;
use std::process::Command;

use crate::support::fetching::said;
use crate::support::program;

const URL: &str = "https://wiki.example.com";

/// A fetch that would ask nobody: it must not come to that.
fn command(folder: &Path, flags: &[&str]) -> Command {
    let mut command = program::command(["fetch", "--state-dir"]);
    command.arg(folder.join("state")).args(flags);
    command
}

fn ends_with_2(mut command: Command, folder: &Path, words: &[&str]) {
    command.current_dir(folder);
    let output = program::run_command(command, b"");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(!folder.join("state").exists(), "no state: {said}");
}

/// Those flags, beside a token and an address.
fn refuses(flags: &[&str], words: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = command(folder.path(), &["--url", URL]);
    command.args(flags).env("CONFLUENCE_PAT", "token");
    ends_with_2(command, folder.path(), words);
}

#[test]
fn values_that_are_none() {
    for (flag, value) in [
        ("--since", "yesterday"),
        ("--since", "-1h"),
        ("--since", "2026-13-01"),
        ("--until", "tomorrow"),
        ("--until", "24h"),
        ("--interval", "0s"),
        ("--interval", "-1s"),
        ("--interval", "often"),
        ("--overlap", "-5m"),
        ("--overlap", "ten minutes"),
        ("--settle", "x"),
        ("--window", "0s"),
        ("--window", "1 fortnight"),
        ("--page-size", "0"),
        ("--page-size", "-1"),
        ("--page-size", "100001"),
        ("--page-size", "many"),
        ("--retries", "-1"),
        ("--retries", "x"),
        ("--timeout", "0s"),
        ("--timeout", "soon"),
        ("--search", ""),
        ("--user-agent", ""),
        ("--deployment", "server"),
        ("--proxy", "ftp://nowhere:1"),
        ("--ca-file", "/nowhere/ca.pem"),
        ("--cloud-id", "a/b"),
    ] {
        refuses(&[flag, value], &[flag]);
    }
    refuses(&["--search", &"x".repeat(101)], &["--search", "100"]);
}

#[test]
fn a_range_that_ends_before_it_begins() {
    let flags = ["--since", "2026-01-05", "--until", "2026-01-04T00:00:00Z"];
    refuses(&flags, &["--until", "--since"]);
}

#[test]
fn addresses_that_are_none() {
    for url in [
        "acme.atlassian.net",
        "ftp://wiki.example.com",
        "https://user:secret@wiki.example.com",
        "https://user@wiki.example.com",
        "https://wiki.example.com/?a=b",
        "https://wiki.example.com/#a",
        "https://",
        "",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let command = command(folder.path(), &["--url", url]);
        ends_with_2(
            command,
            folder.path(),
            &["--url", "https://acme.atlassian.net"],
        );
    }
}

#[test]
fn credentials_that_are_not_enough() {
    let (token, pat) = (("CONFLUENCE_API_TOKEN", "t"), ("CONFLUENCE_PAT", "t"));
    let own = ["--deployment", "data-center", "--url", URL];
    let cloud = ["--url", "https://acme.atlassian.net"];
    for (place, flags, variables, words) in [
        (
            &own[..],
            &[][..],
            &[][..],
            &["CONFLUENCE_PAT", "--pat-file", "--email", URL][..],
        ),
        (
            &own,
            &["--email", "me"],
            &[],
            &["--email", "CONFLUENCE_API_TOKEN", "for me"],
        ),
        (&own, &[], &[token], &["--email"]),
        (
            &cloud,
            &["--email", "me@acme"],
            &[],
            &["--email", "CONFLUENCE_API_TOKEN"],
        ),
        (&cloud, &[], &[token], &["--email"]),
        (&own[..2], &[], &[pat], &["--url"]),
        (
            &[],
            &["--email", "me@acme", "--deployment", "cloud"],
            &[token],
            &["--url"],
        ),
        (
            &own,
            &["--cloud-id", "abc"],
            &[pat],
            &["--cloud-id", "Data Center"],
        ),
        (
            &[],
            &["--cloud-id", "auto", "--email", "me@acme"],
            &[token],
            &["--cloud-id", "--url"],
        ),
        (&own, &["--email", "a:b"], &[token], &["--email"]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = command(folder.path(), place);
        command.args(flags).envs(variables.iter().copied());
        ends_with_2(command, folder.path(), words);
    }
}

#[test]
fn a_personal_access_token_for_cloud() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("pat"), "my-secret\n").expect("written");
    let flags = ["--url", "https://acme.atlassian.net", "--pat-file", "pat"];
    let command = command(folder.path(), &flags);
    ends_with_2(
        command,
        folder.path(),
        &["--pat-file", "--email", "CONFLUENCE_API_TOKEN"],
    );
}

#[test]
fn files_without_a_token() {
    for (text, words) in [
        (None, "cannot read"),
        (Some(""), "empty"),
        (Some(" \n\n"), "empty"),
        (Some("my-\nsecret"), "one line"),
        (Some("my-\u{7}secret"), "one line"),
    ] {
        for (flag, more) in [
            ("--pat-file", &[][..]),
            ("--api-token-file", &["--email", "me"]),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            if let Some(text) = text {
                std::fs::write(folder.path().join("token"), text).expect("written");
            }
            let mut command = command(folder.path(), &["--url", URL, flag, "token"]);
            command.args(["--deployment", "data-center"]).args(more);
            ends_with_2(command, folder.path(), &[flag, "token", words]);
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = command(folder.path(), &["--url", URL]);
    command.env("CONFLUENCE_PAT", "my-\nsecret");
    ends_with_2(command, folder.path(), &["CONFLUENCE_PAT", "one line"]);
}
