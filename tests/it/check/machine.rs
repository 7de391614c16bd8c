//! What fetch needs of the machine: state, databases, output, configuration.

use std::fs::{self, File};
use std::io::Write as _;
use std::time::SystemTime;

use super::{check, checked, healthy};
use crate::support::fetching::Way;
use crate::support::geoip_db;
use crate::support::program::{run, stderr};

#[test]
fn a_state_directory_that_cannot_be_written_fails() {
    let fetching = healthy(Way::Site);
    let file = fetching.file("in-the-way", "");
    let file = file.to_str().expect("UTF-8");
    insta::assert_snapshot!(check(&fetching, &["--state-dir", file]).failure("state-dir"));
    let below = format!("{file}/state");
    insta::assert_snapshot!(check(&fetching, &["--state-dir", &below]).failure("state-dir"));
}

#[test]
fn a_running_fetch_is_told_and_left_alone() {
    let fetching = healthy(Way::Site);
    fetching.fetch(&["--since", "2d"]);
    let lock = fs::read_dir(fetching.state()).expect("a directory");
    let mut locks = lock.filter_map(|entry| {
        let path = entry.expect("an entry").path();
        (path.extension()? == "lock").then_some(path)
    });
    let path = locks.next().expect("a lock file");
    check(&fetching, &[]).says("state-dir", &["fetched up to"]);
    let mut lock = File::options().write(true).open(path).expect("opened");
    lock.lock().expect("the lock");
    writeln!(lock, "4711").expect("written");
    check(&fetching, &[]).warns("state-dir", &["process 4711"]);
    lock.unlock().expect("unlocked");
    // Killed: the lock went with the process, its id stayed.
    check(&fetching, &[]).is_well();
}

#[test]
fn a_state_of_no_use_fails() {
    let fetching = healthy(Way::Site);
    fetching.fetch(&["--since", "2d"]);
    for entry in fs::read_dir(fetching.state()).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "lock") {
            fs::write(path, "{").expect("written");
        }
    }
    insta::assert_snapshot!(check(&fetching, &[]).failure("state-dir"));
}

#[test]
fn databases_are_opened_and_their_age_is_told() {
    let fetching = healthy(Way::Site);
    let city = "testdata/geoip/confluence-ecs-city.mmdb";
    let asn = "testdata/geoip/confluence-ecs-asn.mmdb";
    let found = check(&fetching, &["--geoip-city", city, "--geoip-asn", asn]);
    // A line for each.
    assert_eq!(found.names("warn"), ["databases", "databases"]);
    let told: Vec<_> = found
        .steps
        .iter()
        .filter(|step| step["step"] == "databases")
        .collect();
    for (step, kind) in told.iter().zip(["GeoLite2-City", "GeoLite2-ASN"]) {
        let detail = step["detail"].as_str().expect("text");
        assert!(
            detail.contains(kind) && detail.ends_with("days ago"),
            "{detail}"
        );
    }
    let fresh = geoip_db::city_built(SystemTime::now());
    let path = fetching.state().with_file_name("fresh.mmdb");
    fs::write(&path, &fresh).expect("written");
    let path = path.to_str().expect("UTF-8");
    check(&fetching, &["--geoip-city", path]).is_well();
    insta::assert_snapshot!(check(&fetching, &["--geoip-asn", path]).failure("databases"));
    fs::write(path, &fresh[..fresh.len() / 2]).expect("written");
    insta::assert_snapshot!(check(&fetching, &["--geoip-city", path]).failure("databases"));
    // One that fails does not hide the other.
    let found = check(
        &fetching,
        &["--geoip-city", "/no/such.mmdb", "--geoip-asn", asn],
    );
    assert_eq!(
        (found.names("fail"), found.names("warn")),
        (vec!["databases"], vec!["databases"])
    );
    let mut command = fetching.command("check", &[]);
    command.env("CONFLUENCE_ECS_GEOIP_ASN", "/no/such.mmdb");
    insta::assert_snapshot!(checked(&fetching, command).failure("databases"));
}

#[test]
fn a_database_of_a_type_that_is_not_read_fails() {
    let fetching = healthy(Way::Site);
    for (flag, database_type) in [
        ("--geoip-city", "ipinfo generic_country_free.mmdb"),
        ("--geoip-city", "GeoIP2-Anonymous-IP"),
        ("--geoip-asn", "ipinfo standard_asn.mmdb"),
        ("--geoip-asn", "GeoIP2-Connection-Type"),
    ] {
        let path = fetching.state().with_file_name("odd.mmdb");
        fs::write(&path, geoip_db::of_type(database_type)).expect("written");
        let path = path.to_str().expect("UTF-8");
        let named = format!("database but `{database_type}`");
        check(&fetching, &[flag, path]).fails("databases", &[flag, &named]);
        // No command starts with it, for the same reason.
        let output = run(["normalize", flag, path], b"");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(&named), "{}", stderr(&output));
    }
}

#[test]
fn the_output_is_looked_at_and_left_alone() {
    let fetching = healthy(Way::Site);
    let out = fetching.out();
    let flag = out.to_str().expect("UTF-8");
    check(&fetching, &["-o", flag]).is_well();
    assert!(!out.exists());
    fs::write(&out, "an unfinished line").expect("written");
    check(&fetching, &["-o", flag]).is_well();
    assert_eq!(
        fs::read_to_string(&out).expect("read"),
        "an unfinished line"
    );
    let below = format!("{flag}/out.ndjson");
    insta::assert_snapshot!(check(&fetching, &["-o", &below]).failure("output"));
}

#[test]
fn a_configuration_that_does_not_fit_fails_its_step() {
    let fetching = healthy(Way::Site);
    let mut command = fetching.command("check", &[]);
    command.env_remove("CONFLUENCE_API_TOKEN");
    let found = checked(&fetching, command);
    insta::assert_snapshot!(found.failure("configuration"));
    assert_eq!(found.text("connection", "detail"), "configuration failed");
    insta::assert_snapshot!(check(&fetching, &["--ca-file", "/no/such"]).failure("configuration"));
    insta::assert_snapshot!(
        check(&fetching, &["--add-fields", "/no/such"]).failure("configuration")
    );
    assert!(fetching.server.requests().is_empty());
}
