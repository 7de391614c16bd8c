//! What a site refuses: the message names it and the remedy, no secret shows, and when it is mended
//! all is as if nothing had been.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::atlassian::{Atlassian, Fault, Permission, cloud_record, data_center_record};
use crate::support::fetching::{DAY, Fetching, SINCE, START, Way, said};
use crate::support::program;

const WRONG: &str = "wrong-secret-7e57ed";

/// A site that refuses, and what is to be said of it.
struct Refusal {
    fetching: Fetching,
    /// Other credentials and flags than the good ones.
    wrong: Vec<(&'static str, String)>,
    words: &'static [&'static str],
}

impl Refusal {
    fn of(fetching: Fetching, words: &'static [&'static str]) -> Self {
        for number in 0..30 {
            let at = START + number * DAY / 2;
            let number = number.unsigned_abs();
            fetching.server.insert(match fetching.server.url() {
                url if url.ends_with("/confluence") && !words.contains(&"old") => {
                    data_center_record(at, number)
                }
                _ => cloud_record(at, number),
            });
        }
        Self {
            fetching,
            wrong: Vec::new(),
            words,
        }
    }

    fn with(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.wrong.push((variable, value.into()));
        self
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = self.fetching.to_file(flags);
        command.envs(self.wrong.iter().map(|(name, value)| (name, value)));
        command
    }

    /// It is refused, twice; mended, it is as if it had never been.
    fn check(&self, mend: impl Fn(&Atlassian)) {
        let name = self.fetching.server.url();
        for flags in [&["--raw"][..], &["--raw", "--interval", "20ms"]] {
            let output = program::run_command(self.command(flags), b"");
            let said = said(&output);
            assert_eq!(output.status.code(), Some(1), "{said}");
            let named = said.contains(&name) || said.contains(self.fetching.server.api_base());
            assert!(named, "the site is named: {said}");
            for words in self.words.iter().filter(|words| **words != "old") {
                assert!(said.contains(words), "{words}: {said}");
            }
            self.assert_no_secret(&output.stdout, &output.stderr);
        }
        assert!(self.fetching.lines().is_empty());
        self.check_loudly();
        mend(&self.fetching.server);
        // Another --since than that of the runs that failed.
        let since = START + 10 * DAY;
        let flags = ["--raw", "--since", "2026-01-15T00:00:00Z", "-o"];
        let mut mended = self.fetching.command("fetch", &flags);
        mended.arg(self.fetching.out());
        let output = program::run_command(mended, b"");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let mut expected = self.fetching.server.held();
        expected.retain(|record| record.ms >= since);
        self.fetching.assert_raw(&expected, true);
    }

    /// No secret, however much is told.
    fn check_loudly(&self) {
        for format in ["text", "json"] {
            let command = self.command(&["--raw", "-vv", "--log-format", format]);
            let output = program::run_command(command, b"");
            assert_eq!(output.status.code(), Some(1));
            self.assert_no_secret(&output.stdout, &output.stderr);
        }
    }

    fn assert_no_secret(&self, stdout: &[u8], stderr: &[u8]) {
        let mut secrets = self.fetching.server.secrets();
        secrets.push(WRONG.to_owned());
        assert_not_in(&secrets, stdout);
        assert_not_in(&secrets, stderr);
        for file in files(&self.fetching.state()) {
            assert_not_in(&secrets, &fs::read(file).expect("read"));
        }
    }
}

/// Neither the secrets nor what Basic makes of them.
fn assert_not_in(secrets: &[String], text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
        let tail: String = secret.chars().skip(secret.chars().count() / 2).collect();
        assert!(!text.contains(&tail), "half of {secret} in {text}");
    }
    for word in ["Basic ", "Bearer ", "uthorization: "] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn good(server: &Atlassian) {
    server.set(|settings| settings.permission = Permission::Administrator);
}

/// Runs with good credentials from here on: nothing is to be mended at the server.
fn nothing(_: &Atlassian) {}

#[test]
fn a_wrong_token_at_a_cloud_site() {
    let words = &[
        "401",
        "API token is wrong",
        "https://id.atlassian.com",
        "--cloud-id auto",
    ];
    let refusal = Refusal::of(Fetching::cloud(), words);
    refusal.with("CONFLUENCE_API_TOKEN", WRONG).check(nothing);
}

#[test]
fn a_wrong_token_at_the_gateway() {
    let fetching = Fetching::of(Atlassian::cloud(), Way::Gateway);
    let words = &[
        "401",
        "the API token or the cloud id is wrong",
        "https://id.atlassian.com",
    ];
    let refusal = Refusal::of(fetching, words);
    refusal.with("CONFLUENCE_API_TOKEN", WRONG).check(nothing);
}

#[test]
fn a_token_without_the_scope() {
    let fetching = Fetching::of(Atlassian::cloud(), Way::Gateway);
    let refusal = Refusal::of(
        fetching,
        &["lacks the scope read:audit-log:confluence", "scopes"],
    );
    let set = |scope: &str| {
        let scope = scope.to_owned();
        let server = &refusal.fetching.server;
        server.set(|settings| settings.scoped_token_scope = scope);
    };
    set("read:page:confluence");
    refusal.check(|_| set("read:audit-log:confluence"));
}

#[test]
fn nobody_but_administrators() {
    for fetching in [
        Fetching::cloud(),
        Fetching::of(Atlassian::cloud(), Way::Gateway),
        Fetching::data_center(),
    ] {
        let refusal = Refusal::of(fetching, &["403", "Confluence Administrator"]);
        let server = &refusal.fetching.server;
        server.set(|settings| settings.permission = Permission::Forbidden);
        refusal.check(good);
    }
}

