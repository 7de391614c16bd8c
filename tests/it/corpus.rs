//! The corpus is what it says it is, and the committed file is what it gives.
#![forbid(unsafe_code)]

use std::collections::HashSet;

#[path = "../../benches/corpus.rs"]
mod generator;

fn lines(bytes: &[u8]) -> Vec<serde_json::Value> {
    assert!(bytes.ends_with(b"\n"));
    bytes[..bytes.len() - 1]
        .split(|byte| *byte == b'\n')
        .map(|line| serde_json::from_slice(line).expect("valid JSON"))
        .collect()
}

#[test]
fn the_committed_file_is_what_the_generator_gives() {
    let committed = std::fs::read("testdata/20260101.00000.audit.log").unwrap();
    assert!(committed == generator::dc_file(300, 1));
}

#[test]
fn every_line_is_json_of_a_realistic_length() {
    for bytes in [
        generator::dc_file(20_000, 7),
        generator::dc_api(20_000, 7),
        generator::cloud(20_000, 7),
        generator::organization(20_000, 7),
    ] {
        assert_eq!(lines(&bytes).len(), 20_000);
        let lengths = || {
            bytes
                .split(|byte| *byte == b'\n')
                .map(<[u8]>::len)
                .filter(|n| *n > 0)
        };
        let (least, most) = (lengths().min().unwrap(), lengths().max().unwrap());
        let mean = bytes.len() / 20_000;
        println!("{least} {mean} {most}");
        assert!(least >= 450 && most <= 2500, "{least}..{most}");
        assert!((750..=1050).contains(&mean), "mean {mean}");
    }
}

#[test]
fn times_increase_and_addresses_repeat() {
    let records = lines(&generator::dc_file(20_000, 3));
    let times: Vec<(u64, u64)> = records
        .iter()
        .map(|record| {
            let time = &record["timestamp"];
            (
                time["epochSecond"].as_u64().unwrap(),
                time["nano"].as_u64().unwrap(),
            )
        })
        .collect();
    assert!(times.is_sorted());
    assert!(times.iter().any(|(_, nano)| nano % 1000 != 0));
    let addresses: HashSet<&str> = records
        .iter()
        .filter_map(|record| record["source"].as_str())
        .collect();
    assert!((1700..=2003).contains(&addresses.len()));
}

#[test]
fn pages_hold_the_records_newest_first() {
    for (page, key, records) in [
        (
            generator::cloud_page(50, 5),
            "results",
            generator::cloud(50, 5),
        ),
        (
            generator::dc_page(50, 5),
            "entities",
            generator::dc_api(50, 5),
        ),
    ] {
        assert!(!page.contains(&b'\n'));
        let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
        let mut records = lines(&records);
        records.reverse();
        assert_eq!(page[key].as_array().unwrap(), &records);
    }
    let empty: serde_json::Value = serde_json::from_slice(&generator::cloud_page(0, 5)).unwrap();
    assert!(empty["results"].as_array().unwrap().is_empty());
}
