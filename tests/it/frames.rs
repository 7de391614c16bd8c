//! Any bytes, in any pieces: what comes out depends on the bytes alone.

use std::path::Path;
use std::sync::Arc;

use crate::support::program::lines;
use confluence_ecs::pipeline::actions::Categories;
use confluence_ecs::pipeline::enrich::source::Enricher;
use confluence_ecs::pipeline::event::{AddFields, DefaultTags, Envelope, Origin};
use confluence_ecs::pipeline::frame::Framer;
use confluence_ecs::pipeline::normalize::{Normalizer, Options};
use confluence_ecs::pipeline::timestamp::TimeMode;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

fn options(limit: usize) -> Arc<Options> {
    Arc::new(Options {
        dialect: None,
        time_mode: TimeMode::Exact,
        categories: Categories::Elastic,
        max_line_bytes: limit,
        enricher: Enricher::default(),
        envelope: Envelope::new(
            "default",
            DefaultTags::None,
            &[],
            true,
            AddFields::default(),
        ),
    })
}

/// The events of a stream that arrives in pieces of those lengths, over and over.
pub(crate) fn events_of(text: &[u8], pieces: &[usize], limit: usize) -> Vec<Value> {
    lines_of(text, pieces, limit, false)
}

/// The events, each behind the action with its `_id`.
pub(crate) fn actions_of(text: &[u8], pieces: &[usize], limit: usize) -> Vec<Value> {
    lines_of(text, pieces, limit, true)
}

fn lines_of(text: &[u8], pieces: &[usize], limit: usize, has_ids: bool) -> Vec<Value> {
    let mut normalizer = Normalizer::new(options(limit)).with_ids(has_ids);
    let mut framer = Framer::new(limit);
    let origin = Origin::file(Path::new("a.log"));
    let mut out = Vec::new();
    let mut buffer = Vec::new();
    let mut rest = text;
    let mut lengths = pieces.iter().cycle();
    loop {
        let length = rest.len().min(*lengths.next().expect("endless"));
        buffer.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
        let mut frames = Vec::new();
        let offset = framer.offset();
        let consumed = framer.frame(&buffer, rest.is_empty(), &mut frames);
        normalizer.frames(&mut out, &buffer, offset, frames, &origin);
        buffer.drain(..consumed);
        assert!(
            buffer.len() <= limit.max(64 << 10) + length + 2,
            "the buffer grows"
        );
        if rest.is_empty() {
            break;
        }
    }
    assert!(buffer.is_empty(), "left over: {buffer:?}");
    let mut events = lines(&out);
    let counts = normalizer.take_counts();
    assert_eq!(counts.records << u8::from(has_ids), events.len() as u64);
    for event in &mut events {
        // The time of processing.
        if event["event"]["kind"] == "pipeline_error" {
            event["@timestamp"] = Value::Null;
        }
    }
    events
}

/// Texts in which documents, records, faults and line ends meet.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        6 => Just(&b"{\"creationDate\":1,\"summary\":\"x\"}"[..]),
        2 => Just(&b"{\"timestamp\":\"2\",\"type\":{\"a\":[1,{\"b\":\"]}\\\"\"}]}}"[..]),
        2 => Just(&b"{\"results\":["[..]),
        1 => Just(&b"{\"size\":[1,{}],\"entities\":["[..]),
        1 => Just(&b"{\"pagingInfo\":{\"a\":1},\"entities\":["[..]),
        1 => Just(&b"{\"data\":["[..]),
        1 => Just(&b"{\"data\":{\"attributes\":{\"time\":\"2026-01\"}}}"[..]),
        2 => Just(&b"{\"attributes\":{\"time\":\"2026-01\"}}"[..]),
        1 => Just(&b"{\"results\":[{\"creationDate\":1,\"su"[..]),
        2 => Just(&b"[\n"[..]),
        1 => Just(&b"["[..]),
        3 => Just(&b","[..]),
        2 => Just(&b"]}"[..]),
        1 => Just(&b"]"[..]),
        1 => Just(&b"}"[..]),
        1 => Just(&b"],\"_links\":{\"next\":\"[\"}}"[..]),
        4 => Just(&b"\n"[..]),
        1 => Just(&b"\r\n"[..]),
        1 => Just(&b"  "[..]),
        1 => Just(&b"\n    "[..]),
        2 => Just(&b"{\n  \"creationDate\": 1,\n  \"a\": [\n    {}\n  ]\n}\n"[..]),
        2 => Just(&b"{\n"[..]),
        1 => Just(&b"{\"a\":"[..]),
        1 => Just(&b"\"creationDate\":1,\n"[..]),
        1 => Just(&b"\""[..]),
        1 => Just(&b"\\"[..]),
        1 => Just(&b"\xFF"[..]),
        1 => Just(&b"nonsense"[..]),
        1 => Just(&b"{\"creationDate\":1,\"summary\":\"a longer record, for the limit\"}"[..]),
        1 => Just(&b"\xEF\xBB\xBF"[..]),
        2 => Just(&b"\0"[..]),
        1 => Just(&b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..]),
    ];
    vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// How many cases of a property are tried: so many, or `PROPTEST_CASES`.
