//! The queries of docs/detections.md for clusters find in a real index what those for jq find. Neither KQL, which Kibana
//! reads, nor ES|QL, which the small builds of Elasticsearch lack, is run itself: the conditions are parsed here, and asked for as
//! queries of the search API.

use std::collections::BTreeSet;
use std::fs;
use std::iter::Peekable;
use std::vec::IntoIter;

use regex::Regex;
use serde_json::{Value, json};

use super::node::{Elasticsearch9, Kind, Node, OpenSearch3};
use super::support::binary;
use super::world::install_template;

const DOCUMENT: &str = include_str!("../../docs/detections.md");
const STREAM: &str = "logs-atlassian_confluence.audit-default";

/// A section of the document: its heading, and what is below it.
struct Section {
    heading: &'static str,
    text: &'static str,
}

impl Section {
    fn all() -> impl Iterator<Item = Self> {
        let sections = DOCUMENT.split("\n## ").skip(1);
        sections.map(|section| {
            let (heading, text) = section.split_once('\n').expect("a heading");
            Self { heading, text }
        })
    }

    /// The first block in a language.
    fn block(&self, language: &str) -> Option<&'static str> {
        let (_, behind) = self.text.split_once(&*format!("```{language}\n"))?;
        Some(behind.split_once("\n```")?.0)
    }

    /// The condition of the query in ES|QL: that of its first `WHERE`.
    fn condition(&self) -> Option<String> {
        let query = self.block("esql")?;
        let (_, behind) = query.split_once("| WHERE ").expect("a condition");
        Some(behind.split("\n|").next().expect("text").to_owned())
    }

    /// What jq prints.
    fn found(&self) -> &'static str {
        let block = self.block("console").expect("a query for jq");
        let (_, behind) = block.split_once(".ndjson").expect("its file");
        let (_, lines) = behind.split_once('\n').expect("its output");
        lines.split("\n$ ").next().expect("text")
    }
}

/// A condition in KQL or ES|QL, read as a query of the search API.
struct Condition {
    tokens: Peekable<IntoIter<String>>,
}

