//! The most memory that `normalize` and `tail` need for a gigabyte while the cluster takes nothing.

use std::fs::File;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::corpus;
use super::rig::{Ended, Rig, ours, peak_memory};
use super::stand_in::{Refusing, serve};

/// How long nothing is taken.
const OUTAGE: Duration = Duration::from_secs(15);
/// How long the whole gigabyte may take afterwards.
const PATIENCE: Duration = Duration::from_secs(400);

pub fn measure(rig: &mut Rig, _: usize) {
    let log = gigabyte(rig);
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let addresses: Vec<IpAddr> = [Some(loopback), rig.address]
        .into_iter()
        .flatten()
        .collect();
    let url = |address: &IpAddr, port: u16| format!("http://{address}:{port}");
    let down = |address: &IpAddr| {
        // Nobody listens there any more.
        let listener = TcpListener::bind((*address, 0)).expect("a port");
        url(address, listener.local_addr().expect("an address").port())
    };
    let urls: Vec<_> = addresses.iter().map(down).collect();
    refused(rig, &log, "nobody is there", &urls);
    for (what, refusing) in [
        ("requests are never answered", Refusing::Hangs),
        ("each request is answered with 429", Refusing::Busy),
        ("each item is answered with 429", Refusing::BusyItems),
    ] {
        let serve = |address: &IpAddr| url(address, serve(*address, refusing));
        let urls: Vec<_> = addresses.iter().map(serve).collect();
        refused(rig, &log, what, &urls);
    }
    for command in ["normalize", "tail"] {
        killed(rig, &log, command);
    }
}

/// About 1 GB of records.
fn gigabyte(rig: &Rig) -> PathBuf {
    let path = rig.path("gigabyte.log");
    let lines = corpus::dc_file(100_000, 7);
    let mut file = File::create(&path).expect("created");
    for _ in 0..10 {
        file.write_all(&lines).expect("written");
    }
    path
}

fn start(rig: &Rig, log: &Path, command: &str, url: &str, stream: &str) -> Ended {
    let mut started = ours(command);
    started
        .args(["-qq", "--elasticsearch-url", url, "--index", stream])
        .arg(log);
    if command == "tail" {
        let state = rig.path(&format!("state-{stream}-{}", url.replace(['/', ':'], "_")));
        started.arg("--once").arg("--state-dir").arg(state);
    } else {
        started.arg("--dead-letter").arg(rig.path("dead-letters"));
    }
    Ended(started.spawn().expect("started"))
}

/// Both commands at each of those addresses, where nothing is ever taken.
fn refused(rig: &Rig, log: &Path, what: &str, urls: &[String]) {
    let mut started = Vec::new();
    for url in urls {
        for command in ["normalize", "tail"] {
            let stream = format!("never-{}", started.len());
            started.push((command, url, start(rig, log, command, url, &stream)));
        }
    }
    std::thread::sleep(OUTAGE);
    for (command, url, mut running) in started {
        let has_ended = running.0.try_wait().expect("waited for");
        assert!(has_ended.is_none(), "{command} {url}: {has_ended:?}");
        println!(
            "{what}, {url}: {command} peaks at {:.1} MiB",
            peak_memory(running.0.id())
        );
    }
}

/// The node is killed on the way, and comes back.
fn killed(rig: &mut Rig, log: &Path, command: &str) {
    let stream = rig.stream();
    let url = match rig.address {
        Some(address) => format!("http://{address}:{}", rig.node.port()),
        None => rig.node.url(),
    };
    let mut running = start(rig, log, command, &url, &stream);
    while rig.indexed(&stream) == 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    rig.node.kill();
    std::thread::sleep(OUTAGE);
    let meanwhile = peak_memory(running.0.id());
    rig.node.restart();
    let began = Instant::now();
    let mut peak = meanwhile;
    while running.0.try_wait().expect("waited for").is_none() {
        assert!(began.elapsed() < PATIENCE, "{command} does not end");
        peak = peak.max(peak_memory(running.0.id()));
        std::thread::sleep(Duration::from_millis(50));
    }
    println!(
        "the node is killed and comes back, {url}: {command} peaks at {meanwhile:.1} MiB until then, {peak:.1} MiB \
         at the end; {} of 1000000 are there",
        rig.count(&stream)
    );
}
