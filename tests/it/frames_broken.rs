//! Broken and cut documents between good ones: every good record comes out.

use crate::frames::{PRETTY, actions_of, cases, events_of, outline};
use proptest::collection::vec;
use proptest::prelude::*;

const R: &str = r#"{"creationDate":1637624602054,"summary":"c"}"#;

/// A page on one line.
fn page() -> String {
    format!("{{\"results\":[{R},{R},{R}]}}")
}

fn indented(text: &str, by: usize) -> String {
    let lines = text.lines().map(|line| format!("{}{line}", " ".repeat(by)));
    lines.collect::<Vec<_>>().join("\n")
}

/// A page as `jq` prints it.
fn pretty_page() -> String {
    let record = indented(PRETTY, 4);
    format!("{{\n  \"results\": [\n{record},\n{record},\n{record}\n  ],\n  \"size\": 3\n}}")
}

fn check(cases: &[(String, &str)]) {
    for (text, kinds) in cases {
        assert_eq!(outline(text).0, *kinds, "{text}");
    }
}

#[test]
fn a_cut_page_does_not_swallow_the_documents_behind_it() {
    let (page, pretty) = (page(), pretty_page());
    let head = |count: usize| pretty.split_inclusive('\n').take(count).collect::<String>();
    check(&[
        (
            format!("{{\"results\":[{{\"creationDate\":1,\n{page}"),
            "!...",
        ),
        (
            format!("{{\"results\":[{{\"creationDate\":1,\n{pretty}\n{page}"),
            "!......",
        ),
        (format!("{}\n{page}\n{R}", &page[..40]), "!...."),
        (format!("{}\n{page}\n{pretty}", &page[..66]), ".!......"),
        (format!("[{R},\n{pretty}\n{page}"), "....!..."),
        (format!("{}{pretty}\n{pretty}", head(8)), "!......"),
        (format!("{}{pretty}\n{pretty}", head(18)), ".!......"),
        (format!("{}{pretty}\n{pretty}", head(2)), "...!..."),
        (format!("{R}\n{}{pretty}", head(8)), ".!..."),
        (format!("{}bad\n{R}\n{pretty}", head(8)), "!...."),
    ]);
}

#[test]
fn a_long_page_behind_a_cut_one_streams() {
    let records = vec![R; 30_000].join(",");
    let text = format!("{{\"results\":[{{\"creationDate\":1,\n{{\"results\":[{records}]}}\n{R}\n");
    for pieces in [&[usize::MAX][..], &[100_000]] {
        assert_eq!(events_of(text.as_bytes(), pieces, 100_000).len(), 30_002);
    }
}

#[test]
fn a_fault_in_a_pretty_page_costs_one_record() {
    let pretty = pretty_page();
    let array = format!("[\n{0},\n{0}\n]", indented(PRETTY, 2));
    let fault = |text: &str, from: &str, to: &str| {
        let broken = text.replacen(from, to, 1);
        assert_ne!(broken, text);
        format!("{broken}\n{R}")
    };
    check(&[
        (fault(&pretty, "\"summary\": \"a", "\"summary: \"a"), "!..."),
        (fault(&pretty, "\"summary\"", "\"summary"), "!..."),
        (fault(&pretty, "b\\\" }\"", "b\\\" }"), "!..."),
        (fault(&pretty, "\n    },", "\n    ]"), "!..."),
        (fault(&pretty, "\n    },", ""), "!..."),
        (fault(&pretty, "\n    },", "\n    }"), ".!..."),
        (fault(&pretty, "\"size\": 3", "\"size: 3"), "...!."),
        (fault(&array, "\"name\": \"x\"", "\"name\": \"x"), "!.."),
    ]);
    let text = fault(&pretty, "\"summary\"", "\"summary");
    let events = events_of(text.as_bytes(), &[usize::MAX], 1 << 20);
    let original = indented(PRETTY, 4).replacen("\"summary\"", "\"summary", 1);
    assert_eq!(events[0]["event"]["original"], original.trim_start());
    assert_eq!(events[0]["log"]["offset"], 17);
}

