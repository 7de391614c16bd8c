//! A stream in pieces: the same events as in one piece, within bounded memory.
#![no_main]

use std::sync::Arc;

use confluence_ecs::pipeline::actions::Categories;
use confluence_ecs::pipeline::dialect::Dialect;
use confluence_ecs::pipeline::event::{DefaultTags, Envelope, Origin, AddFields};
use confluence_ecs::pipeline::frame::Framer;
use confluence_ecs::pipeline::normalize::{Normalizer, Options};
use confluence_ecs::pipeline::enrich::source::Enricher;
use confluence_ecs::pipeline::timestamp::TimeMode;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 60;

/// The events, without the times of processing.
fn events(text: &[u8], piece: usize, dialect: Option<Dialect>) -> Vec<String> {
    let mut normalizer = Normalizer::new(Arc::new(Options {
        dialect,
        time_mode: TimeMode::Exact,
        categories: Categories::Elastic,
        max_line_bytes: LIMIT,
        enricher: Enricher::default(),
        envelope: Envelope::new("default", DefaultTags::None, &[], true, AddFields::default()),
    }));
    let mut framer = Framer::new(LIMIT);
    let (mut out, mut buffer, mut rest) = (Vec::new(), Vec::new(), text);
    loop {
        let (now, later) = rest.split_at(piece.min(rest.len()));
        buffer.extend_from_slice(now);
        rest = later;
        let mut frames = Vec::new();
        let offset = framer.offset();
        let consumed = framer.frame(&buffer, rest.is_empty(), &mut frames);
        normalizer.frames(&mut out, &buffer, offset, frames, &Origin::stdin());
        buffer.drain(..consumed);
        if rest.is_empty() {
            break;
        }
    }
    assert!(buffer.is_empty());
    let lines = String::from_utf8(out).expect("UTF-8");
    // Events of an organization may have no time of their own.
    let now = |line: &str| line.contains("pipeline_error") || line.contains("atlassian_cloud.audit");
    lines
        .lines()
        .map(|line| if now(line) { line[40..].to_owned() } else { line.to_owned() })
        .collect()
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, text)) = input.split_first() else { return };
    // A forced dialect of an organization splits its pages otherwise.
    for dialect in [None, Some(Dialect::Organization)] {
        let pieces = events(text, usize::from(*piece).max(1), dialect);
        assert_eq!(events(text, usize::MAX, dialect), pieces);
    }
});
