//! Records that somebody wrote to do harm, and more different names than are kept.

use proptest::prelude::*;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::{record, report, summary};
use crate::support::program::{command, run, stderr};
use crate::support::terminal::{shown, terminal};

/// Names that move the cursor, turn the direction, end the line, are wide, or are long.
fn hostile_names() -> Vec<String> {
    vec![
        "\u{1b}[2J\u{1b}[31mred\u{7}".to_owned(),
        "\u{202e}gnp.exe\u{2066}".to_owned(),
        "one\r\ntwo\0\u{85}\u{2028}three".to_owned(),
        "漢字".repeat(100),
        "</script><img src=x onerror=alert(1)>".to_owned(),
        "M".repeat(1 << 20),
        "e\u{301}\u{301}\u{301}".repeat(1000),
        "{red}{0}%s%n".to_owned(),
    ]
}

fn hostile_log() -> String {
    let names = hostile_names();
    let mut log: String = names
        .iter()
        .map(|name| record(1, name, name, name))
        .collect();
    log += "not a record \u{1b}[2J\u{202e}\n";
    log
}

#[test]
fn nothing_in_a_record_reaches_the_terminal_but_as_text() {
    for width in ["40", "80", "200"] {
        let output = report(&["--width", width, "--top", "20"], &hostile_log());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let is_harmful = |character: char| {
            (character.is_control() && character != '\n')
                || ('\u{200b}'..='\u{200f}').contains(&character)
                || ('\u{2028}'..='\u{202e}').contains(&character)
                || ('\u{2060}'..='\u{206f}').contains(&character)
        };
        assert!(!text.contains(is_harmful), "{text:?}");
        let columns: usize = width.parse().expect("a number");
        for line in text.lines() {
            assert!(line.width() <= columns, "{} columns: {line}", line.width());
        }
    }
}

/// Of each kind of character that is not seen: soft hyphen, joiners, fillers, selectors, tags and others.
const UNSEEN: &str = "\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{180e}\u{200d}\u{2064}\u{3164}\u{fe0f}\u{ffa0}\u{fff9}\
    \u{1bca0}\u{1d173}\u{e0001}\u{e0041}\u{e0100}";

#[test]
fn characters_that_are_not_seen_are_escaped_on_the_terminal() {
    let log = record(1, "page.viewed", &format!("a{UNSEEN}b"), "10.0.0.1");
    for command in ["report", "explain"] {
        let output = run([command, "--width", "200"], log.as_bytes());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.contains("a\\u{ad}\\u{34f}"), "{text}");
        assert!(
            !text.contains(|one| UNSEEN.contains(one)),
            "{command}: {text:?}"
        );
    }
}

/// The values that a command prints on a terminal as JSON, where nothing may be hidden in it, and to a pipe, where texts
/// are as they are.
fn on_terminal_and_piped(arguments: &[&str]) -> [Vec<Value>; 2] {
    let (terminal, end) = terminal();
    let mut on_terminal = command(arguments);
    on_terminal.stdout(end);
    let mut child = on_terminal.spawn().expect("it starts");
    drop(on_terminal);
    let text = shown(terminal);
    child.wait().expect("it ends");
    let is_hidden = |one: char| {
        let is_line_end = "\r\n".contains(one);
        one.is_control() && !is_line_end || UNSEEN.contains(one) || "\u{202e}\u{2800}".contains(one)
    };
    assert!(!text.contains(is_hidden), "{text:?}");
    let piped = String::from_utf8(run(arguments, b"").stdout).expect("UTF-8");
    assert!(piped.contains('\u{202e}'), "{piped:?}");
    [text, piped].map(|json| {
        let values = serde_json::Deserializer::from_str(&json).into_iter();
        values.collect::<Result<_, _>>().expect("JSON")
    })
}

#[test]
fn json_on_a_terminal_has_the_same_value_and_nothing_hidden_in_it() {
    let names = ["\u{9b}31m\u{7f}\u{202e}gnp.exe\u{2800}", UNSEEN];
    let log = names.map(|name| record(1, "page.viewed", name, "10.0.0.1"));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a\u{202e}.log");
    std::fs::write(&file, log.concat()).expect("written");
    let (file, state) = (file.to_str(), folder.path().to_str());
    let (file, state) = (file.expect("UTF-8"), state.expect("UTF-8"));
    for command in ["report", "explain"] {
        let [on_terminal, piped] = on_terminal_and_piped(&[command, "--json", file]);
        assert_eq!(on_terminal, piped);
    }
    let list = ["tail", "--list", "--json", "--state-dir", state, file];
    let paths = on_terminal_and_piped(&list).map(|lists| lists[0][0]["path"].clone());
    assert_eq!(paths, [file, file]);
}

