//! `config check` finds what `run` would fail for, and nothing that only the service can see.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

use crate::support::atlassian::Atlassian;
use crate::support::configured::Configured;
use crate::support::fetching::{Fetching, Way};
use crate::support::outcome::outcome;
use crate::support::place::finish;

const HEAD: &str = "state_dir = \"FOLDER/state\"\n[output]\nfile = \"FOLDER/{source}.ndjson\"\n";
const CLOUD: &str = "[[source]]\nname = \"cloud\"\ntype = \"fetch\"\n";

fn checked(source: &str) -> String {
    let configured = Configured::new(&format!("{HEAD}{source}"));
    outcome(&configured.outcome(&["config", "check"]))
}

#[test]
fn a_site_without_credentials_needs_a_stored_login() {
    insta::assert_snapshot!(checked(CLOUD));
    let fetching = Fetching::of(Atlassian::cloud(), Way::Grant);
    fetching.login();
    let state = fetching.state().display().to_string();
    let configured = Configured::new(&format!(
        "state_dir = \"{state}\"\n[output]\nfile = \"FOLDER/out\"\n{CLOUD}"
    ));
    let secret = fetching.server.settings().client_secret;
    let variables = [("CONFLUENCE_OAUTH_CLIENT_SECRET", &*secret)];
    let output = configured.outcome_with(&["config", "check"], &variables);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("the stored login"), "{told}");
}

#[test]
fn a_remedy_names_the_keys_of_the_file() {
    let org = "[[source]]\nname = \"org\"\ntype = \"fetch\"\norg_id = \"abc\"\n";
    insta::assert_snapshot!(checked(&format!(
        "{org}{CLOUD}url = \"https://wiki.example.com\"\nemail = \"a@example.com\"\n"
    )));
}

#[test]
fn a_key_that_does_nothing_at_that_site_is_warned_of_with_its_source() {
    let configured = Configured::new(&format!(
        "{HEAD}{CLOUD}url = \"https://wiki.example.com\"\ndeployment = \"data-center\"\npat = \"${{PAT}}\"\n\
         api_base = \"https://api.example.com\"\n"
    ));
    let output = configured.outcome_with(&["config", "check"], &[("PAT", "token")]);
    insta::assert_snapshot!(outcome(&output));
}

#[test]
fn files_that_only_requests_and_events_need_are_read() {
    insta::assert_snapshot!(
        "ca_file",
        checked(&format!(
            "{CLOUD}url = \"https://acme.atlassian.net\"\nemail = \"a@example.com\"\napi_token = \"${{PATH}}\"\n\
         ca_file = \"/nowhere.pem\"\n"
        ))
    );
    insta::assert_snapshot!(
        "add_fields",
        checked(
            "[[source]]\nname = \"wiki\"\ntype = \"tail\"\npaths = [\"FOLDER/*.log\"]\nadd_fields = \"/nowhere.json\"\n"
        )
    );
}

/// `config check` where `/etc` holds nothing but those credentials of systemd; none where this user cannot have a
/// file system of its own.
fn with_credstore(configured: &Configured, credential: &str) -> Option<Output> {
    const SETUP: &str =
        "mount -t tmpfs tmpfs /etc && mkdir /etc/credstore && touch \"/etc/credstore/$1\"";
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command.args([script, "sh", credential]);
        command.env_remove("CREDENTIALS_DIRECTORY");
        command
    };
    if !unshare(SETUP)
        .output()
        .is_ok_and(|output| output.status.success())
    {
        eprintln!("left out: unshare is missing, or this user may not mount");
        return None;
    }
    let check = configured.command(&["config", "check"]);
    let mut command = unshare(&format!("{SETUP} && shift && exec \"$@\""));
    command.arg(check.get_program()).args(check.get_args());
    for (name, value) in check.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(finish(command))
}

#[test]
fn credentials_that_systemd_gives_the_service_are_no_fault() {
    let user = "url = \"https://acme.atlassian.net\"\nemail = \"a@example.com\"\n";
    for (name, credential, site) in [
        ("token", "confluence-ecs.api-token", user),
        (
            "pat",
            "confluence-ecs.pat",
            "url = \"https://wiki.example.com\"\n",
        ),
        ("another", "confluence-ecs.es-password", user),
    ] {
        let configured = Configured::new(&format!("{HEAD}{CLOUD}{site}"));
        let Some(output) = with_credstore(&configured, credential) else {
            return;
        };
        insta::assert_snapshot!(name, outcome(&output));
    }
}
