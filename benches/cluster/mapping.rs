//! What mapping costs in the cluster, by the pipelines of Elastic's integration, and here: CPU for the same records.
//!
//! `REFERENCE_PIPELINES` names the folder `data_stream/audit/elasticsearch/ingest_pipeline` of the integration
//! `atlassian_confluence`, which is not part of this project. OpenSearch has neither `uri_parts` nor `copy_from`: the
//! first is left out, the second written as a script, so the reference does a little less here than at home.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use super::curl::{bodies, curl};
use super::rig::{Rig, has, ours};

const PIPELINES: [&str; 3] = ["cloud", "self-hosted", "default"];
const ROUNDS: usize = 3;
/// `set` with `copy_from`.
const COPY: &str = "def v = ctx; for (def k : params.from) { v = v instanceof Map ? v.get(k) : null; } \
     if (v == null) { return; } def m = ctx; int last = params.to.size() - 1; \
     for (int i = 0; i < last; i++) { m = m.computeIfAbsent(params.to.get(i), k -> new HashMap()); } \
     m.put(params.to.get(last), v);";

pub fn measure(rig: &mut Rig, records: usize) {
    let records = records / 2;
    let Some(folder) = std::env::var_os("REFERENCE_PIPELINES").map(PathBuf::from) else {
        println!("left out: REFERENCE_PIPELINES names no folder");
        return;
    };
    if !has("curl") {
        println!("left out: curl is missing");
        return;
    }
    for name in PIPELINES {
        let path = folder.join(format!("{name}.yml"));
        let text = fs::read_to_string(&path).expect("a pipeline");
        let pipeline = serde_saphyr::from_str(&text).expect("YAML");
        let body = adapted(pipeline).to_string();
        rig.node
            .must("PUT", &format!("_ingest/pipeline/bench-{name}"), &body);
    }
    let log = rig.log(records);
    let raw = raw_bodies(&log);
    let raw = bodies(rig, &raw, "raw", false);
    let ready = rig.normalized(&log, "ready.ndjson", &["--format", "bulk"]);
    let ready = bodies(rig, &fs::read(ready).expect("read"), "ready", false);
    let mut totals = [Vec::new(), Vec::new(), Vec::new()];
    // The first round warms the node up.
    for round in 0..=ROUNDS {
        let costs = [
            in_cluster(rig, &raw, "bench-default", records),
            in_cluster(rig, &ready, "_none", records),
            rig.run(mapping(&log)).cpu,
        ];
        for (total, cost) in totals.iter_mut().zip(costs) {
            total.extend((round > 0).then_some(cost));
        }
    }
    let [mapped, ready, ours] = totals.map(|mut costs| {
        costs.sort_by(f64::total_cmp);
        format!(
            "{:.2} s ({:.2} to {:.2})",
            costs[ROUNDS / 2],
            costs[0],
            costs[ROUNDS - 1]
        )
    });
    println!("{records} records, CPU, median (range) of {ROUNDS}:");
    println!("the node, mapping by the reference's pipelines and storing: {mapped}");
    println!("the node, storing ready events: {ready}");
    println!("this program, mapping alone: {ours}");
}

/// CPU of the node until it has stored those bodies, and a search finds them.
fn in_cluster(rig: &Rig, bodies: &Path, pipeline: &str, records: usize) -> f64 {
    let stream = rig.stream();
    let (before, began) = (rig.node_cpu(), Instant::now());
    let target = format!("{}/{stream}", rig.node.url());
    rig.run(curl(bodies, &target, pipeline, false));
    assert_eq!(rig.count(&stream), records as u64, "of {pipeline}");
    let cpu = rig.node_cpu() - before;
    let failed = format!("{stream}/_count?q=event.kind:pipeline_error");
    let (_, failed) = rig.node.get(&failed);
    println!(
        "{pipeline}: {:.1} s, {cpu:.1} s of CPU, {} errors of the pipeline",
        began.elapsed().as_secs_f64(),
        failed["count"]
    );
    cpu
}

fn mapping(log: &Path) -> Command {
    let databases = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/geoip");
    let mut command = ours("normalize");
    command
        .arg("-q")
        .args(["--format", "bulk", "--geoip-city"])
        .arg(databases.join("confluence-ecs-city.mmdb"))
        .arg("--geoip-asn")
        .arg(databases.join("confluence-ecs-asn.mmdb"))
        .arg(log);
    command
}

/// Each line as a document with its `message`.
fn raw_bodies(log: &Path) -> Vec<u8> {
    let text = fs::read_to_string(log).expect("read");
    let mut out = Vec::new();
    for line in text.lines() {
        let document = json!({
            "@timestamp": "2026-01-01T00:00:00Z",
            "message": line,
            "tags": ["confluence-audit"],
        });
        writeln!(out, "{{\"create\":{{}}}}\n{document}").expect("in memory");
    }
    out
}

/// A pipeline as OpenSearch takes it.
fn adapted(mut pipeline: Value) -> Value {
    let processors = pipeline["processors"].take();
    let processors = processors.as_array().cloned().unwrap_or_default();
    let kept = processors
        .into_iter()
        .filter(|processor| processor.get("uri_parts").is_none());
    pipeline["processors"] = kept.map(adapted_processor).collect();
    pipeline
}

fn adapted_processor(mut processor: Value) -> Value {
    if let Some(name) = processor["pipeline"]["name"].as_str() {
        let quoted = name.split('"').nth(1).expect("a name in quotes");
        processor["pipeline"]["name"] = json!(format!("bench-{quoted}"));
    }
    let path = |value: &Value| -> Vec<String> {
        let path = value.as_str().unwrap_or_default();
        path.split('.').map(str::to_owned).collect()
    };
    let set = &processor["set"];
    if set["copy_from"].is_string() {
        let mut script = json!({
            "lang": "painless",
            "source": COPY,
            "params": {"from": path(&set["copy_from"]), "to": path(&set["field"])},
        });
        if set["if"].is_string() {
            script["if"] = set["if"].clone();
        }
        return json!({"script": script});
    }
    processor
}