impl Condition {
    fn parse(text: &str) -> Value {
        let token = Regex::new(r#""[^"]*"|[@\w.*]+|==|!=|[():,]|\S"#).expect("a pattern");
        let tokens = token.find_iter(text).map(|token| token.as_str().to_owned());
        let mut condition = Self {
            tokens: tokens.collect::<Vec<_>>().into_iter().peekable(),
        };
        let query = condition.any();
        assert_eq!(condition.tokens.next(), None, "{text}");
        query
    }

    fn is_next(&mut self, word: &str) -> bool {
        let is_it = |token: &String| token.eq_ignore_ascii_case(word);
        self.tokens.next_if(is_it).is_some()
    }

    fn expect(&mut self, word: &str) {
        assert!(self.is_next(word), "{word}: {:?}", self.tokens.peek());
    }

    fn next(&mut self) -> String {
        self.tokens.next().expect("more")
    }

    /// What is in quotes next.
    fn text(&mut self) -> String {
        let token = self.next();
        let text = token
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        text.unwrap_or_else(|| panic!("no text: {token}"))
            .to_owned()
    }

    fn any(&mut self) -> Value {
        let mut conditions = vec![self.all()];
        while self.is_next("or") {
            conditions.push(self.all());
        }
        json!({"bool": {"should": conditions, "minimum_should_match": 1}})
    }

    fn all(&mut self) -> Value {
        let mut conditions = vec![self.one()];
        while self.is_next("and") {
            conditions.push(self.one());
        }
        json!({"bool": {"filter": conditions}})
    }

    fn one(&mut self) -> Value {
        if self.is_next("not") {
            return json!({"bool": {"must_not": [self.one()]}});
        }
        if self.is_next("(") {
            let condition = self.any();
            self.expect(")");
            return condition;
        }
        let is_lower = self.is_next("TO_LOWER");
        if is_lower {
            self.expect("(");
        }
        let field = self.next();
        if is_lower {
            self.expect(")");
        }
        let operator = self.next();
        match &*operator {
            "==" => json!({"term": {field: self.text()}}),
            "!=" => {
                let is_there = json!({"exists": {"field": field}});
                let is_it = json!({"term": {field: self.text()}});
                json!({"bool": {"filter": [is_there], "must_not": [is_it]}})
            }
            "LIKE" => {
                json!({"wildcard": {field: {"value": self.text(), "case_insensitive": is_lower}}})
            }
            "IN" => json!({"terms": {field: self.list(",")}}),
            ":" => match self.tokens.peek().map(|token| &token[..1]) {
                Some("(") => json!({"terms": {field: self.list("or")}}),
                Some("\"") => json!({"match_phrase": {field: self.text()}}),
                _ => json!({"wildcard": {field: {"value": self.next()}}}),
            },
            other => panic!("no operator: {other}"),
        }
    }

    fn list(&mut self, between: &str) -> Vec<String> {
        self.expect("(");
        let mut texts = vec![self.text()];
        while self.is_next(between) {
            texts.push(self.text());
        }
        self.expect(")");
        texts
    }
}

/// The events that a condition finds.
fn found(node: &Node, condition: &str) -> Vec<Value> {
    let body = json!({"query": Condition::parse(condition), "size": 1000});
    let answer = node.must("POST", &format!("{STREAM}/_search"), &body.to_string());
    let hits = answer["hits"]["hits"].as_array().expect("hits");
    hits.iter().map(|hit| hit["_source"].clone()).collect()
}

/// Holds the events that were found against what jq prints: a line each with its time, or a line for several with their number.
fn hold(section: &Section, language: &str, events: &[Value]) {
    let expected = section.found();
    let heading = section.heading;
    let times: BTreeSet<_> = events
        .iter()
        .map(|event| event["@timestamp"].as_str().expect("a time"))
        .collect();
    if heading == "Failed logins" {
        let counts = expected.lines().map(|line| {
            let count = line.split_whitespace().next().expect("a count");
            count.parse::<usize>().expect("a number")
        });
        assert_eq!(events.len(), counts.sum::<usize>(), "{heading}, {language}");
    } else {
        let lines = expected
            .lines()
            .map(|line| line.split('\t').next().expect("a time"));
        let lines: BTreeSet<_> = lines.collect();
        // The right to administer a space, which ES|QL does not read.
        let is_unread = |line: &&str| language == "esql" && *line == "2026-01-12T09:38:26.000Z";
        let lines: BTreeSet<_> = lines.into_iter().filter(|line| !is_unread(line)).collect();
        assert_eq!(times, lines, "{heading}, {language}");
    }
}

fn finds_what_jq_finds(kind: Kind) {
    let Some(node) = Node::start(kind, &[]) else {
        return;
    };
    install_template(&node);
    let mut command = binary::command(["normalize", "--categories", "extended"]);
    command.args([
        "--elasticsearch-url",
        &node.url(),
        "testdata/detections.log",
    ]);
    let output = command.output().expect("run");
    assert_eq!(output.status.code(), Some(0), "{}", binary::stderr(&output));
    let records = fs::read_to_string("testdata/detections.log").expect("text");
    assert_eq!(node.documents(STREAM).len(), records.lines().count());
    let mut asked = 0;
    for section in Section::all() {
        let kql = section.block("kql").map(str::to_owned);
        for (language, condition) in [("kql", kql), ("esql", section.condition())] {
            if let Some(condition) = condition {
                hold(&section, language, &found(&node, &condition));
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 9);
}

#[test]
fn elasticsearch_finds_what_jq_finds() {
    finds_what_jq_finds(Elasticsearch9);
}

#[test]
fn opensearch_finds_what_jq_finds() {
    finds_what_jq_finds(OpenSearch3);
}
