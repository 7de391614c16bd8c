//! The recipe of the ids: a change of it would send events twice that were sent before, and needs a new
//! version.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use confluence_ecs::pipeline::event::IdSource;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::support::program::{lines, run};

/// A test vector.
#[derive(Debug, Deserialize)]
struct Vector {
    kind: String,
    name: String,
    position: u64,
    record: String,
    id: String,
}

impl Vector {
    fn all() -> Vec<Self> {
        let text = include_str!("../../testdata/event-ids.ndjson");
        let parse = |line| serde_json::from_str(line).expect("a vector");
        text.lines().map(parse).collect()
    }

    /// The recipe as docs/elasticsearch.md has it.
    fn by_the_recipe(&self) -> String {
        let Self {
            kind,
            name,
            position,
            record,
            ..
        } = self;
        let text = format!("confluence-ecs id 1\0{kind}\0{name}\0{position}\0{record}");
        let hash = Sha256::digest(text);
        format!("1{}", URL_SAFE_NO_PAD.encode(&hash[..18]))
    }

    fn by_the_program(&self) -> String {
        let name = self.name.clone();
        let source = match &*self.kind {
            "log" => IdSource::Log(name),
            "stream" => IdSource::Stream(name),
            "api" => IdSource::Api(name),
            "org" => IdSource::Organization(name),
            "event" => IdSource::Events,
            kind => panic!("an unknown kind: {kind}"),
        };
        source.id(self.position, self.record.as_bytes()).to_string()
    }
}

#[test]
fn the_ids_are_those_of_the_test_vectors() {
    for vector in Vector::all() {
        assert_eq!(vector.by_the_recipe(), vector.id, "{vector:?}");
        assert_eq!(vector.by_the_program(), vector.id, "{vector:?}");
    }
}

#[test]
fn the_test_vectors_tell_every_part_of_the_recipe_apart() {
    let vectors = Vector::all();
    let ids: std::collections::BTreeSet<_> = vectors.iter().map(|vector| &vector.id).collect();
    assert_eq!(ids.len(), vectors.len());
    let kinds: std::collections::BTreeSet<_> = vectors.iter().map(|vector| &*vector.kind).collect();
    assert_eq!(
        Vec::from_iter(kinds),
        ["api", "event", "log", "org", "stream"]
    );
}

#[test]
fn normalize_writes_the_id_of_the_test_vector() {
    let mut tried = 0;
    for vector in Vector::all() {
        if vector.kind == "stream" && vector.name == "stdin" && vector.record.ends_with('}') {
            let output = run(
                ["normalize", "-q", "--format", "bulk"],
                vector.record.as_bytes(),
            );
            assert_eq!(lines(&output.stdout)[0]["create"]["_id"], *vector.id);
            tried += 1;
        }
    }
    assert_eq!(tried, 1);
}
