//! The threat model (`SECURITY.md`) names the tests that hold what it promises.

use std::fs;

use regex::Regex;

use crate::support::program::project;

/// Each file that is named, with the tests that are named behind it.
fn named() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(project("SECURITY.md")).expect("the threat model");
    let file = Regex::new(r"`((?:tests|src)/[^`]+\.rs)`(?::((?:,? `[a-z0-9_]+`)+))?");
    let test = Regex::new("`([a-z0-9_]+)`").expect("a pattern");
    let files = file.expect("a pattern");
    files
        .captures_iter(&text)
        .map(|found| {
            let tests = found.get(2).map_or("", |tests| tests.as_str());
            let tests = test.captures_iter(tests).map(|test| test[1].to_owned());
            (found[1].to_owned(), tests.collect())
        })
        .collect()
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let named = named();
    assert!(named.len() > 20, "{named:?}");
    let mut missing = Vec::new();
    for (file, tests) in named {
        let code = fs::read_to_string(project(&file)).unwrap_or_default();
        let is_missing = |test: &String| !code.contains(&format!("fn {test}("));
        if code.is_empty() || tests.iter().any(is_missing) {
            missing.push(format!("{file}: {tests:?}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
