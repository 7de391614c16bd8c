//! Bytes on the wire with and without compression: through a relay that counts them.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::rig::{Rig, ours};

pub fn measure(rig: &mut Rig, records: usize) {
    let log = rig.log(records);
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let places = [
        ("plain, to a loopback address", Some(loopback)),
        ("gzip, to another", rig.address),
    ];
    for (name, address) in places {
        let Some(address) = address else {
            println!("left out: {name}: there is none");
            continue;
        };
        let counts = Arc::new(Counts::default());
        let port = relay(address, rig.node.port(), &counts);
        let stream = rig.stream();
        let mut command = ours("normalize");
        let url = format!("http://{address}:{port}");
        command
            .args(["-q", "--elasticsearch-url", &url, "--index", &stream])
            .arg(&log);
        let cost = rig.run(command);
        assert_eq!(rig.count(&stream), records as u64);
        let megabytes = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64 / 1e6;
        println!(
            "{name}: {records} records, {:.1} MB sent, {:.1} MB of answers, {:.2} s of CPU",
            megabytes(&counts.sent),
            megabytes(&counts.answered),
            cost.cpu
        );
    }
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    answered: AtomicU64,
}

/// Listens at a port of that address, and passes all on to the node.
fn relay(address: IpAddr, node: u16, counts: &Arc<Counts>) -> u16 {
    let listener = TcpListener::bind((address, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let counts = Arc::clone(counts);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, node)).expect("the node");
            for (from, to, is_answer) in [(&client, &server, false), (&server, &client, true)] {
                let (from, to) = (from.try_clone(), to.try_clone());
                let counts = Arc::clone(&counts);
                std::thread::spawn(move || {
                    let (from, to) = (from.expect("cloned"), to.expect("cloned"));
                    let count = if is_answer {
                        &counts.answered
                    } else {
                        &counts.sent
                    };
                    pass(from, to, count);
                });
            }
        }
    });
    port
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
        count.fetch_add(read as u64, Ordering::Relaxed);
    }
    let _ = to.shutdown(Shutdown::Write);
}
