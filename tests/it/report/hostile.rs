//! Records that somebody wrote to do harm, and more different names than are kept.

use unicode_width::UnicodeWidthStr as _;

use super::{record, report, summary};

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