#[test]
fn wrong_credentials_at_a_data_center() {
    let words = &[
        "401",
        "personal access token is wrong",
        "Personal Access Tokens",
    ];
    let refusal = Refusal::of(Fetching::data_center(), words);
    refusal.with("CONFLUENCE_PAT", WRONG).check(nothing);
    let server = Atlassian::data_center("/confluence");
    server.set(|settings| settings.records_searches = false);
    let words = &["401", "user or password is wrong", "CONFLUENCE_PAT"];
    let refusal = Refusal::of(Fetching::of(server, Way::Password), words);
    refusal.with("CONFLUENCE_API_TOKEN", WRONG).check(nothing);
}

#[test]
fn wrong_credentials_at_an_old_server() {
    let server = Atlassian::old_server("/confluence");
    let tolerated = "/confluence/rest/auditing/1.0/events".to_owned();
    server.set(|settings| settings.tolerated = vec![tolerated]);
    let words = &["old", "401", "user or password is wrong"];
    let refusal = Refusal::of(Fetching::of(server, Way::Password), words);
    refusal.with("CONFLUENCE_API_TOKEN", WRONG).check(nothing);
}

#[test]
fn a_login_page_instead_of_an_answer() {
    let fetching = Fetching::data_center();
    fetching.server.set(|settings| settings.login_page = true);
    let words = &["HTML login page", "personal access token"];
    let refusal = Refusal::of(fetching, words);
    refusal.with("CONFLUENCE_PAT", WRONG).check(nothing);
}

#[test]
fn a_login_page_that_demands_a_captcha_ends_a_daemon_at_once() {
    for captcha in [
        ("X-Seraph-LoginReason", "AUTHENTICATION_DENIED"),
        (
            "X-Authentication-Denied-Reason",
            "CAPTCHA_CHALLENGE; login-url=x",
        ),
    ] {
        let fetching = Fetching::data_center();
        fetching.server.set(|settings| {
            settings.login_page = true;
            settings.captcha = Some(captcha);
        });
        let words = &["log in once in a browser", "CAPTCHA"];
        let refusal = Refusal::of(fetching, words).with("CONFLUENCE_PAT", WRONG);
        refusal.check(nothing);
    }
}

#[test]
fn a_page_for_people_instead_of_an_answer() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START, 1));
    fetching.server.next(Fault::Html);
    let told = fetching.fetch_ends(&["--raw", "--retries", "0"], 1);
    assert!(
        told.contains("HTML page") && told.contains(&fetching.server.url()),
        "{told}"
    );
    fetching.fetch(&["--raw"]);
    fetching.assert_all_once();
}

/// A fetch with another address than the stand-in's, which must end with 1 and those words.
fn misses(server: &Atlassian, place: &[&str], words: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = server.settings();
    let mut command = program::command(["fetch", "--since", SINCE, "--retries", "0"]);
    command.args(place);
    if place.contains(&"--cloud-id") {
        command.args(["--api-base", server.api_base()]);
    }
    command.arg("--state-dir").arg(folder.path());
    if place.contains(&"--email") {
        command.env("CONFLUENCE_API_TOKEN", &settings.scoped_token);
    } else {
        command.env("CONFLUENCE_PAT", &settings.pat);
    }
    let output = program::run_command(command, b"");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_not_in(&server.secrets(), &output.stderr);
    let violations = server.take_violations();
    assert!(
        violations.iter().all(|one| one.contains("no such path")),
        "{violations:?}"
    );
}

#[test]
fn a_wrong_context_path() {
    let server = Atlassian::data_center("/confluence");
    let url = server.url();
    for wrong in ["", "/wiki", "/confluence/x"] {
        let url = url.replace("/confluence", wrong);
        let words = [
            "404",
            &url,
            "context path",
            "https://wiki.example.com/confluence",
        ];
        misses(&server, &["--url", &url], &words);
    }
}

#[test]
fn a_wrong_cloud_id() {
    let server = Atlassian::cloud();
    let place = ["--cloud-id", "no-such-id", "--email", "admin@example.com"];
    let words = [
        "404",
        "no-such-id",
        "is the cloud id right?",
        "_edge/tenant_info",
    ];
    misses(&server, &place, &words);
}

#[test]
fn a_site_that_has_no_cloud_id() {
    let server = Atlassian::data_center("");
    let url = server.url();
    let place = [
        "--cloud-id",
        "auto",
        "--url",
        &url,
        "--email",
        "admin@example.com",
    ];
    misses(
        &server,
        &place,
        &["--cloud-id auto", "404", &url, "_edge/tenant_info"],
    );
}

#[test]
fn a_name_that_does_not_resolve() {
    let server = Atlassian::data_center("");
    let url = "http://confluence.invalid";
    misses(&server, &["--url", url], &[url, "cannot resolve"]);
}

#[test]
fn no_secret_shows_when_all_is_well() {
    let ways = [Way::Site, Way::Gateway, Way::Pat, Way::Password];
    for way in ways {
        let is_cloud = matches!(way, Way::Site | Way::Gateway);
        let server = if is_cloud {
            Atlassian::cloud()
        } else {
            Atlassian::data_center("/confluence")
        };
        let refusal = Refusal::of(Fetching::of(server, way), &[]);
        for format in ["text", "json"] {
            let mut flags = vec!["-vv", "--log-format", format, "--window", "99d"];
            if !is_cloud {
                flags.push("--exclude-own-searches");
            }
            let output = program::run_command(refusal.command(&flags), b"");
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            refusal.assert_no_secret(&output.stdout, &output.stderr);
        }
        assert_eq!(refusal.fetching.lines().len(), 30, "{way:?}");
    }
}
