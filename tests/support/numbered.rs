//! Records that are told apart by a number.

use serde_json::{Value, json};

/// A record of Data Center's log with a number as its author's id.
pub fn record(number: u64) -> Value {
    json!({
        "affectedObjects": [{"id": "1", "name": "Page", "type": "Page"}],
        "auditType": {
            "action": "Page created",
            "actionI18nKey": "audit.logging.summary.page.created",
            "area": "END_USER_ACTIVITY",
            "category": "Pages",
            "categoryI18nKey": "audit.logging.category.page",
            "level": "FULL",
        },
        "author": {"id": number.to_string(), "name": "Someone", "type": "user"},
        "changedValues": [],
        "extraAttributes": [],
        "method": "Browser",
        "source": "10.0.0.7",
        "system": "http://confluence.example.com:8090",
        "timestamp": {"epochSecond": 1_767_225_600 + number, "nano": 0},
        "version": "1.0",
    })
}

/// Lines of a log with the records of these numbers.
pub fn log_lines(numbers: std::ops::RangeInclusive<u64>) -> Vec<u8> {
    let lines = numbers.map(|number| format!("{}\n", record(number)));
    lines.collect::<String>().into_bytes()
}
