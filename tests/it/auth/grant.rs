//! The life of a grant: refreshing, sharing, ending.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::world::{ACCOUNT, CLIENT_ID, CLIENT_SECRET, Process, World, allow, error};
use crate::support::again;
use crate::support::atlassian::Plan;
use crate::support::outcome::filtered;
use crate::support::program::{run_command, start, stderr, wait_until};

const REFRESH: [&str; 1] = ["refresh_token"];

#[test]
fn an_access_token_that_lasts_is_used_without_asking() {
    let world = World::logged_in();
    world.server.forget_asked();
    let printed = world.done(&["sites"]);
    assert!(printed.starts_with("11-22\t"), "{printed}");
    assert_eq!(world.asked(), [""; 0]);
}

#[test]
fn new_tokens_are_on_disk_before_they_are_used() {
    // The server itself looks at the disk.
    let world = World::expired();
    let before = world.grant();
    world.done(&["sites"]);
    assert_eq!(world.asked(), REFRESH);
    let after = world.grant();
    assert_ne!(after["refresh_token"], before["refresh_token"]);
    assert_ne!(after["access_token"], before["access_token"]);
    assert_eq!(after["logged_in_at"], before["logged_in_at"]);
    assert!(after["refreshed_at"].as_str() > before["refreshed_at"].as_str());
}

#[test]
fn an_answer_without_refresh_token_keeps_the_old_one() {
    let world = World::expired();
    let before = world.grant();
    world.server.plan([Plan::KeepRefreshToken]);
    world.done(&["refresh"]);
    assert_eq!(world.grant()["refresh_token"], before["refresh_token"]);
    assert_ne!(world.grant()["access_token"], before["access_token"]);
    world.done(&["refresh"]);
    assert_ne!(world.grant()["refresh_token"], before["refresh_token"]);
}

#[test]
fn a_rejected_access_token_is_renewed_once() {
    let world = World::logged_in();
    world.server.expire_access_tokens();
    world.server.forget_asked();
    world.done(&["sites"]);
    assert_eq!(world.asked(), REFRESH);

    world.server.expire_access_tokens();
    world.server.forget_asked();
    let body = r#"{"access_token":"eyJ.e30.x","expires_in":3600}"#;
    world.server.plan([Plan::Answer(200, body)]);
    insta::assert_snapshot!(world.failed(&["sites"], 1));
    assert_eq!(world.asked(), REFRESH);
}

#[test]
fn processes_that_need_a_token_at_once_refresh_once() {
    let world = World::expired();
    world.server.hold_token_requests();
    let sites = || Process::of(start(world.command(&["sites"])));
    let mut started = vec![sites()];
    wait_until("a request for tokens", || !world.asked().is_empty());
    started.extend((0..7).map(|_| sites()));
    for other in &mut started[1..] {
        other.says("waiting for the lock");
    }
    world.server.release();
    for process in started {
        let output = world.end(process.end());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    assert_eq!(world.asked(), REFRESH);
}

#[test]
fn a_refresh_that_is_killed_leaves_the_grant_and_no_lock() {
    let world = World::expired();
    world.server.hold_token_requests();
    let mut sites = Process::of(start(world.command(&["sites"])));
    wait_until("a request for tokens", || !world.asked().is_empty());
    sites.child.kill().unwrap();
    world.end(sites.end());
    world.server.plan([Plan::Answer(503, "{}")]);
    world.server.release();
    wait_until("its answer", || world.server.plans_left() == 0);
    world.done(&["sites"]);
}

#[test]
fn logout_waits_for_a_refresh_and_is_not_undone() {
    let world = World::expired();
    world.server.hold_token_requests();
    let refresh = Process::of(start(world.command(&["refresh"])));
    wait_until("a request for tokens", || !world.asked().is_empty());
    let mut logout = Process::of(start(world.command(&["logout"])));
    logout.says("waiting for the lock");
    world.server.release();
    assert_eq!(world.end(logout.end()).status.code(), Some(0));
    let output = world.end(refresh.end());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!world.state_dir.join("oauth.json").exists());
}

#[test]
fn a_used_refresh_token_ends_the_grant_and_says_how_to_go_on() {
    let world = World::expired();
    let copy = fs::read(world.state_dir.join("oauth.json")).unwrap();
    world.done(&["refresh"]);
    fs::write(world.state_dir.join("oauth.json"), copy).unwrap();
    insta::assert_snapshot!(world.failed(&["sites"], 1));
    insta::assert_snapshot!(world.failed(&["status"], 1));
    world.log_in();
    world.done(&["status"]);
}