pub(crate) fn cases(usual: u32) -> u32 {
    let cases = std::env::var("PROPTEST_CASES").ok();
    cases.and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// Whether what is passed over before a document stands elsewhere than at the beginning of a line.
fn has_skipped_within_line(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n');
    lines.any(|line| line.iter().skip(1).any(|byte| matches!(byte, b'\0' | 0xEF)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2000)))]

    #[test]
    fn pieces_do_not_matter(
        text in stream(),
        pieces in vec(1_usize..40, 1..5),
        limit in prop_oneof![Just(40_usize), Just(1 << 20)],
    ) {
        // Not held: behind a page on its line, a byte order mark or a NUL before a pretty-printed record over the limit.
        if limit <= 40 && has_skipped_within_line(&text) {
            return Ok(());
        }
        // Nor the ids of errors, where the beginning of broken text over the limit was let go.
        let lines = if limit <= 40 { events_of } else { actions_of };
        let whole = lines(&text, &[usize::MAX], limit);
        let in_pieces = lines(&text, &pieces, limit);
        for (one, other) in whole.iter().zip(&in_pieces) {
            prop_assert_eq!(one.to_string(), other.to_string(), "{:?}", String::from_utf8_lossy(&text));
        }
        prop_assert_eq!(whole.len(), in_pieces.len(), "{:?}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn any_bytes_give_lines_of_json(text in vec(any::<u8>(), 0..400), pieces in vec(1_usize..40, 1..5)) {
        prop_assert_eq!(events_of(&text, &[usize::MAX], 100), events_of(&text, &pieces, 100));
    }

    #[test]
    fn a_line_that_is_no_document_is_one_event(lines in vec("[a-z\"{}:,0-9 \\\\\\t]{0,30}", 0..8)) {
        let is_one = |line: &String| !line.trim_ascii().is_empty();
        // With a colon at its end, a line may go on on the next one.
        let ended = |line: &String| format!("{line}x");
        let lines: Vec<_> = lines.iter().map(ended).collect();
        let text = format!("x\n{}", lines.join("\n"));
        let expected = 1 + lines.iter().filter(|line| is_one(line)).count();
        prop_assert_eq!(events_of(text.as_bytes(), &[7], 1 << 20).len(), expected);
    }
}

/// The kinds of the events, `.` for an event and `!` for an error, and the offsets of their lines.
pub(crate) fn outline(text: &str) -> (String, Vec<u64>) {
    let events = events_of(text.as_bytes(), &[usize::MAX], 1 << 20);
    let kinds = events
        .iter()
        .map(|event| match event["event"]["kind"].as_str() {
            Some("event") => '.',
            _ => '!',
        });
    let offsets = events
        .iter()
        .map(|event| event["log"]["offset"].as_u64().expect("an offset"));
    (kinds.collect(), offsets.collect())
}

