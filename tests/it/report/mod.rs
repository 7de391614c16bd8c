//! `report` through the binary.

mod exports;
mod hostile;
mod inputs;
mod logins;
mod notable;
mod numbers;
mod organization;
mod shown;
mod table;

use std::process::Output;

use serde_json::{Value, json};

use crate::support::program::{run, stderr};

/// A log file with some of everything.
const SAMPLE: &str = "testdata/20260101.00000.audit.log";
const DATABASES: [&str; 4] = [
    "--geoip-city",
    "testdata/geoip/confluence-ecs-city.mmdb",
    "--geoip-asn",
    "testdata/geoip/confluence-ecs-asn.mmdb",
];

fn report(arguments: &[&str], input: &str) -> Output {
    run(["report"].iter().chain(arguments), input.as_bytes())
}

/// The report as JSON; it must end with 0.
fn summary(arguments: &[&str], input: &str) -> Value {
    let arguments: Vec<_> = ["--json"].iter().chain(arguments).copied().collect();
    let output = report(&arguments, input);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A record of a Data Center log file, with a line end.
fn record(second: i64, action: &str, user: &str, address: &str) -> String {
    let record = json!({
        "affectedObjects": [],
        "auditType": {
            "action": action,
            "actionI18nKey": format!("audit.logging.summary.{action}"),
            "category": "Pages",
            "categoryI18nKey": "audit.logging.category.page",
        },
        "author": { "name": user, "type": "user", "uri": "" },
        "source": address,
        "timestamp": { "epochSecond": second, "nano": 0 },
    });
    format!("{record}\n")
}
