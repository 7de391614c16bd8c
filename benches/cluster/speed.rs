//! Events a second and CPU: this program with its mapping, `curl` and other shippers with ready events, in turns on
//! one node.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::curl::{bodies, curl};
use super::peers::{self, Peer};
use super::rig::{Cost, Rig, has, ours};

const ROUNDS: usize = 5;
/// None: not all events arrived.
type Send<'a> = dyn Fn(&Rig, &str) -> Option<Cost> + 'a;

/// Somebody who sends all events to a data stream that is not there yet.
struct Sender<'a> {
    name: String,
    send: Box<Send<'a>>,
    costs: Vec<Cost>,
}

pub fn measure(rig: &mut Rig, records: usize) {
    let log = rig.log(records);
    let events = rig.normalized(&log, "events.ndjson", &[]);
    let bulk = rig.normalized(&log, "bulk.ndjson", &["--format", "bulk"]);
    let size = |path: &Path| fs::metadata(path).map_or(0.0, |metadata| metadata.len() as f64 / 1e6);
    println!(
        "{records} records: {:.0} MB raw, {:.0} MB of events, {:.0} MB of bulk requests",
        size(&log),
        size(&events),
        size(&bulk)
    );
    let text = fs::read(&bulk).expect("read");
    let plain = bodies(rig, &text, "plain", false);
    let packed = bodies(rig, &text, "gzip", true);
    let mut senders = Vec::new();
    if has("curl") {
        senders.push(sender("curl, plain", |rig, stream| {
            let target = format!("{}/{stream}", rig.node.url());
            Some(rig.run(curl(&plain, &target, "_none", false)))
        }));
    } else {
        println!("left out: curl is missing");
    }
    senders.push(sender("normalize", |rig, stream| {
        Some(rig.run(normalize(&log, &rig.node.url(), stream)))
    }));
    senders.push(sender("tail --once", |rig, stream| {
        Some(rig.run(tail_once(rig, &log, &rig.node.url(), stream)))
    }));
    // Bodies are compressed unless the cluster is at a loopback address.
    if let Some(address) = rig.address {
        let url = format!("http://{address}:{}", rig.node.port());
        let (to, log, packed) = (url.clone(), log.clone(), packed.clone());
        if has("curl") {
            senders.push(sender("curl, gzip", move |rig, stream| {
                let target = format!("{to}/{stream}");
                Some(rig.run(curl(&packed, &target, "_none", true)))
            }));
        }
        let (to, raw) = (url.clone(), log.clone());
        senders.push(sender("normalize, gzip", move |rig, stream| {
            Some(rig.run(normalize(&raw, &to, stream)))
        }));
        senders.push(sender("tail --once, gzip", move |rig, stream| {
            Some(rig.run(tail_once(rig, &log, &url, stream)))
        }));
    } else {
        println!("left out: gzip, for want of an address that is no loopback");
    }
    for Peer { name, command } in peers::found() {
        let events = events.clone();
        senders.push(sender(name, move |rig, stream| {
            let command = command(rig, &events, stream);
            rig.run_until(command, stream, records as u64)
        }));
    }
    compare(rig, records as u64, senders);
}

fn sender<'a>(name: &str, send: impl Fn(&Rig, &str) -> Option<Cost> + 'a) -> Sender<'a> {
    Sender {
        name: name.to_owned(),
        send: Box::new(send),
        costs: Vec::new(),
    }
}

/// All of them in turns, each other round in the opposite order; the first round warms the node up.
fn compare(rig: &Rig, records: u64, mut senders: Vec<Sender<'_>>) {
    for round in 0..=ROUNDS {
        for sender in &mut senders {
            let stream = rig.stream();
            let cost = (sender.send)(rig, &stream);
            let found = rig.count(&stream);
            if found != records {
                println!("{}: {found} of {records} are there", sender.name);
            }
            sender.costs.extend(cost.filter(|_| round > 0));
        }
        senders.reverse();
    }
    senders.sort_by(|one, other| one.name.cmp(&other.name));
    println!(
        "{:18} {:>7} {:>7} {:>9} {:>7} {:>9}",
        "", "best s", "median", "events/s", "CPU s", "node CPU"
    );
    for Sender { name, costs, .. } in &senders {
        if costs.is_empty() {
            println!("{name:18} never ended");
            continue;
        }
        let cost = median(costs);
        println!(
            "{name:18} {:7.2} {:7.2} {:9.0} {:7.2} {:9.2}",
            best(costs),
            cost.seconds,
            records as f64 / cost.seconds,
            cost.cpu,
            cost.node_cpu
        );
    }
    for (floor, ours) in [
        ("curl, plain", ["normalize", "tail --once"]),
        ("curl, gzip", ["normalize, gzip", "tail --once, gzip"]),
    ] {
        let costs = |name: &str| {
            let mut named = senders.iter().filter(|sender| sender.name == name);
            named.next().map(|sender| &sender.costs)
        };
        for name in ours {
            if let (Some(floor), Some(costs)) = (costs(floor), costs(name)) {
                println!(
                    "{name}: {:.2} of the floor's speed by the medians, {:.2} by the best",
                    median(floor).seconds / median(costs).seconds,
                    best(floor) / best(costs)
                );
            }
        }
    }
}

fn best(costs: &[Cost]) -> f64 {
    costs
        .iter()
        .map(|cost| cost.seconds)
        .fold(f64::MAX, f64::min)
}

/// Of each figure.
fn median(costs: &[Cost]) -> Cost {
    let middle = |figure: fn(&Cost) -> f64| {
        let mut figures: Vec<_> = costs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    Cost {
        seconds: middle(|cost| cost.seconds),
        cpu: middle(|cost| cost.cpu),
        node_cpu: middle(|cost| cost.node_cpu),
    }
}

fn normalize(log: &Path, url: &str, stream: &str) -> Command {
    let mut command = ours("normalize");
    command
        .args(["-q", "--elasticsearch-url", url, "--index", stream])
        .arg(log);
    command
}

fn tail_once(rig: &Rig, log: &Path, url: &str, stream: &str) -> Command {
    let mut command = ours("tail");
    command
        .args([
            "-q",
            "--once",
            "--elasticsearch-url",
            url,
            "--index",
            stream,
        ])
        .arg("--state-dir")
        .arg(rig.path(&format!("state-{stream}")))
        .arg(log);
    command
}