#[test]
fn documents_and_lines() {
    const R: &str = r#"{"creationDate":1}"#;
    for (text, kinds) in [
        (format!("{R}\n{R}"), ".."),
        (format!("[{R},{R}]"), ".."),
        (format!("[\n{R},\n{R}\n]\n{R}"), "..."),
        (
            format!("{{\"results\":[{R}],\"size\":1}}\n{{\"entities\":[{R}]}}\n{R}"),
            "...",
        ),
        // Pages one behind the other, as curl in a loop gives them.
        (
            format!("{{\"results\":[{R}]}}{{\"results\":[{R}]}}{R}\n{R}"),
            "....",
        ),
        (
            format!("{{\n \"results\": [\n{R}\n]}}\n{{\n \"results\": [\n{R}\n]}}"),
            "..",
        ),
        ("[]".to_owned(), ""),
        ("{\"results\":[]}".to_owned(), ""),
        (" \n\t\n".to_owned(), ""),
        // A page after lines stands on its line.
        (format!("{R}\n[{R},{R}]\n{R}"), "...."),
        (format!("{R}\n[\n{R}\n]"), ".."),
        // Every array of records of a page, by its keys however they are spelled.
        (
            format!("{{\"results\":[],\"entities\":[{R}],\"results\":[{R},{R}]}}"),
            "...",
        ),
        (format!("{{\"res\\u0075lts\":[{R}]}}"), "."),
        // What comes before the array may be long.
        (
            format!(
                "{{\n\"x\":\"{}\",\n\"results\":[\n{R}\n]}}",
                "x".repeat(100_000)
            ),
            ".",
        ),
        // A fault costs its record.
        (format!("[{R},7,{{\"a\":}},{R}]"), ".!!."),
        (format!("[{R},{R}"), "..!"),
        (format!("[{R},{{\"creationDate\":"), ".!"),
        (format!("[{R} {R}]\n{R}"), ".!."),
        (format!("[\n{R}\n{R}\n{R}"), ".!.."),
        (format!("{{\"results\":[{R},\"torn\n{R}\n{R}"), ".!.."),
        (
            "[ERROR] of another log\n{\"creationDate\":1}".to_owned(),
            "!.",
        ),
        // A record's own `results`.
        ("{\"creationDate\":1,\"results\":[{}]}".to_owned(), "."),
        ("{\"results\":7,\"creationDate\":1}".to_owned(), "."),
        // A torn first line does not swallow those that follow.
        (format!("{{\"a\":[{{\"b\":1}}\n{R}\n{R}"), "!.."),
        (format!("\u{FEFF}{R}\n\u{FEFF}{R}"), ".."),
    ] {
        assert_eq!(outline(&text).0, kinds, "{text}");
    }
}

/// As `jq` prints it.
pub(crate) const PRETTY: &str = r#"{
  "creationDate": 1,
  "summary": "a \"b\" }",
  "affectedObject": {
    "name": "x"
  },
  "associatedObjects": [
    {
      "name": "y"
    }
  ]
}"#;

