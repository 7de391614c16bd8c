//! Secrets that were put where none belongs: a usage error names the flag, and does not repeat them.

use super::usage;
use crate::support::program::{run, stderr};

#[test]
fn a_usage_error_does_not_repeat_a_secret_behind_a_user() {
    let site = ["--url", "https://acme.atlassian.net"];
    for value in [
        "me@x.example:p4w0rd",
        "me@x.example:p4@w0rd",
        "me:p4w0rd:x@y",
    ] {
        for words in [
            &["fetch", "--email", value][..],
            &["check", "--email", value],
            &["fetch", value],
        ] {
            hides(&[words, &site[..]].concat());
        }
        let joined = format!("--email={value}");
        hides(&[&["fetch", &joined][..], &site].concat());
    }
    let cluster = ["--elasticsearch-url", "https://es.example.com", "--es-user"];
    for value in ["elastic:p4w0rd", "elastic:p4@w0rd"] {
        for task in [&["normalize"][..], &["tail"], &["check"], &["send"]] {
            hides(&[task, &cluster, &[value]].concat());
        }
    }
}

#[test]
fn a_usage_error_does_not_repeat_a_secret_in_a_url() {
    for url in [
        "https://u:p4w0rd%40host",
        "https://p4w0rd%40host",
        "https://host/#p4w0rd",
        "https://host/#a?p4w0rd",
        "https://host/?a#p4w0rd",
        "https://u:p4#w0rd@host?p4w0rd",
    ] {
        hides(&["fetch", "--email", "a", "--url", url]);
        hides(&["check", "--email", "a", "--url", url]);
        hides(&["auth", "login", "--client-id", "x", "--api-base", url]);
    }
}

/// Wrong usage, and no word of the secret.
fn hides(arguments: &[&str]) {
    let output = run(arguments, b"");
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
    assert!(!told.contains("p4") && !told.contains("w0rd"), "{told}");
}

#[test]
fn a_user_is_shown_without_what_follows_it() {
    let told = usage(&["normalize", "--es-user", "elastic:p4w0rd"]);
    assert!(told.contains("'elastic:<secret>'"), "{told}");
}
