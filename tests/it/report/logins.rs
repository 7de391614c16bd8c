//! Failed logins by user and address, and logins that succeeded after many of them.

use serde_json::{Value, json};

use super::{record, report, summary};
use crate::support::program::{run, stderr};

/// A login of a user from an address, with a line end.
fn login(second: i64, outcome: &str, user: &str, address: &str) -> String {
    let record = json!({
        "affectedObjects": [{"type": "User", "name": user}],
        "auditType": {
            "action": format!("User login {outcome}"),
            "actionI18nKey": format!("audit.logging.summary.login.{outcome}"),
            "categoryI18nKey": "audit.logging.category.auth",
        },
        "author": {"id": "-2", "name": "Anonymous", "type": "user"},
        "source": address,
        "timestamp": {"epochSecond": second, "nano": 0},
    });
    format!("{record}\n")
}

/// Logins a second apart, of users from addresses: `f` failed, `s` succeeded.
fn logins(of: &[(&str, &str, &str)]) -> Vec<String> {
    let all = of.iter().flat_map(|(user, address, outcomes)| {
        outcomes
            .chars()
            .map(move |outcome| (user, address, outcome))
    });
    (0..)
        .zip(all)
        .map(|(second, (user, address, outcome))| {
            let outcome = if outcome == 's' { "success" } else { "failed" };
            login(second, outcome, user, address)
        })
        .collect()
}

/// Who logged in after many failures: user, address, how many, and the second.
fn after_failures(log: &str) -> Vec<Value> {
    let report = summary(&[], log);
    let found = report["failed_logins"]["logins_after_failures"].as_array();
    let found = found.expect("a list");
    assert_eq!(report["totals"]["logins_after_failures"], found.len());
    let one = |one: &Value| {
        json!([
            one["full_name"],
            one["address"],
            one["failures"],
            one["time"]
        ])
    };
    found.iter().map(one).collect()
}

/// Some with as many failures as matter, and others that look nearly like it.
fn mixed() -> Vec<String> {
    logins(&[
        ("guessed", "10.0.0.1", "sfffff"),
        ("mistaken", "10.0.0.1", "ffs"),
        ("guessed", "10.0.0.2", "ffs"),
        ("guessed", "10.0.0.1", "s"),
        ("twice", "2001:db8::1", "fffsfffffsffs"),
        ("refused", "10.0.0.3", "fffffff"),
        ("often mistaken", "10.0.0.4", "ffsfsffsf"),
    ])
}

#[test]
fn a_login_after_three_failures_of_the_user_from_the_address_is_shown_in_either_order_of_time() {
    let found = [
        // By name two users, and from one address, failed in a row before it.
        json!(["mistaken", "10.0.0.1", 7, "1970-01-01T00:00:08.000Z"]),
        json!(["guessed", "10.0.0.2", 7, "1970-01-01T00:00:11.000Z"]),
        // As many in a row, and more in all.
        json!(["twice", "2001:db8::1", 5, "1970-01-01T00:00:22.000Z"]),
        json!(["guessed", "10.0.0.1", 5, "1970-01-01T00:00:12.000Z"]),
    ];
    let mut log = mixed();
    assert_eq!(after_failures(&log.concat()), found);
    // As the API lists them.
    log.reverse();
    assert_eq!(after_failures(&log.concat()), found);
    let events = run(["normalize", "-q"], log.concat().as_bytes()).stdout;
    assert_eq!(
        after_failures(&String::from_utf8(events).expect("UTF-8")),
        found
    );
}