#[test]
fn a_login_without_refresh_token_ends_with_its_access_token() {
    let world = World::new();
    let body = r#"{"access_token":"eyJ.e30.x","expires_in":3600,"scope":"read:x"}"#;
    world.server.accept_access_token("eyJ.e30.x");
    world.server.plan([Plan::Answer(200, body)]);
    let output = world.paste(&[], |url| allow(&url).into());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let printed = world.done(&["status"]);
    let login = printed.lines().find(|line| line.starts_with("login"));
    assert!(login.unwrap().ends_with("(in 59 minutes)"), "{printed}");
    let status: Value = serde_json::from_str(&world.done(&["status", "--json"])).unwrap();
    assert_eq!(status["grant_ends"], status["access_token_ends"]);
}

#[test]
fn a_lost_answer_may_be_the_end_and_is_told_so() {
    let world = World::expired();
    world.server.plan([Plan::Lose]);
    insta::assert_snapshot!(world.failed(&["refresh"], 1));
    assert_eq!(world.asked().len(), 2);
}

#[test]
fn an_outage_is_not_the_end() {
    let world = World::expired();
    let before = world.grant();
    let mut errors = Vec::new();
    for plan in [
        Plan::Answer(503, "{}"),
        Plan::Answer(500, "<html>"),
        Plan::Answer(429, "{}"),
        Plan::Answer(200, "<html>a hotel's</html>"),
        Plan::Answer(200, "{}"),
    ] {
        world.server.plan([plan.clone(), plan]);
        errors.push(world.failed(&["sites"], 1));
        assert_eq!(world.grant(), before);
    }
    errors.push(world.failed(&["refresh", "--auth-base", "http://127.0.0.1:1"], 1));
    // What is no answer of an OAuth server says nothing of the grant.
    world
        .server
        .plan([Plan::Answer(403, "<html>a proxy's</html>")]);
    errors.push(world.failed(&["refresh"], 1));
    insta::assert_snapshot!(errors.join("\n"));
    assert_eq!(world.grant(), before);
    world.server.plan([Plan::Answer(503, "{}")]);
    world.done(&["status"]);
    world.done(&["sites"]);
}

#[test]
fn refreshing_needs_the_client_secret_and_the_right_one() {
    let world = World::expired();
    let run = |set: &dyn Fn(&mut std::process::Command)| {
        let mut command = world.command(&["refresh"]);
        command.env_remove("CONFLUENCE_OAUTH_CLIENT_SECRET");
        set(&mut command);
        world.end(run_command(command, b""))
    };
    let output = run(&|_| {});
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(error(&output));
    assert_eq!(world.asked(), [""; 0]);
    let output = run(&|command| {
        command.env("CONFLUENCE_OAUTH_CLIENT_SECRET", "wrong");
    });
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(error(&output));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("oauth-client-secret");
    fs::write(&file, CLIENT_SECRET).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let output = run(&|command| {
        command.arg("--client-secret-file").arg(&file);
    });
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = run(&|command| {
        command.env("CREDENTIALS_DIRECTORY", folder.path());
    });
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn without_a_refresh_token_the_access_token_is_all() {
    let world = World::new();
    let body = r#"{"access_token":"eyJ.e30.x","expires_in":30,"scope":"read:x"}"#;
    world.server.plan([Plan::Answer(200, body)]);
    let output = world.paste(&[], |url| allow(&url).into());
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(error(&output));
    insta::assert_snapshot!(world.failed(&["sites"], 1));
}

#[test]
fn without_a_refresh_token_a_good_access_token_is_not_called_expired() {
    let world = World::new();
    let body = r#"{"access_token":"eyJ.e30.x","expires_in":3600,"scope":"read:x"}"#;
    world.server.plan([Plan::Answer(200, body)]);
    world.paste(&[], |url| allow(&url).into());
    let said = world.failed(&["refresh"], 1);
    assert!(said.contains("cannot be refreshed"), "{said}");
    assert!(!said.contains("expired"), "{said}");
}

#[test]
fn status_tells_who_what_and_until_when() {
    let world = World::logged_in();
    let printed = world.done(&["status"]);
    for part in [
        ACCOUNT,
        CLIENT_ID,
        "11-22\thttps://acme.atlassian.net\tacme\taudit log",
        "(in 59 minutes)",
        "(in 89 days)",
        "(in 364 days)",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let printed = world.done(&["status", "--json", "--log-format", "json"]);
    let status: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(status["logged_in"], true);
    assert_eq!(status["ended"], Value::Null);
    assert_eq!(status["account"], ACCOUNT);
    assert_eq!(status["sites"][0]["id"], "11-22");
    assert_eq!(status["sites"][0]["audit_log"], true);
    assert!(status["access_token_ends"].as_str() < status["refresh_token_ends"].as_str());
    assert!(status["refresh_token_ends"].as_str() < status["grant_ends"].as_str());
    let all = printed.to_lowercase();
    assert!(!all.contains("\"access_token\"") && !all.contains("\"refresh_token\""));
}

#[test]
fn without_a_login_every_command_says_what_to_do() {
    let world = World::new();
    let errors = ["status", "sites", "refresh"].map(|command| world.failed(&[command], 1));
    insta::assert_snapshot!(errors.join("\n"));
    let output = world.run(&["status", "--json"]);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), status),
        (Some(1), json!({"logged_in": false}))
    );
    assert!(world.done(&["logout"]).starts_with("not logged in"));
    assert!(!world.state_dir.exists(), "nothing is made for nothing");
}

