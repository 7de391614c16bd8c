//! Events into a real search node, measured through the binary: speed and CPU against `curl` with ready bodies and
//! against other shippers, bytes on the wire, latency, memory while the node is down, and the mapping's cost in
//! the cluster.
//!
//! `cargo bench --bench cluster`, or, one of them, `cargo bench --bench cluster -- speed`; the others are `wire`,
//! `latency`, `memory` and `mapping`. `mapping` needs the reference's pipelines, in the folder that
//! `REFERENCE_PIPELINES` names. `.ci/nodes` gets the nodes; the name of another than `opensearch-3.8.0` is one
//! more argument. A number is that of the records for `speed`. What is missing is said, and left out.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures"
)]

#[path = "../corpus.rs"]
mod corpus;
mod curl;
mod latency;
mod mapping;
mod memory;
#[path = "../../tests/cluster/node.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod node;
mod peers;
mod rig;
mod speed;
mod stand_in;
mod wire;

use node::{Elasticsearch8, Elasticsearch9, Kind, OpenSearch2, OpenSearch3};
use rig::Rig;

/// Records of `speed`, about 1 KB each, unless an argument says otherwise.
const RECORDS: usize = 200_000;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let records = arguments.iter().find_map(|argument| argument.parse().ok());
    let records = records.unwrap_or(RECORDS);
    let kinds = [Elasticsearch9, Elasticsearch8, OpenSearch3, OpenSearch2];
    let named = |kind: &Kind| arguments.iter().any(|argument| argument == name(*kind));
    let kind = kinds.into_iter().find(named).unwrap_or(OpenSearch3);
    let measurements: [(&str, Measure); 5] = [
        ("speed", speed::measure),
        ("wire", wire::measure),
        ("latency", latency::measure),
        ("memory", memory::measure),
        ("mapping", mapping::measure),
    ];
    let is_wanted = |name: &str| arguments.iter().any(|argument| argument == name);
    let is_any = measurements.iter().any(|(name, _)| is_wanted(name));
    let Some(mut rig) = Rig::start(kind) else {
        return;
    };
    for (name, measure) in measurements {
        if is_wanted(name) || !is_any {
            println!("== {name}");
            measure(&mut rig, records);
        }
    }
}

type Measure = fn(&mut Rig, usize);

fn name(kind: Kind) -> &'static str {
    match kind {
        Elasticsearch9 => "elasticsearch-9.5.0",
        Elasticsearch8 => "elasticsearch-8.19.7",
        OpenSearch3 => "opensearch-3.8.0",
        OpenSearch2 => "opensearch-2.19.6",
    }
}