#[test]
fn a_width_is_judged_alike_by_all_commands() {
    for command in ["report", "explain"] {
        for width in ["0", "39", "65536", "wide"] {
            let output = run([command, "--width", width], b"");
            assert_eq!(output.status.code(), Some(2));
            let told = stderr(&output);
            let expected = "expected a number of columns from 40 to 65535";
            assert!(told.contains(expected), "{command} {width}: {told}");
        }
        let log = record(1, "page.viewed", "a", "10.0.0.1");
        let output = run([command, "--width", "65535"], log.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
}

/// A failed login and what is notable, with those names.
fn named_log([user, space, action, network]: &[String; 4], address: &str) -> String {
    // Somebody is there whose login failed.
    let user = &format!("u{user}");
    let kinds = [
        ("global.permission.added", 1, "auth"),
        ("space.removed", 2, "spaces"),
        ("login.failed", 3, "auth"),
        (network, 4, "pages"),
    ];
    let one = |(key, second, category): (&str, i64, &str)| {
        let record = json!({
            "affectedObjects": [{"type": "Space", "name": space}, {"type": "User", "name": user}],
            "auditType": {
                "action": action,
                "actionI18nKey": format!("audit.logging.summary.{key}"),
                "categoryI18nKey": format!("audit.logging.category.{category}"),
            },
            "author": {"name": user, "type": "user"},
            "changedValues": [{"key": space, "from": user, "to": action}],
            "source": address,
            "timestamp": {"epochSecond": second * 1_000_000, "nano": 0},
        });
        format!("{record}\n")
    };
    kinds
        .map(|(key, second, category)| one((key, second, category)))
        .concat()
}

/// Any text, or one of wide characters, of marks and of parts of emoji.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,60}",
        "[漢字カ한👩👍🏽🇩🇪❤️é\u{301}\u{fe0f}\u{200d}ﷺ ]{0,60}",
        "[a-zA-Z .]{0,60}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_line_is_wider_than_asked_for_and_addresses_are_whole(
        names in [name(), name(), name(), name()],
        width in 40..=200_usize,
        address in prop_oneof![Just("192.168.100.200"), Just("2001:db8:1111:2222:3333:4444:5555:6666")],
    ) {
        let prefix = if address.contains(':') { 128 } else { 32 };
        let network = format!("{address}/{prefix}=of {}", names[3].replace(',', " "));
        let columns = width.to_string();
        let output = report(&["--width", &columns, "--network", &network], &named_log(&names, address));
        prop_assert!(output.status.success(), "{}", stderr(&output));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        for line in text.lines() {
            prop_assert!(line.width() <= width, "{} of {width} columns: {line:?}", line.width());
        }
        // Of the two notable events, of failed logins by address, by address and user, and of the top addresses.
        let most = if width > address.width() + 2 { 5 } else { 2 };
        prop_assert_eq!(text.matches(address).count(), most, "{}", text);
    }
}

#[test]
fn texts_of_any_length_are_kept_short_in_json() {
    let report = summary(&["--top", "20"], &hostile_log());
    assert_eq!(report["totals"]["users"], hostile_names().len());
    assert!(
        report.to_string().len() < 100_000,
        "{}",
        report.to_string().len()
    );
    let users = report["users"].to_string();
    assert!(
        users.contains("</script>") && users.contains("漢字…"),
        "{users}"
    );
}

#[test]
fn of_any_number_of_names_the_most_frequent_are_kept_and_it_is_said_what_is_missing() {
    let mut log = String::new();
    for number in 0..21_000 {
        let user = format!("user-{number}");
        log += &record(
            number,
            "page.viewed",
            &user,
            &format!("10.0.{}.{}", number / 250, number % 250),
        );
        if number % 100 == 0 {
            log += &record(number, "page.viewed", "busy", "10.1.1.1");
        }
    }
    let report = summary(&[], &log);
    assert_eq!(report["totals"]["events"], 21_210);
    assert_eq!(report["users"][0]["full_name"], "busy");
    let capped = report["limits"]["tables"].as_array().expect("a list");
    let names: Vec<_> = capped.iter().map(|table| table["table"].as_str()).collect();
    assert_eq!(names, [Some("users"), Some("addresses")]);
    let missing = capped[0]["missing_at_most"].as_u64().expect("a number");
    let counted = report["users"][0]["count"].as_u64().expect("a number");
    assert!(
        counted <= 210 && counted + missing >= 210,
        "{counted}, {missing}"
    );
    assert!(report["totals"]["users"].as_u64() >= Some(20_000));
    let text = super::report(&[], &log).stdout;
    let text = String::from_utf8(text).expect("UTF-8");
    assert!(text.contains("users: too many to keep all"), "{text}");
}