#[test]
fn it_is_said_that_logins_after_failures_may_be_missing_where_successes_were_forgotten() {
    let mut log: Vec<_> = (1..=3)
        .map(|second| login(second, "failed", "~guessed", "10.0.0.1"))
        .chain((4..21_000).map(|second| login(second, "success", &format!("{second}"), "10.0.0.1")))
        .collect();
    log.insert(3, login(4, "success", "~guessed", "10.0.0.1"));
    // The newest first, as the API lists them.
    log.reverse();
    let log = log.concat();
    let found = summary(&[], &log)["limits"]["tables"].clone();
    let mut found = found.as_array().expect("a list").iter();
    let found = found.find(|table| table["table"] == "failed_logins.logins_after_failures");
    assert_eq!(found.expect("said")["missing_at_most"], 0);
    let text = report(&[], &log).stdout;
    let text = String::from_utf8(text).expect("UTF-8");
    let line = "failed_logins.logins_after_failures: too many to keep all; some may be missing\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_login_after_failures_of_other_users_from_its_address_or_of_its_user_from_other_addresses_is_shown()
 {
    let names: Vec<_> = (0..10).map(|number| format!("user {number}")).collect();
    let addresses: Vec<_> = (0..10).map(|number| format!("10.0.0.{number}")).collect();
    let outcome = |number: usize| if number == 9 { "s" } else { "f" };
    let one_password: Vec<_> = (0..10)
        .map(|number| (&*names[number], "10.0.0.6", outcome(number)))
        .collect();
    let many_machines: Vec<_> = (0..10)
        .map(|number| ("Bob", &*addresses[number], outcome(number)))
        .collect();
    let one_machine = [("Bob", "10.0.0.6", "ffffs")];
    for (of, user, address, failures, failures_of) in [
        (&one_password[..], "user 9", "10.0.0.6", 9, "address"),
        (&many_machines, "Bob", "10.0.0.9", 9, "user"),
        // Once, though it is all of these.
        (&one_machine, "Bob", "10.0.0.6", 4, "user_and_address"),
    ] {
        let mut log = logins(of);
        for _ in 0..2 {
            let told = summary(&[], &log.concat());
            assert_eq!(told["totals"]["logins_after_failures"], 1, "{failures_of}");
            let found = &told["failed_logins"]["logins_after_failures"][0];
            let told = ["full_name", "address", "failures", "failures_of"].map(|name| &found[name]);
            let expected = json!([user, address, failures, failures_of]);
            assert_eq!(json!(told), expected);
            // As the API lists them.
            log.reverse();
        }
    }
}

#[test]
fn failed_logins_are_shown_by_address_and_user() {
    let report = report(&["--width", "70"], &mixed().concat());
    let text = String::from_utf8(report.stdout).expect("UTF-8");
    let begin = text.find("Failed logins by user").expect("a heading");
    let end = text.find("Top actions").expect("a heading");
    insta::assert_snapshot!(&text[begin..end]);
}

#[test]
fn a_login_of_an_organization_counts_and_its_logout_does_not() {
    let event = |second: u32, action: &str| {
        let actor = json!({"id": "557058:1", "name": "Nadia", "email": "nadia@example.com"});
        json!({"id": second.to_string(), "attributes": {
            "time": format!("1970-01-01T00:00:0{second}Z"), "action": action, "actor": actor,
            "location": {"ip": "192.0.2.7"},
        }})
        .to_string()
    };
    let failed = ["user_login_failed"; 3];
    let with = |last: [&str; 1]| {
        let all = (0..).zip(failed.iter().chain(&last));
        let all: Vec<_> = all.map(|(second, action)| event(second, action)).collect();
        after_failures(&all.join("\n")).len()
    };
    assert_eq!((with(["user_login"]), with(["user_logout"])), (1, 0));
}

#[test]
fn names_that_were_tried_are_no_users() {
    let mut log: String = (0..15_001)
        .map(|number| login(number, "failed", &format!("name-{number}"), "10.0.0.9"))
        .collect();
    log += &record(1, "page.viewed", "Zoë", "10.0.0.1");
    // Who did something else too is a user.
    log += &login(2, "failed", "Zoë", "10.0.0.1");
    let told = summary(&[], &log);
    assert_eq!(told["totals"]["users"], 1);
    assert_eq!(told["totals"]["failed_login_users"], 15_002);
    assert_eq!(told["users"].as_array().expect("a list").len(), 1);
    let text = report(&[], &log);
    assert!(text.status.success(), "{}", stderr(&text));
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    let totals = text.lines().nth(1).expect("a line");
    assert_eq!(
        totals,
        "1 user, 2 addresses, 2 actions, 15002 failed logins (15002 user names)"
    );
}
