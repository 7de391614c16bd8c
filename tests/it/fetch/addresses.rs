//! One site by several addresses: one state.

use std::fs;

use confluence_ecs::state::{self, Store};
use serde_json::{Value, json};

use super::running::Running;
use crate::support::atlassian::{Atlassian, Fault, cloud_record, data_center_record};
use crate::support::binary::command;
use crate::support::fetching::{DAY, Fetching, SINCE, START, Way, said};
use crate::support::program::run_command;

/// Ten records of each of these days, the first of which is 2026-01-05.
fn insert(fetching: &Fetching, days: std::ops::Range<i64>) {
    for day in days {
        let time = |number: i64| START + day * DAY + number * 60_000;
        let record = |number: i64| cloud_record(time(number), number.cast_unsigned());
        fetching.server.insert_all((1..11).map(record));
    }
}

/// `--until` the end of such a day.
fn until(day: i64) -> [String; 2] {
    let day = 6 + day;
    ["--until".to_owned(), format!("2026-01-{day:02}T00:00:00Z")]
}

/// Up to the end of a day, with the secret of the login, where that is the way.
fn fetch(fetching: &Fetching, day: i64, flags: &[&str]) -> String {
    let mut program = fetching.to_file(&["--raw"]);
    program.args(until(day));
    let secret = fetching.server.settings().client_secret;
    program.env("CONFLUENCE_OAUTH_CLIENT_SECRET", secret);
    if fetching.way() == Way::Grant {
        program.args(["--auth-base", fetching.server.auth_base()]);
    }
    program.args(flags);
    let output = run_command(program, b"");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    said(&output)
}

/// The names of the states of sites.
fn states(fetching: &Fetching) -> Vec<String> {
    let entries = fs::read_dir(fetching.state()).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.filter_map(|name| name.into_string().ok());
    let states = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
    states.filter(|name| name.starts_with("fetch-")).collect()
}

fn only_state(fetching: &Fetching) -> (String, Value) {
    let names = states(fetching);
    let [name] = names.as_slice() else {
        panic!("one state: {names:?}");
    };
    let saved = state::read(&fetching.state(), name).expect("read");
    (name.clone(), saved.expect("saved").state)
}

/// The state as the version before this one kept it, for a site of that address.
fn make_old(fetching: &Fetching, site: &str) {
    let (name, mut saved) = only_state(fetching);
    let fields = saved.as_object_mut().expect("an object");
    for key in [
        "cloud_id",
        "addresses",
        "is_data_center",
        "raw",
        "clock_ahead",
        "by_server_clock",
    ] {
        fields.remove(key);
    }
    fields.insert("site".to_owned(), site.into());
    let directory = fetching.state();
    let store = Store::open(&directory, &name).expect("free");
    store.remove().expect("removed");
    let lines = |name: &str| directory.join(format!("{name}.lines"));
    fs::rename(lines(&name), lines("fetch-old")).expect("moved");
    let store = Store::open(&directory, "fetch-old").expect("free");
    store.save(&saved).expect("saved");
}

fn gateway(fetching: &Fetching) -> String {
    let id = fetching.server.settings().cloud_id;
    format!("{}/ex/confluence/{id}/wiki", fetching.server.api_base())
}

/// A site that is fetched in one way and then in another: each record once, in one state.
fn goes_on(ways: [Way; 3]) {
    let mut fetching = Fetching::of(Atlassian::cloud(), ways[0]);
    fetching.login();
    for (day, way) in (0..).zip(ways) {
        insert(&fetching, day..day + 1);
        let told = fetch(fetching.by(way), day, &[]);
        assert!(!told.contains("WARN"), "{told}");
        only_state(&fetching);
    }
    fetching.assert_all_once();
}

#[test]
fn a_site_goes_on_where_it_was_by_whatever_address() {
    goes_on([Way::Site, Way::Gateway, Way::Site]);
    goes_on([Way::Gateway, Way::Site, Way::Grant]);
    goes_on([Way::Grant, Way::Site, Way::Gateway]);
}

