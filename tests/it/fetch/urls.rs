//! A user and password in a URL, where none belongs: never said again, whatever else is wrong with it.

use std::fs;
use std::path::Path;

use crate::support::program::{command, run_command};

/// What must not be said again, nor what follows it.
const PARTS: [&str; 3] = ["us3r", "p4ss", "w0rd"];

/// URLs with a password, good and bad ones.
const URLS: [&str; 20] = [
    "https://us3r:p4ss@wiki.example.com",
    "https://us3r:p4ss@w0rd@wiki.example.com",
    "https://us3r:p4ss/w0rd@wiki.example.com",
    "https://us3r:8080/p4ss@wiki.example.com",
    "https://us3r:p4ss?w0rd@wiki.example.com",
    "https://us3r:p4ss#w0rd@wiki.example.com",
    "https://us3r:p4ss//w0rd@wiki.example.com",
    "https://us3r:p4ss w0rd@wiki.example.com",
    "https://us3r:p4ss\nw0rd@wiki.example.com",
    "https://us3r:p4ss%40w0rd%2f@wiki.example.com",
    "https://us3r:p4ss=w0rd@wiki.example.com",
    "https://us3r:p4ss@wiki.example.com:port",
    "https://us3r:p4ss@",
    "https://us3r@wiki.example.com",
    "https:/us3r:p4ss@wiki.example.com",
    "https:us3r:p4ss@wiki.example.com",
    "https:\\\\us3r:p4ss@wiki.example.com",
    "//us3r:p4ss@wiki.example.com",
    "://us3r:p4ss@wiki.example.com",
    "us3r:p4ss@wiki.example.com",
];

/// It ends with that code, and neither says nor keeps anything of the password.
fn is_silent(arguments: &[&str]) {
    ends_silently(arguments, 2);
}

fn ends_silently(arguments: &[&str], code: i32) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = command(arguments);
    program.arg("--state-dir").arg(folder.path().join("state"));
    program.args(["-vv", "--log-format", "json"]);
    program.env("CONFLUENCE_PAT", "token");
    let output = run_command(program, b"");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    for part in PARTS {
        assert!(!told.contains(part), "{arguments:?}: {told}");
    }
    assert!(!holds(folder.path()), "{arguments:?}");
}

/// Whether any file below names a part of the password.
fn holds(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.flatten().any(|entry| {
        let path = entry.path();
        let text = fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned() + &path.to_string_lossy();
        PARTS.iter().any(|part| text.contains(part)) || holds(&path)
    })
}

#[test]
fn no_flag_repeats_a_password() {
    let login = ["auth", "login", "--client-id", "app"];
    for url in URLS {
        for flag in ["--url", "--api-base", "--auth-base", "--proxy"] {
            // A user name alone is what a proxy may be given.
            if flag == "--proxy" && url == URLS[13] {
                continue;
            }
            let joined = format!("{flag}={url}");
            is_silent(&["fetch", flag, url]);
            is_silent(&["check", &joined]);
            if flag != "--url" {
                is_silent(&[&login[..], &[flag, url]].concat());
                is_silent(&["auth", "sites", &joined]);
            }
        }
        is_silent(&[&login[..], &["--redirect-uri", url]].concat());
    }
}

#[test]
fn no_argument_out_of_place_repeats_a_password() {
    for url in URLS {
        is_silent(&["fetch", url]);
        is_silent(&["check", url]);
        is_silent(&["auth", url]);
        is_silent(&["auth", "login", url]);
        is_silent(&["fetch", &format!("--ulr={url}")]);
        is_silent(&["fetch", &format!("--raw={url}")]);
        for flag in [
            "--cloud-id",
            "--deployment",
            "--since",
            "--timeout",
            "--page-size",
        ] {
            is_silent(&["fetch", flag, url]);
        }
    }
}

#[test]
fn no_flag_repeats_a_query() {
    let url = "https://wiki.example.com/?token=p4ss&x=w0rd";
    for flag in ["--url", "--api-base", "--auth-base", "--proxy"] {
        is_silent(&["fetch", flag, url]);
        is_silent(&["check", &format!("{flag}={url}")]);
    }
    is_silent(&["fetch", url]);
    is_silent(&["normalize", "x.log", "--elasticsearch-url", url]);
}

#[test]
fn no_name_of_a_state_repeats_a_password() {
    for url in URLS {
        ends_silently(&["state", "show", url], 1);
        ends_silently(&["state", "forget", url], 1);
        ends_silently(&["state", "set", url, "--since", "2026-01-01"], 1);
    }
}