#[test]
fn a_damaged_grant_needs_a_login_and_can_be_removed() {
    let world = World::logged_in();
    let path = world.state_dir.join("oauth.json");
    let whole = fs::read_to_string(&path).unwrap();
    let mut errors = Vec::new();
    for damaged in [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("refresh-", "refrash-"),
        "\0".repeat(100),
    ] {
        fs::write(&path, &damaged).unwrap();
        for command in ["status", "sites", "refresh"] {
            errors.push(world.failed(&[command], 1));
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        assert!(world.done(&["logout"]).starts_with("logged out"));
        assert!(!path.exists());
    }
    insta::assert_snapshot!(errors.join("\n"));
    fs::write(&path, "damaged").unwrap();
    world.log_in();
    world.done(&["status"]);
}

#[test]
fn a_grant_of_a_newer_version_is_left_alone() {
    let world = World::logged_in();
    let path = world.state_dir.join("oauth.json");
    let newer = r#"{"version":2}"#;
    fs::write(&path, newer).unwrap();
    insta::assert_snapshot!(world.failed(&["sites"], 1));
    insta::assert_snapshot!(world.failed(&["login", "--paste"], 1));
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
}

#[test]
fn logout_removes_the_grant() {
    let world = World::logged_in();
    insta::assert_snapshot!(filtered(&world.done(&["logout"])));
    assert!(!world.state_dir.join("oauth.json").exists());
    insta::assert_snapshot!(world.failed(&["status"], 1));
    insta::assert_snapshot!(filtered(&world.done(&["logout"])));
}

#[test]
fn sites_are_asked_for_anew_and_kept() {
    let world = World::logged_in();
    let sites = json!([{"id": "55-66", "url": "https://new.atlassian.net", "name": "new\u{1b}[31m", "scopes": []}]);
    world.server.set(|settings| settings.sites = Some(sites));
    let printed = world.done(&["sites", "--json"]);
    let sites: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(sites[0]["id"], "55-66");
    assert_eq!(sites[0]["name"], "new[31m");
    assert_eq!(sites[0]["audit_log"], false);
    assert_eq!(world.grant()["sites"][0]["id"], "55-66");
}

#[test]
fn a_grant_that_others_can_read_is_warned_of() {
    let world = World::logged_in();
    let path = world.state_dir.join("oauth.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let said = stderr(&world.run(&["status"]));
    assert!(
        said.contains("WARN") && said.contains("chmod 600"),
        "{said}"
    );
}

#[test]
fn plain_http_to_another_machine_is_warned_of() {
    let world = World::logged_in();
    let said = stderr(&world.run(&["sites", "--auth-base", "http://example.com"]));
    assert!(said.contains("WARN --auth-base"), "{said}");
    let said = stderr(&world.run(&["sites"]));
    assert!(!said.contains("WARN"), "{said}");
}

#[test]
fn a_full_disk_uses_no_refresh_token_up() {
    let Some(disk) = again::small_disk(a_full_disk_uses_no_refresh_token_up) else {
        return;
    };
    let world = World::at(&disk);
    world.log_in_and_expire();
    let filler = disk.join("filler");
    fs::write(&filler, "").unwrap();
    fill(&filler);
    let error = world.failed(&["refresh"], 1);
    assert!(error.contains("cannot save the tokens"), "{error}");
    assert_eq!(world.asked(), [""; 0]);
    fs::remove_file(&filler).unwrap();
    world.done(&["refresh"]);
}

#[test]
fn tokens_that_find_the_disk_full_wait_for_room() {
    let Some(disk) = again::small_disk(tokens_that_find_the_disk_full_wait_for_room) else {
        return;
    };
    let world = World::at(&disk);
    world.log_in_and_expire();
    let filler: PathBuf = disk.join("filler");
    world.server.plan([Plan::Fill(filler.clone())]);
    let mut sites = Process::of(start(world.command(&["sites"])));
    sites.says("in memory only");
    fs::remove_file(&filler).unwrap();
    let output = world.end(sites.end());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(world.asked(), REFRESH);

    world.server.plan([Plan::Fill(filler)]);
    let error = world.failed(&["refresh"], 1);
    assert!(
        error.contains("no longer valid") && error.contains("auth login"),
        "{error}"
    );
}

fn fill(path: &std::path::Path) {
    let mut file = fs::File::create(path).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}