#[test]
fn records_over_several_lines() {
    const R: &str = r#"{"creationDate":1}"#;
    const P: &str = PRETTY;
    let page = |records: &str| format!("{{\n  \"results\": [\n{records}\n  ],\n  \"size\": 1\n}}");
    let one_page = page(P);
    let crlf = format!("{P}\n{P}\n").replace('\n', "\r\n");
    for (text, kinds) in [
        (P.to_owned(), "."),
        (format!("\u{FEFF}\n  {P}\n\n"), "."),
        (format!("{P}\n{P}\n{P}\n"), "..."),
        (crlf, ".."),
        (format!("{P}{P} {R}\n{R}"), "...."),
        (
            format!("{P}\n{one_page}\n{P}\n[\n{P},\n{P}\n]\n{P}"),
            "......",
        ),
        (format!("{P}\n{R}\n{R}"), "..."),
        // A fault costs its record.
        (format!("{{\n  \"creationDate\": ,\n}}\n{P}"), "!."),
        (format!("{{\n  \"a\": [\n  }}\n}}\n{P}"), "!."),
        (format!("{P}\n{{\n  \"creationDate\": 1,\n  \"a"), ".!"),
        (format!("{P}\n{{\n  \"creationDate\": 1,\n{P}\n{P}"), ".!.."),
        // Its first line may have more in it.
        (
            "{ \"creationDate\": 1,\n  \"a\": {\"b\": 1}\n}".to_owned(),
            ".",
        ),
        // An array may hold pages.
        (format!("[{one_page},\n{one_page}]"), ".."),
        (
            format!("[{{\"size\":1,\"results\":[{R},{R}]}},{{\"results\":[]}},{R}]"),
            "...",
        ),
        (format!("[{{\"size\":,\"results\":[{R}]}},{R}]"), "!."),
        (format!("[{{\"size\" 1}},{{\"a\":[}}]}},{R}]"), "!!"),
        (format!("[{R},{{\"size\":1,\"results\":[{R},{R}"), "...!"),
        // A line that was cut off does not swallow those that follow.
        (format!("{{\"a\":\n{R}\n{R}"), "!.."),
        (format!("{{\"a\":\n{R}"), "!."),
        (format!("{{\"a\":1,\n{R}\n{R}"), "!.."),
        (format!("{{\"a\":[\n{R}\n{R}"), "!.."),
        (format!("{{\"a\":[1,\n{R}\n"), "!."),
        (format!("{{\"a\":\"x\n{R}\n{R}"), "!.."),
        (format!("{{\n{R}\n{R}"), "!.."),
        (format!("{R}\n{P}"), ".."),
    ] {
        assert_eq!(outline(&text).0, kinds, "{text}");
    }
}

#[test]
fn a_good_line_behind_one_that_was_cut_off_does_not_wait_for_the_next() {
    let mut framer = Framer::new(1 << 20);
    let mut frames = Vec::new();
    let text = b"{\"a\":\n{\"creationDate\":1}\n";
    assert_eq!(framer.frame(text, false, &mut frames), text.len());
}

#[test]
fn the_text_of_a_record_over_several_lines_is_kept() {
    let text = format!("{PRETTY}\n  {PRETTY}\n");
    let events = events_of(text.as_bytes(), &[7], 1 << 20);
    for event in &events {
        assert_eq!(event["event"]["original"], PRETTY);
    }
    assert_eq!(outline(&text).1, [0, PRETTY.len() as u64 + 1]);
}

#[test]
fn a_record_over_several_lines_has_the_limit_of_a_line() {
    let long = format!(
        "{{\n  \"creationDate\": 1,\n  \"summary\": \"{}\"\n}}\n",
        "x".repeat(200_000)
    );
    let text = format!("{PRETTY}\n{long}{PRETTY}\n");
    for pieces in [&[usize::MAX][..], &[1000]] {
        let events = events_of(text.as_bytes(), pieces, 300);
        let messages: Vec<_> = events
            .iter()
            .map(|event| event["error"]["message"].as_str())
            .collect();
        let message = format!(
            "record of {} bytes at byte {} of the input is longer than the limit of 300 \
             (--max-line-bytes); its first 65536 bytes are kept",
            long.len() - 1,
            PRETTY.len() + 1
        );
        assert_eq!(messages, [None, Some(&*message), None]);
    }
}

#[test]
fn the_offset_is_that_of_the_line() {
    const R: &str = r#"{"creationDate":1}"#;
    assert_eq!(
        outline(&format!("[\n  {R},\n  {R}, {R}\n]\n{R}")).1,
        [2, 24, 24, 67]
    );
}