#[test]
fn a_pretty_document_may_stand_behind_any_line() {
    let (p, page) = (PRETTY, pretty_page());
    check(&[
        (format!("{R}\n{p}"), ".."),
        (format!("{p}\n{R}\n{p}\n{R}"), "...."),
        (format!("{R}\n{page}\n{R}\n{page}"), "........"),
        (format!("{R}{p}\n{R}"), "..."),
        (format!("{R}\n{R}{p}\n{R}"), "...."),
        (format!("bad\n{p}\n{R}"), "!.."),
        (
            format!("HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\n{page}"),
            "!!...",
        ),
        (format!("{R}\n{{\"a\":[\n{p}\n{R}"), ".!.."),
        (format!("{R}\r\n\u{FEFF}{p}\r\n\0\0{p}"), "..."),
        (
            format!("{p}\n\u{FEFF}{page}\n\u{FEFF}{R}\n\u{FEFF}[{R}]"),
            "......",
        ),
    ]);
    assert_eq!(outline(&format!("{R}\n{p}")).1, [0, R.len() as u64 + 1]);
}

#[test]
fn records_may_follow_each_other_on_a_line() {
    let page = page();
    check(&[
        (format!("{R}{R}"), ".."),
        (format!("{R}\n{R} {R}{page}{R}\n{R}"), "........"),
        (format!("{R}\n{R}{{\"a\":}}{{}}{R}"), "..!."),
        (format!("{R}\n{R}{{\"creationDa"), "..!"),
        (format!("{R}\n{R} x"), "..!"),
        ("x\n{}{}{}".to_owned(), "!!"),
    ]);
}

#[test]
fn hostile_openings_take_linear_time() {
    for line in [
        "{\"a\":[\n",
        "{\n\"a\":[\n",
        "[\n",
        "{\"a\":\n",
        "{\"results\":[\n",
        "[{\n",
        "[[\n",
    ] {
        let text = format!("x\n{}", line.repeat(100_000));
        let began = std::time::Instant::now();
        events_of(text.as_bytes(), &[64 << 10], 1 << 20);
        assert!(
            began.elapsed().as_secs() < 60,
            "{line:?}: {:?}",
            began.elapsed()
        );
    }
}

#[test]
fn a_line_that_is_indented_does_not_go_on_however_it_arrives() {
    for text in [
        format!("{R}\n    {{\"results\":[\n"),
        format!("[\n  [{R}{{\n  \"creationDate\": 1\n}}\n"),
        format!(",\n{{\"results\":[{R}[\n,"),
    ] {
        let whole = events_of(text.as_bytes(), &[usize::MAX], 100);
        assert_eq!(whole, events_of(text.as_bytes(), &[1], 100), "{text}");
    }
}

/// Whether all records of `good` come out behind `cut` on the same line, and the line behind it.
fn comes_out(cut: &str, good: &str) {
    let good = good.replace("\"c\"", "\"good\"");
    for before in ["", R, "bad", PRETTY] {
        let text = format!("{before}\n{cut}{good}\n{R}");
        let events = actions_of(text.as_bytes(), &[usize::MAX], 1 << 20);
        let is_good = |event: &&serde_json::Value| {
            let original = event["event"]["original"].as_str().unwrap_or_default();
            event["event"]["kind"] == "event" && original.contains("\"good\"")
        };
        let found = events.iter().filter(is_good).count();
        assert_eq!(found, good.matches("\"good\"").count(), "{text}");
        assert_eq!(
            events.last().expect("events")["event"]["original"],
            R,
            "{text}"
        );
        assert_eq!(events, actions_of(text.as_bytes(), &[1], 1 << 20), "{text}");
    }
}