/// A state of the version before, which is moved once.
fn is_taken_over(address: impl Fn(&Fetching) -> String, way: Way) {
    let mut fetching = Fetching::cloud();
    insert(&fetching, 0..1);
    fetch(&fetching, 0, &[]);
    make_old(&fetching, &address(&fetching));
    insert(&fetching, 1..2);
    let told = fetch(fetching.by(way), 1, &[]);
    assert!(told.contains("fetch-old.json is now "), "{told}");
    let told = fetch(&fetching, 1, &[]);
    assert!(!told.contains("is now"), "{told}");
    let (name, _) = only_state(&fetching);
    assert_ne!(name, "fetch-old");
    fetching.assert_all_once();
}

#[test]
fn a_state_that_an_earlier_version_kept_by_address_is_taken_over() {
    let site = |fetching: &Fetching| fetching.server.url();
    is_taken_over(site, Way::Site);
    is_taken_over(site, Way::Gateway);
    is_taken_over(gateway, Way::Site);
    is_taken_over(gateway, Way::Gateway);
}

#[test]
fn a_state_that_is_taken_over_brings_its_query() {
    let mut fetching = Fetching::cloud();
    insert(&fetching, 0..1);
    let search = ["--search", "record"];
    fetch(&fetching, 0, &search);
    make_old(&fetching, &fetching.server.url());
    insert(&fetching, 1..2);
    fetch(fetching.by(Way::Gateway), 1, &search);
    fetching.assert_all_once();
    // The site without a query is another state.
    fetch(&fetching, 1, &[]);
    assert_eq!(states(&fetching).len(), 2);
}

#[test]
fn a_site_of_which_both_addresses_are_known_needs_no_tenant_info_any_more() {
    let mut fetching = Fetching::of(Atlassian::cloud(), Way::Gateway);
    insert(&fetching, 0..1);
    let url = fetching.server.url();
    fetch(&fetching, 0, &["--url", &url]);
    fetching
        .server
        .set(|settings| settings.hides_cloud_id = true);
    insert(&fetching, 1..2);
    fetch(fetching.by(Way::Site), 1, &[]);
    fetching.assert_all_once();
    only_state(&fetching);
}

#[test]
fn an_address_beside_a_cloud_id_is_believed_unless_the_site_says_otherwise() {
    let other = Atlassian::cloud();
    other.set(|settings| settings.cloud_id = "another-site".to_owned());
    let fetching = Fetching::of(Atlassian::cloud(), Way::Gateway);
    insert(&fetching, 0..1);
    fetch(&fetching, 0, &["--url", &other.url()]);
    let (_, saved) = only_state(&fetching);
    assert_eq!(saved.get("addresses"), None, "{saved}");
    let blocked = Atlassian::cloud();
    blocked.set(|settings| settings.hides_cloud_id = true);
    fetch(&fetching, 0, &["--url", &blocked.url()]);
    let (_, saved) = only_state(&fetching);
    let address = blocked.url().replace("http://", "");
    assert_eq!(saved["addresses"], json!([address]));
}

