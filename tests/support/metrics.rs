//! Metrics in Prometheus' text format 0.0.4, read as strictly as Prometheus does, and more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::atlassian::client::{self, Reply};

/// The metrics that a text holds.
#[derive(Debug, Default)]
pub struct Metrics {
    /// The type of each family.
    pub families: BTreeMap<String, String>,
    samples: BTreeMap<Sample, f64>,
}

/// The name of a sample, and its labels.
type Sample = (String, BTreeMap<String, String>);

impl Metrics {
    /// Reads a text: each family has its help and its type before its samples, and stands together; no series is
    /// there twice; a counter is not negative; a histogram is whole.
    pub fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "a torn text: {text}");
        let mut metrics = Self::default();
        let (mut helped, mut family) = (String::new(), String::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help text");
                assert!(is_name(name) && !help.is_empty(), "{line}");
                name.clone_into(&mut helped);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(name, helped, "no help before {line}");
                let before = metrics.families.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "{name} is there twice");
                name.clone_into(&mut family);
            } else {
                let (sample, value) = sample(line);
                let kind = &*metrics.families[&family];
                let endings: &[&str] = match kind {
                    "histogram" => &["_bucket", "_sum", "_count"],
                    _ => &[""],
                };
                let is_of_family = endings
                    .iter()
                    .any(|ending| sample.0 == format!("{family}{ending}"));
                assert!(is_of_family, "{line} is not of {family}");
                assert!(kind == "gauge" || value >= 0.0, "{line}");
                assert!(kind != "counter" || family.ends_with("_total"), "{line}");
                let before = metrics.samples.insert(sample, value);
                assert_eq!(before, None, "{line} is there twice");
            }
        }
        metrics
    }

    /// Asks for the metrics of a program that listens there.
    pub fn of(address: &str) -> Self {
        let reply = ask(address, "/metrics");
        assert_eq!(reply.status, 200);
        let kind = reply.header("Content-Type");
        assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
        Self::parse(&reply.text())
    }

    /// Reads the file of them.
    pub fn read(path: &Path) -> Self {
        Self::parse(&std::fs::read_to_string(path).expect("metrics"))
    }

    /// A value, by its name without the prefix, and its labels; all of them.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter();
        let labels = labels.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sample = (format!("confluence_ecs_{name}"), labels.collect());
        self.samples.get(&sample).copied()
    }

    /// The labels that the samples of a family have, but for the `le` of buckets.
    pub fn labels(&self, family: &str) -> BTreeSet<String> {
        let of = |(name, _): &&Sample| {
            let ending = name.strip_prefix(family);
            ending.is_some_and(|ending| ["", "_bucket", "_sum", "_count"].contains(&ending))
        };
        let samples = self.samples.keys().filter(of);
        let labels = samples.flat_map(|(_, labels)| labels.keys().cloned());
        labels.filter(|label| label != "le").collect()
    }

    /// No counter is smaller than before, nor gone.
    pub fn assert_goes_on_from(&self, before: &Self) {
        for (sample, value) in &before.samples {
            let is_counter = ["_total", "_bucket", "_sum", "_count"]
                .iter()
                .any(|ending| sample.0.ends_with(ending));
            if is_counter {
                let now = self.samples.get(sample).copied();
                assert!(now >= Some(*value), "{sample:?}: {value}, then {now:?}");
            }
        }
    }
}

/// Asks a program that listens there.
pub fn ask(address: &str, path: &str) -> Reply {
    client::send("GET", &format!("http://{address}{path}"), &[], b"").expect("a response")
}

fn is_name(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.starts_with("confluence_ecs_") && name.bytes().all(is_good)
}

fn sample(line: &str) -> (Sample, f64) {
    // Of the process itself there are none.
    let (name, labels, value) = if let Some((name, rest)) = line.split_once('{') {
        let (labels, value) = rest.rsplit_once("} ").expect("labels and a value");
        (name, labels, value)
    } else {
        let (name, value) = line.split_once(' ').expect("a value");
        (name, "", value)
    };
    assert!(is_name(name), "{line}");
    let mut all = BTreeMap::new();
    let mut rest = labels;
    while !rest.is_empty() {
        let (label, behind) = rest.split_once("=\"").expect("a label");
        let (text, behind) = behind.split_once('"').expect("a value");
        assert!(
            !text.contains('\\'),
            "an escape, which no value of a test has: {line}"
        );
        assert_eq!(
            all.insert(label.to_owned(), text.to_owned()),
            None,
            "{line}"
        );
        rest = behind.strip_prefix(',').unwrap_or(behind);
    }
    let value = value
        .parse()
        .unwrap_or_else(|_| panic!("no number: {line}"));
    ((name.to_owned(), all), value)
}
