//! Arguments that cannot be meant: 2, and a line that names the flag.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::atlassian::Atlassian;
use crate::support::fetching::{Fetching, Way, said};
use crate::support::outcome::transcript;
use crate::support::program;

const URL: &str = "https://wiki.example.com";

/// A fetch that would ask nobody: it must not come to that.
fn command(folder: &Path, flags: &[&str]) -> Command {
    let mut command = program::command(["fetch", "--state-dir"]);
    command.arg(folder.join("state")).args(flags);
    command
}

/// Nothing is done; for a snapshot, the command and what it said.
fn ends_with_2(mut command: Command, folder: &Path) -> String {
    command.current_dir(folder);
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let told = transcript(&command, &output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(output.stdout.is_empty(), "{told}");
    assert!(!folder.join("state").exists(), "no state: {told}");
    told
}

/// Those flags, beside a token and an address.
fn refuses(flags: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = command(folder.path(), &["--url", URL]);
    command.args(flags).env("CONFLUENCE_PAT", "token");
    ends_with_2(command, folder.path())
}

#[test]
fn values_that_are_none() {
    let mut told = String::new();
    for (flag, value) in [
        ("--since", "yesterday"),
        ("--since", "-1h"),
        ("--since", "2026-13-01"),
        ("--until", "tomorrow"),
        ("--until", "-24h"),
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
        ("--search", " "),
        ("--user-agent", ""),
        ("--user-agent", " "),
        ("--email", " "),
        ("--deployment", "server"),
        ("--proxy", "ftp://nowhere:1"),
        ("--ca-file", "/nowhere/ca.pem"),
        ("--cloud-id", "a/b"),
    ] {
        told += &refuses(&[flag, value]);
    }
    told += &refuses(&["--search", &"x".repeat(101)]);
    insta::assert_snapshot!(told);
}

#[test]
fn a_range_that_ends_before_it_begins() {
    let flags = ["--since", "2026-01-05", "--until", "2026-01-04T00:00:00Z"];
    insta::assert_snapshot!(refuses(&flags));
}

#[test]
fn addresses_that_are_none() {
    let mut told = String::new();
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
        told += &ends_with_2(command, folder.path());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn credentials_that_are_not_enough() {
    let (token, pat) = (("CONFLUENCE_API_TOKEN", "t"), ("CONFLUENCE_PAT", "t"));
    let own = ["--deployment", "data-center", "--url", URL];
    let cloud = ["--url", "https://acme.atlassian.net"];
    let mut told = String::new();
    for (place, flags, variables) in [
        (&own[..], &[][..], &[][..]),
        (&own, &["--email", "me"], &[]),
        (&own, &[], &[token]),
        (&cloud, &["--email", "me@acme"], &[]),
        (&cloud, &[], &[token]),
        (&own[..2], &[], &[pat]),
        (
            &[],
            &["--email", "me@acme", "--deployment", "cloud"],
            &[token],
        ),
        (&own, &["--cloud-id", "abc"], &[pat]),
        (&[], &["--cloud-id", "auto", "--email", "me@acme"], &[token]),
        (&own, &["--email", "a:b"], &[token]),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = command(folder.path(), place);
        command.args(flags).envs(variables.iter().copied());
        told += &ends_with_2(command, folder.path());
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_personal_access_token_for_cloud() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("pat"), "my-secret\n").expect("written");
    let flags = ["--url", "https://acme.atlassian.net", "--pat-file", "pat"];
    let command = command(folder.path(), &flags);
    insta::assert_snapshot!(ends_with_2(command, folder.path()));
}

#[test]
fn files_without_a_token() {
    let mut told = String::new();
    for text in [
        None,
        Some(""),
        Some(" \n\n"),
        Some("my-\nsecret"),
        Some("my-\u{7}secret"),
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
            told += &ends_with_2(command, folder.path());
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = command(folder.path(), &["--url", URL]);
    command.env("CONFLUENCE_PAT", "my-\nsecret");
    told += &ends_with_2(command, folder.path());
    insta::assert_snapshot!(told);
}

/// Those flags, with a secret in the file `f` and no proxy.
fn refuses_with_file(flags: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("f");
    std::fs::write(&file, "secret").expect("written");
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a mode");
    let mut command = command(folder.path(), flags);
    command.env_remove("http_proxy");
    for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    ends_with_2(command, folder.path())
}

#[test]
fn pairs_of_which_one_would_do_nothing() {
    let (cloud, own) = ("https://acme.atlassian.net", "https://wiki.example.com");
    let mut told = String::new();
    for (url, flags) in [
        (own, &["--api-token-file", "f", "--pat-file", "f"][..]),
        (own, &["--email", "me", "--pat-file", "f"]),
        (own, &["--client-secret-file", "f", "--pat-file", "f"]),
        (own, &["--client-secret-file", "f", "--email", "me"]),
        (own, &["--client-secret-file", "f", "--api-token-file", "f"]),
        (
            own,
            &["--client-secret-file", "f", "--deployment", "data-center"],
        ),
        (own, &["--cloud-id", "abc", "--deployment", "data-center"]),
        (cloud, &["--pat-file", "f"]),
        (own, &["--pat-file", "f", "--deployment", "cloud"]),
        (own, &["--pat-file", "f", "--cloud-id", "abc"]),
        (own, &["--proxy-password-file", "f", "--pat-file", "f"]),
        (
            own,
            &[
                "--proxy-password-file",
                "f",
                "--pat-file",
                "f",
                "--proxy",
                "http://h:1",
            ],
        ),
        (own, &["--org-api-key-file", "f", "--pat-file", "f"]),
        (own, &["--product", "confluence", "--pat-file", "f"]),
        (own, &["--raw", "--index", "x"]),
        (own, &["--raw", "--strict"]),
        (own, &["--raw", "--max-line-bytes", "1K"]),
        (own, &["--raw", "--tag", "x"]),
        (own, &["--raw", "--geoip-city", "f"]),
        (own, &["--raw", "--no-default-tags"]),
        (own, &["--raw", "--preserve-original-event"]),
        (own, &["--add-fields", "f", "--raw"]),
        (own, &["--raw", "--network", "10.0.0.0/8=x"]),
        (own, &["--raw", "--trusted-proxy", "10.0.0.0/8"]),
    ] {
        let place = ["--url", url];
        told += &refuses_with_file(&[&place, flags].concat());
    }
    insta::assert_snapshot!(told);
}

/// Flags that the stand-in's site has no use for: the records come all the same.
fn warns(way: Way, flags: &[&str]) -> String {
    let place = match way {
        Way::Pat => Fetching::data_center(),
        way => Fetching::of(Atlassian::cloud(), way),
    };
    let output = place.command("fetch", flags).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let warnings = said(&output);
    let warnings = warnings
        .lines()
        .filter(|line| line.contains(" is not used: "));
    warnings.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn flags_that_do_nothing_at_that_kind_of_site_are_warned_of() {
    let (api, auth) = (
        ["--api-base", "https://a.example"],
        ["--auth-base", "https://a.example"],
    );
    let mut told = warns(Way::Pat, &[api, auth].concat());
    told += &warns(Way::Site, &[api, auth].concat());
    told += &warns(Way::Gateway, &auth);
    told += &warns(Way::Gateway, &["--exclude-own-searches"]);
    insta::assert_snapshot!(told);
}

#[test]
fn certificates_that_a_plain_http_site_does_not_show_are_warned_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, authority) = super::network::tls_server();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, authority).expect("written");
    let told = warns(Way::Pat, &["--ca-file", path.to_str().expect("UTF-8")]);
    assert!(told.contains("--ca-file is not used: http://"), "{told}");
}

/// What the environment says besides is left out without a word: it is not for this command alone.
#[test]
fn variables_that_are_not_needed_are_no_error() {
    let fetching = Fetching::data_center();
    let mut command = fetching.to_file(&["--raw", "--email", "me"]);
    command
        .env("CONFLUENCE_API_TOKEN", "other")
        .env("CONFLUENCE_OAUTH_CLIENT_SECRET", "s");
    command.env("CONFLUENCE_ECS_PROXY_PASSWORD", "p");
    let output = program::run_command(command, b"");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn a_file_with_a_token_that_the_environment_wins_over_is_told_of() {
    let fetching = Fetching::data_center();
    let file = fetching.file("token", "other");
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a mode");
    let mut command = fetching.to_file(&["--raw", "--email", "me", "--api-token-file"]);
    command.arg(file);
    let output = program::run_command(command, b"");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told = said(&output);
    assert!(told.contains("--api-token-file is not used"), "{told}");
}

#[test]
fn an_old_server_has_no_searches_to_leave_out() {
    let server = Atlassian::old_server("/confluence");
    let fetching = Fetching::of(server, Way::Password);
    let told = fetching.fetch(&["--raw", "--exclude-own-searches"]);
    let words = "--exclude-own-searches has no effect";
    assert_eq!(told.matches(words).count(), 1, "{told}");
}

#[test]
fn a_byte_order_mark_before_a_secret_is_left_out() {
    let fetching = Fetching::data_center();
    let marked = format!("\u{feff}{}\r\n", fetching.server.settings().pat);
    let file = fetching.file("pat", &marked);
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a mode");
    let mut of_file = fetching.to_file(&["--raw", "--pat-file"]);
    of_file.arg(file).env_remove("CONFLUENCE_PAT");
    let mut of_variable = fetching.to_file(&["--raw"]);
    of_variable.env("CONFLUENCE_PAT", marked.trim_end());
    for command in [of_file, of_variable] {
        let output = program::run_command(command, b"");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
}

#[test]
fn a_character_that_no_secret_has_is_named_with_its_position() {
    let mut told = String::new();
    for (flag, variable, more) in [
        ("--pat-file", "CONFLUENCE_PAT", &[][..]),
        (
            "--api-token-file",
            "CONFLUENCE_API_TOKEN",
            &["--email", "me"],
        ),
        (
            "--client-secret-file",
            "CONFLUENCE_OAUTH_CLIENT_SECRET",
            &["--deployment", "cloud"],
        ),
        (
            "--proxy-password-file",
            "CONFLUENCE_ECS_PROXY_PASSWORD",
            &["--proxy", "http://u@h:1"],
        ),
    ] {
        for text in ["s3cr\u{200b}et", "\u{feff}s3cret\u{a0}x", "s3\tcret"] {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("secret");
            std::fs::write(&file, text).expect("written");
            std::fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("a mode");
            let place = [&["--url", "http://127.0.0.1:1", "--retries", "0"], more].concat();
            let mut by_file = command(folder.path(), &place);
            by_file.arg(flag).arg("secret");
            let mut by_variable = command(folder.path(), &place);
            by_variable.env(variable, text);
            for mut command in [by_file, by_variable] {
                if flag == "--proxy-password-file" {
                    command.env("CONFLUENCE_PAT", "token");
                }
                let output = command
                    .current_dir(folder.path())
                    .output()
                    .expect("it runs");
                let outcome = said(&output);
                // A password may have a no-break space: there is nothing to say of it.
                let is_password = !matches!(flag, "--pat-file" | "--client-secret-file");
                let code = if is_password && text.contains('\u{a0}') {
                    1
                } else {
                    2
                };
                assert_eq!(output.status.code(), Some(code), "{outcome}");
                assert!(!outcome.contains("s3"), "{outcome}");
                if code == 2 {
                    told += &outcome;
                }
            }
        }
    }
    insta::assert_snapshot!(told);
}
