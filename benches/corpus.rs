//! Audit records made up from a seed, for benches and tests: the same seed gives the same bytes, on every machine.
//!
//! Shapes, key orders and the mixture of events follow the notes on sources; no record is anybody's.
//! A test or bench takes this file in with `#[path]`; it has no dependencies.
#![allow(dead_code)] // whoever takes it in uses a part of it

#[path = "corpus/cloud.rs"]
mod cloud;
#[path = "corpus/data_center.rs"]
mod data_center;
#[path = "corpus/draw.rs"]
mod draw;
#[path = "corpus/json.rs"]
mod json;
#[path = "corpus/organization.rs"]
mod organization;
#[path = "corpus/tables.rs"]
mod tables;

use draw::Draw;
use json::Json;

/// Lines of a Data Center log file (dialect `dc-file`): keys in alphabetical order, nulls left out, oldest first.
#[must_use]
pub fn dc_file(lines: usize, seed: u64) -> Vec<u8> {
    lines_of(lines, seed, |draw, out| {
        data_center::record(draw).write_file(out);
    })
}

/// Records of the Data Center API (dialect `dc-api`), one a line, oldest first.
#[must_use]
pub fn dc_api(lines: usize, seed: u64) -> Vec<u8> {
    lines_of(lines, seed, |draw, out| {
        data_center::record(draw).write_api(out);
    })
}

/// Records of the Cloud API (dialect `cloud`), one a line, oldest first, with the nulls that the API gives.
#[must_use]
pub fn cloud(lines: usize, seed: u64) -> Vec<u8> {
    lines_of(lines, seed, cloud::write_record)
}

/// Events of the API of an organization (dialect `org`), one a line, oldest first.
#[must_use]
pub fn organization(lines: usize, seed: u64) -> Vec<u8> {
    lines_of(lines, seed, organization::write_record)
}

/// One whole answer of the Cloud API on one line: the records of [`cloud`], newest first, and the page's own fields.
#[must_use]
pub fn cloud_page(records: usize, seed: u64) -> Vec<u8> {
    let results = newest_first(&cloud(records, seed));
    format!(
        r#"{{"results":[{results}],"start":0,"limit":{records},"size":{records},"_links":{{"base":"https://acme.atlassian.net/wiki","context":"/wiki","next":"/rest/api/audit?start={records}&limit={records}","self":"https://acme.atlassian.net/wiki/rest/api/audit"}}}}"#
    )
    .into_bytes()
}

/// One whole answer of the Data Center API on one line: the records of [`dc_api`], newest first, and the paging fields.
#[must_use]
pub fn dc_page(records: usize, seed: u64) -> Vec<u8> {
    let entities = newest_first(&dc_api(records, seed));
    let cursor = draw::START / 1_000_000;
    format!(
        r#"{{"entities":[{entities}],"pagingInfo":{{"lastPage":false,"size":{records},"nextPageOffset":0,"nextPageCursor":"{cursor},179","nextPageLink":"https://confluence.example.com/rest/auditing/1.0/events?offset=0&limit={records}&pageCursor={cursor},179"}}}}"#
    )
    .into_bytes()
}

fn lines_of(lines: usize, seed: u64, write: impl Fn(&mut Draw, &mut Json)) -> Vec<u8> {
    let mut draw = Draw::new(seed);
    let mut out = Json::default();
    for _ in 0..lines {
        write(&mut draw, &mut out);
        out.raw("\n");
    }
    out.into_bytes()
}

fn newest_first(lines: &[u8]) -> String {
    let text = String::from_utf8_lossy(lines);
    text.lines().rev().collect::<Vec<_>>().join(",")
}