#[test]
fn nul_bytes_before_a_line_are_no_part_of_it() {
    const R: &str = r#"{"creationDate":1}"#;
    const N: &str = "\0\0\0";
    const P: u64 = PRETTY.len() as u64;
    for (text, kinds, offsets) in [
        (format!("{N}{R}\n{R}"), "..", &[3, 22][..]),
        (
            format!("{R}\n{N}{R}\r\n{N}{N}{R}\n{N}"),
            "...",
            &[0, 22, 48],
        ),
        (format!("{R}\n{N}"), ".", &[0]),
        (format!("{N}\n{N}\r\n{N} \n{R}"), ".", &[14]),
        (format!("{N}[{R},{R}]\n{N}[{R}]"), "...", &[3, 3, 46]),
        (format!("{N}[\n{R}\n]"), ".", &[5]),
        // They end a record as a line's end does, and what else stands before another.
        (format!("{R}{N}\n{R}"), "..", &[0, 22]),
        (format!("{R}{N}{R}{N}[{R}]"), "...", &[0, 21, 42]),
        (format!(" {N}{R}\n{R}"), "..", &[4, 23]),
        (format!("{{\"a{N}{R}\n{R}"), "!..", &[0, 6, 25]),
        (
            format!("{PRETTY}{N}{PRETTY}\n{N}{PRETTY}\n{N}\n"),
            "...",
            &[0, P + 3, 2 * P + 7],
        ),
        // Elsewhere they are what they are.
        (format!("x{N}y\n{R}"), "!.", &[0, 6]),
    ] {
        let (found, at) = outline(&text);
        assert_eq!((&*found, &*at), (kinds, offsets), "{text:?}");
    }
}

#[test]
fn nul_bytes_are_not_counted_against_the_limit_or_held() {
    const R: &str = r#"{"creationDate":1}"#;
    let nuls = "\0".repeat(1 << 20);
    let text = format!("{nuls}{R}\n{nuls}{R}\n{}\n{nuls}{R}", "x".repeat(101));
    for pieces in [&[usize::MAX][..], &[70_001], &[1 << 20]] {
        let events = events_of(text.as_bytes(), pieces, 100);
        let kinds: Vec<_> = events
            .iter()
            .map(|event| event["event"]["kind"].as_str().expect("a kind"))
            .collect();
        assert_eq!(kinds, ["event", "event", "pipeline_error", "event"]);
    }
}

#[test]
fn what_is_broken_far_behind_the_records_does_not_depend_on_how_it_arrives() {
    const R: &str = r#"{"creationDate":1,"summary":"one of many"}"#;
    for end in ["", "\n", "\n{\"x\n"] {
        let text = format!("{{\"results\":[{R}],\"x\":\"{}{end}", "y".repeat(200_000));
        let whole = actions_of(text.as_bytes(), &[usize::MAX], 16 << 20);
        let in_pieces = actions_of(text.as_bytes(), &[70_001], 16 << 20);
        assert!(whole.len() == in_pieces.len());
        for (one, other) in whole.iter().zip(&in_pieces) {
            assert_eq!(one.to_string(), other.to_string(), "{end:?}");
        }
    }
}

#[test]
fn a_long_page_after_lines_is_handed_on_as_it_comes() {
    const R: &str = r#"{"creationDate":1,"summary":"one of many"}"#;
    let records = vec![R; 20_000].join(", ");
    for (page, count) in [
        (
            format!("{{\"size\":2,\"results\":[{records}],\"_links\":{{}}}}\r"),
            20_000,
        ),
        (format!("[{records}, {{\"torn"), 20_001),
        (
            format!(
                "{{\"x\":\"{}\",\"results\":[{records}]}}",
                "y".repeat(300_000)
            ),
            20_000,
        ),
    ] {
        let text = format!("{R}\n{page}\n{R}\n");
        let whole = events_of(text.as_bytes(), &[usize::MAX], 16 << 20);
        assert_eq!(whole.len(), count + 2, "{}", &page[..40]);
        let in_pieces = events_of(text.as_bytes(), &[128 << 10, 70_001], 16 << 20);
        assert!(whole == in_pieces);

        // In pieces, a part of it is there before the rest has come.
        let mut framer = Framer::new(16 << 20);
        let mut frames = Vec::new();
        framer.frame(&text.as_bytes()[..700_000], false, &mut frames);
        assert!(frames.len() > 1000, "{}", frames.len());
    }
}

#[test]
fn a_single_record_of_an_organization_behind_a_page_on_its_line_is_one() {
    let text = b"{\"results\":[]}{\"data\":{\"attributes\":{\"time\":\"2026-01\"}}}";
    for pieces in [&[usize::MAX][..], &[1]] {
        let events = events_of(text, pieces, 1 << 20);
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0]["@timestamp"], "2026-01-01T00:00:00.000Z");
    }
}
