//! How fast the whole mapping is, as a ratio to a floor measured in the same run.
//!
//! The floor is what any reader of the same lines must do at least: `serde_json` walks each line
//! without keeping anything, and its bytes are copied once. Floor and mapping take turns, and the
//! best of each is compared, so that noise of the machine hits both.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures of three digits are shown"
)]

#[path = "corpus.rs"]
mod corpus;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use confluence_ecs::pipeline::actions::Categories;
use confluence_ecs::pipeline::enrich::geoip::Databases;
use confluence_ecs::pipeline::enrich::source::Enricher;
use confluence_ecs::pipeline::event::{AddFields, DefaultTags, Envelope, Origin};
use confluence_ecs::pipeline::frame::Framer;
use confluence_ecs::pipeline::normalize::{Normalizer, Options};
use confluence_ecs::pipeline::timestamp::TimeMode;

const LINES: usize = 20_000;
const ROUNDS: usize = 15;

fn main() {
    // Names of inputs, for a profiler; cargo's own `--bench` is none.
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    let databases = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/geoip");
    let options = Arc::new(Options {
        dialect: None,
        time_mode: TimeMode::Exact,
        categories: Categories::Elastic,
        max_line_bytes: 16 << 20,
        enricher: Enricher {
            databases: Databases::open(
                Some(&databases.join("confluence-ecs-city.mmdb")),
                Some(&databases.join("confluence-ecs-asn.mmdb")),
            )
            .expect("the test databases open"),
            ..Enricher::default()
        },
        envelope: Envelope::new(
            "default",
            DefaultTags::Read,
            &[],
            true,
            AddFields::default(),
        ),
    });
    println!("one thread, original kept, both databases; best of {ROUNDS}, MB/s of input");
    println!(
        "{:8} {:>8} {:>10} {:>7}",
        "input", "floor", "normalize", "ratio"
    );
    for (name, text) in [
        ("dc-file", corpus::dc_file(LINES, 1)),
        ("dc-api", corpus::dc_api(LINES, 1)),
        ("cloud", corpus::cloud(LINES, 1)),
        ("org", corpus::organization(LINES, 1)),
    ] {
        if !only.is_empty() && !only.iter().any(|only| only == name) {
            continue;
        }
        let mut normalizer = Normalizer::new(Arc::clone(&options));
        let mut out = Vec::new();
        let (mut floor, mut ours) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            floor = floor.min(time(|| read_and_copy(&text, &mut out)));
            ours = ours.min(time(|| normalize(&mut normalizer, &text, &mut out)));
        }
        let speed = |time: Duration| text.len() as f64 / time.as_secs_f64() / 1e6;
        println!(
            "{name:8} {:8.0} {:10.0} {:7.2}",
            speed(floor),
            speed(ours),
            floor.as_secs_f64() / ours.as_secs_f64()
        );
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn read_and_copy(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let parsed: serde::de::IgnoredAny = serde_json::from_slice(line).expect("JSON");
        black_box(parsed);
        out.extend_from_slice(line);
    }
    black_box(&out);
}

/// In pieces of the size that the program reads.
fn normalize(normalizer: &mut Normalizer, text: &[u8], out: &mut Vec<u8>) {
    const PIECE: usize = 128 << 10;
    let origin = Origin::file(Path::new("/var/log/audit.log"));
    let mut framer = Framer::new(16 << 20);
    let mut at = 0;
    while at < text.len() {
        let piece = &text[at..text.len().min(at + PIECE)];
        let offset = framer.offset();
        let mut frames = Vec::new();
        let consumed = framer.frame(piece, at + piece.len() == text.len(), &mut frames);
        out.clear();
        normalizer.frames(out, piece, offset, frames, &origin);
        black_box(&out);
        at += consumed;
    }
    assert_eq!(normalizer.take_counts().failed, 0);
}