#[test]
fn addresses_that_cannot_be_known_to_be_one_site_are_warned_about_once() {
    let mut fetching = Fetching::cloud();
    fetching
        .server
        .set(|settings| settings.hides_cloud_id = true);
    insert(&fetching, 0..1);
    fetch(&fetching, 0, &[]);
    let told = fetch(fetching.by(Way::Gateway), 0, &[]);
    for word in [
        &fetching.server.url(),
        &gateway(&fetching),
        "records come twice",
        "confluence-ecs state forget http",
        "--state-dir /",
        "--since 2026-01-05T23:50:00.000Z",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert_eq!(told.matches("WARN").count(), 1, "{told}");
    let told = fetch(&fetching, 0, &[]);
    assert!(!told.contains("WARN"), "{told}");
}

#[test]
fn two_sites_that_write_one_file_are_no_reason_to_warn() {
    let fetching = Fetching::cloud();
    insert(&fetching, 0..1);
    fetch(&fetching, 0, &[]);
    let other = Atlassian::cloud();
    other.set(|settings| settings.cloud_id = "another-site".to_owned());
    other.insert(cloud_record(START, 1));
    let settings = other.settings();
    let mut program = command(["fetch", "--deployment", "cloud", "--url", &other.url()]);
    program.args(["--email", &settings.email]);
    program.env("CONFLUENCE_API_TOKEN", &settings.api_token);
    program.arg("--state-dir").arg(fetching.state());
    program
        .args(until(0))
        .args(["--raw", "--since", SINCE, "-o"]);
    program.arg(fetching.out());
    let output = run_command(program, b"");
    assert!(!said(&output).contains("WARN"), "{}", said(&output));
    assert_eq!(states(&fetching).len(), 2);
}

#[test]
fn both_addresses_of_a_site_have_one_lock() {
    let mut fetching = Fetching::cloud();
    insert(&fetching, 0..1);
    fetching.server.next(Fault::Hold);
    let running = Running::to_file(&fetching, &["--raw"]);
    // Behind the cloud id's, which is not held.
    fetching.server.wait_for_requests(2);
    fetching.by(Way::Gateway);
    let told = fetching.fetch_ends(&["--raw"], 1);
    assert!(told.contains("locked by another instance"), "{told}");
    fetching.server.release();
    running.ends_with(0);
    fetching.assert_all_once();
}

/// A crash after the new state was written and before the old one was removed; `later` is how far the old
/// one went since, by an instance that did not know better.
fn crashed_in_a_move(later: Option<&str>, expected: &str) {
    let mut fetching = Fetching::cloud();
    insert(&fetching, 0..1);
    fetch(&fetching, 0, &[]);
    let (name, saved) = only_state(&fetching);
    let mut old = saved.clone();
    if let Some(later) = later {
        old["cursor"] = later.into();
    }
    let directory = fetching.state();
    let mut new = saved;
    new["moved_from"] = "fetch-old".into();
    for (name, state) in [("fetch-old", old), (name.as_str(), new)] {
        let store = Store::open(&directory, name).expect("free");
        store.save(&state).expect("saved");
    }
    fetch(fetching.by(Way::Gateway), 0, &[]);
    let (_, saved) = only_state(&fetching);
    assert_eq!(saved["cursor"], expected);
    assert_eq!(saved.get("moved_from"), None);
    fetching.assert_all_once();
}

#[test]
fn a_crash_between_the_steps_of_a_move_leaves_one_state_in_the_end() {
    crashed_in_a_move(None, "2026-01-06T00:00:00.000Z");
    let later = "2026-01-07T00:00:00.000Z";
    crashed_in_a_move(Some(later), later);
}

#[test]
fn a_data_center_is_the_same_by_http_and_https() {
    let fetching = Fetching::data_center();
    let record = |number: i64| data_center_record(START + number * 1000, number.cast_unsigned());
    fetching.server.insert_all((0..1).map(record));
    fetch(&fetching, 0, &[]);
    make_old(&fetching, &fetching.server.url().replace("http:", "https:"));
    let later = |number: i64| data_center_record(START + DAY + number * 1000, 1);
    fetching.server.insert_all((1..11).map(later));
    fetch(&fetching, 1, &[]);
    fetching.assert_all_once();
    only_state(&fetching);
}

#[test]
fn an_alias_of_a_data_center_s_host_is_noticed_by_the_output() {
    let fetching = Fetching::data_center();
    let record = |number: i64| data_center_record(START + number * 1000, number.cast_unsigned());
    fetching.server.insert_all((0..1).map(record));
    fetch(&fetching, 0, &[]);
    make_old(&fetching, "https://wiki.example.com/confluence");
    let told = fetch(&fetching, 0, &[]);
    let is_told = told.contains("https://wiki.example.com/confluence too (state ");
    assert!(is_told, "{told}");
}

#[test]
fn state_knows_a_site_by_its_address_and_by_its_cloud_id() {
    let fetching = Fetching::cloud();
    insert(&fetching, 0..1);
    fetch(&fetching, 0, &[]);
    let state = |arguments: &[&str]| {
        let mut program = command(["state"]);
        program
            .args(arguments)
            .arg("--state-dir")
            .arg(fetching.state());
        let output = run_command(program, b"");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let id = fetching.server.settings().cloud_id;
    let names = [
        fetching.server.url(),
        fetching.server.url() + "/wiki/",
        id.clone(),
        id.to_uppercase(),
        gateway(&fetching),
    ];
    for name in &names {
        assert!(state(&["show", name]).contains("\"cursor\""), "{name}");
    }
    assert_eq!(state(&["list"]).lines().count(), 1);
    state(&["set", &id, "--since", "2026-01-05"]);
    let listed = state(&["list"]);
    assert!(
        listed.contains("up to 2026-01-05T00:00:00.000Z"),
        "{listed}"
    );
    state(&["forget", &id]);
    assert_eq!(state(&["list"]), "");
}

#[test]
fn of_two_states_that_an_earlier_version_kept_of_a_site_the_furthest_goes_on() {
    let mut fetching = Fetching::cloud();
    insert(&fetching, 0..2);
    fetch(&fetching, 0, &[]);
    let (_, behind) = only_state(&fetching);
    fetch(&fetching, 1, &[]);
    make_old(&fetching, &gateway(&fetching));
    let mut behind = behind;
    behind["site"] = fetching.server.url().into();
    let fields = behind.as_object_mut().expect("an object");
    fields.retain(|key, _| !["cloud_id", "addresses"].contains(&key.as_str()));
    let store = Store::open(&fetching.state(), "fetch-behind").expect("free");
    store.save(&behind).expect("saved");
    drop(store);
    insert(&fetching, 2..3);
    let told = fetch(&fetching, 2, &[]);
    assert!(
        told.contains("the one that is at 2026-01-06T00:00:00.000Z is removed"),
        "{told}"
    );
    let told = fetch(fetching.by(Way::Gateway), 2, &[]);
    assert!(!told.contains("two states"), "{told}");
    only_state(&fetching);
    fetching.assert_all_once();
    let mut forget = command(["state", "forget", &fetching.server.url()]);
    forget.arg("--state-dir").arg(fetching.state());
    assert_eq!(run_command(forget, b"").status.code(), Some(0));
    assert_eq!(states(&fetching), Vec::<String>::new());
}

/// A site that tells nobody its cloud id, fetched by its address to the end of the first day, and by its
/// cloud id to that of another.
fn of_two_states(by_id: i64) -> Fetching {
    let mut fetching = Fetching::cloud();
    fetching
        .server
        .set(|settings| settings.hides_cloud_id = true);
    insert(&fetching, 0..2);
    fetch(&fetching, 1, &[]);
    fetch(fetching.by(Way::Gateway), by_id, &[]);
    assert_eq!(states(&fetching).len(), 2);
    fetching
}

#[test]
fn two_addresses_that_turn_out_to_be_one_site_s_have_one_state_from_then_on() {
    for (by_id, goes_on, removed) in [(1, 7, 7), (0, 7, 6)] {
        let mut fetching = of_two_states(by_id);
        let url = fetching.server.url();
        let told = fetch(&fetching, 1, &["--url", &url]);
        for word in [
            format!("at 2026-01-0{goes_on}T00:00:00.000Z is continued"),
            format!("at 2026-01-0{removed}T00:00:00.000Z is removed"),
        ] {
            assert!(told.contains(&word), "{word}: {told}");
        }
        let (_, saved) = only_state(&fetching);
        assert_eq!(saved["cursor"], format!("2026-01-0{goes_on}T00:00:00.000Z"));
        assert!(changes_what_is_fetched(&fetching, &url));
        let told = fetch(fetching.by(Way::Site), 1, &[]);
        assert!(told.contains("continuing from 2026-01-05"), "{told}");
    }
}

/// Whether `state set` makes the state say so.
fn changes_what_is_fetched(fetching: &Fetching, name: &str) -> bool {
    let mut set = command(["state", "set", name, "--since", "2026-01-05"]);
    set.arg("--state-dir").arg(fetching.state());
    let output = run_command(set, b"");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    only_state(fetching).1["cursor"] == "2026-01-05T00:00:00.000Z"
}

#[test]
fn of_two_states_that_an_earlier_version_left_state_changes_the_one_that_goes_on() {
    let mut fetching = of_two_states(1);
    let url = fetching.server.url();
    let directory = fetching.state();
    let with_id = states(&fetching).into_iter().find(|name| {
        let saved = state::read::<Value>(&directory, name).expect("read");
        saved.expect("saved").state.get("cloud_id").is_some()
    });
    let with_id = with_id.expect("a state");
    let store = Store::open(&directory, &with_id).expect("free");
    let mut saved: Value = store.load().expect("read").expect("saved");
    saved["addresses"] = json!([url.replace("http://", "")]);
    store.save(&saved).expect("saved");
    drop(store);
    assert!(changes_what_is_fetched(&fetching, &url));
    assert_eq!(only_state(&fetching).0, with_id);
    let told = fetch(fetching.by(Way::Site), 1, &[]);
    assert!(told.contains("continuing from 2026-01-05"), "{told}");
}
