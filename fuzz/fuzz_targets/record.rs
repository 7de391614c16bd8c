//! One record: the parser agrees with `serde_json`, the mapper of each dialect never panics and writes JSON.
#![no_main]

use std::sync::{Arc, LazyLock};

use confluence_ecs::pipeline::actions::Categories;
use confluence_ecs::pipeline::dialect::Dialect;
use confluence_ecs::pipeline::event::{DefaultTags, Envelope, Origin, AddFields};
use confluence_ecs::pipeline::frame::Frame;
use confluence_ecs::pipeline::json;
use confluence_ecs::pipeline::normalize::{Normalizer, Options};
use confluence_ecs::pipeline::enrich::source::Enricher;
use confluence_ecs::pipeline::timestamp::TimeMode;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static OPTIONS: LazyLock<Arc<Options>> = LazyLock::new(|| {
    let fields = br#"{"event":{"module":"m"},"confluence":{"audit":{"type":{"a":"x"}}},"atlassian_cloud":{"audit":{"actor":{"app":1}}},"user":{"name":1}}"#;
    Arc::new(Options {
        dialect: None,
        time_mode: TimeMode::Elastic,
        categories: Categories::Extended,
        max_line_bytes: 1 << 20,
        enricher: Enricher::default(),
        envelope: Envelope::new("default", DefaultTags::None, &[], true, AddFields::from_json(fields).expect("JSON")),
    })
});

/// Forced ones map what does not show its dialect; then each record tells.
const DIALECTS: [Option<Dialect>; 5] = [
    Some(Dialect::CLOUD),
    Some(Dialect::DC_API),
    Some(Dialect::DC_FILE),
    Some(Dialect::Organization),
    None,
];

fuzz_target!(|line: &[u8]| {
    if line.contains(&b'\n') {
        return;
    }
    if let Ok(text) = std::str::from_utf8(line) {
        let ours = json::Reader::default().read(text).is_ok();
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(text);
        // Ours stops earlier at deep nesting.
        let deep = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count() > json::MAX_DEPTH;
        assert!(deep || ours == theirs.is_ok(), "ours: {ours}, theirs: {theirs:?}");
    }
    let mut normalizer = Normalizer::new(Arc::clone(&OPTIONS));
    for dialect in DIALECTS {
        normalizer.force_dialect(dialect);
        let mut out = Vec::new();
        let frames = vec![Frame::Lines {
            range: 0..line.len(),
            line_offset: 0,
        }];
        normalizer.frames(&mut out, line, 0, frames, &Origin::stdin());
        for event in out.split_inclusive(|byte| *byte == b'\n') {
            assert!(serde_json::from_slice::<Value>(event).is_ok());
        }
    }
});