#[test]
fn a_page_directly_behind_one_that_was_cut_off_comes_out() {
    let cloud = page().replace(']', "],\"start\":0,\"_links\":{\"base\":\"x\"}");
    let data_center = format!("{{\"pagingInfo\":{{\"last\":true}},\"entities\":[{R},{R},{R}]}}");
    for page in [&cloud, &data_center] {
        for (length, _) in page.char_indices() {
            let cut = &page[..length];
            // Where a value must come, the page may be it.
            if !cut.ends_with(':') {
                comes_out(cut, page);
            }
        }
    }
    comes_out(
        &format!("{cloud}{}", &cloud[..70]),
        &format!("{cloud}{cloud}"),
    );
    comes_out(&format!("[{R},{}", &R[..30]), &cloud);
    comes_out(&R[..35], &cloud);
}

#[test]
fn a_page_comes_out_behind_a_fault_on_its_line() {
    let page = page();
    for fault in [
        page.replacen("},{", "}{", 1),
        page.replacen("},{", "},,{", 1),
        page.replacen("]}", "]", 1),
        page.replacen("]}", "}}", 1),
        page.replacen("\"c\"", "\"c", 1),
    ] {
        comes_out(&fault, &page);
    }
    let torn: String = pretty_page().lines().take(7).collect::<Vec<_>>().join("\n");
    comes_out(&torn, &page);
    comes_out(PRETTY.trim_end_matches('}').trim_end(), &page);
    // A record's own object that looks like a page is a part of it.
    let own = format!("{{\"creationDate\":1,\"a\":{page},\"b\":[{page}]}}");
    check(&[(format!("{own}\n{{\"results\":[{own},{own}]}}"), "...")]);
}

#[test]
fn pages_without_an_end_take_linear_time() {
    for token in [
        "{\"results\":[",
        "{\"a{\"results\":[",
        "x{\"results\":[]}",
        "{\"a\":{\"results\":[]}",
    ] {
        let text = token.repeat(20_000);
        let began = std::time::Instant::now();
        events_of(text.as_bytes(), &[64 << 10], 1 << 20);
        assert!(
            began.elapsed().as_secs() < 60,
            "{token:?}: {:?}",
            began.elapsed()
        );
    }
}

/// Broken pieces, each up to its line's end.
fn broken() -> impl Strategy<Value = String> {
    let documents = prop_oneof![
        Just(page()),
        Just(pretty_page()),
        Just(PRETTY.to_owned()),
        Just(R.to_owned())
    ];
    prop_oneof![
        Just("bad".to_owned()),
        Just(String::new()),
        (documents, any::<prop::sample::Index>())
            .prop_map(|(text, at)| { text[..at.index(text.len())].to_owned() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(1000)))]

    #[test]
    fn every_good_record_comes_out(
        parts in vec((broken(), 0..4_usize, 1..9_u64), 0..6),
        pieces in vec(1_usize..400, 1..5),
    ) {
        let mut text = String::new();
        let mut marks = Vec::new();
        for (number, (broken, kind, _)) in parts.iter().enumerate() {
            let mark = format!("good {number}");
            let good = match kind {
                0 => R.to_owned(),
                1 => PRETTY.to_owned(),
                2 => page(),
                _ => pretty_page(),
            };
            let good = good.replace("\"c\"", &format!("\"{mark}\"")).replace("a \\\"b\\\" }", &mark);
            marks.extend(std::iter::repeat_n(mark, if *kind < 2 { 1 } else { 3 }));
            text.extend([broken, "\n", &good, "\n"]);
        }
        let events = events_of(text.as_bytes(), &[usize::MAX], 1 << 20);
        let good = |event: &serde_json::Value| {
            let original = event["event"]["original"].as_str().unwrap_or_default();
            let is_good = event["event"]["kind"] == "event";
            is_good.then(|| marks.iter().find(|mark| original.contains(*mark)).cloned()).flatten()
        };
        let found: Vec<_> = events.iter().filter_map(good).collect();
        prop_assert_eq!(&found, &marks, "{}", text);
        prop_assert_eq!(events, events_of(text.as_bytes(), &pieces, 1 << 20));
    }
}
