//! Other shippers, sending ready events from a file with `create`, in two threads, as their documentation says;
//! those that are installed. `PATH` and, for rsyslog, `RSYSLOG_MODDIR` say where they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::rig::{Rig, has};

/// A program, and how it is started to send the events of a file to a data stream.
pub struct Peer {
    pub name: &'static str,
    pub command: fn(&Rig, &Path, &str) -> Command,
}

/// Those that are here.
pub fn found() -> Vec<Peer> {
    let all: [(&str, Peer); 2] = [
        (
            "syslog-ng",
            Peer {
                name: "syslog-ng",
                command: syslog_ng,
            },
        ),
        (
            "rsyslogd",
            Peer {
                name: "rsyslog",
                command: rsyslog,
            },
        ),
    ];
    let mut found = Vec::new();
    for (program, peer) in all {
        if has(program) {
            found.push(peer);
        } else {
            println!("left out: {program} is missing");
        }
    }
    found
}

/// A folder of its own for a program's state.
fn folder(rig: &Rig, stream: &str) -> PathBuf {
    let folder = rig.path(&format!("peer-{stream}"));
    fs::create_dir_all(&folder).expect("created");
    folder
}

fn syslog_ng(rig: &Rig, events: &Path, stream: &str) -> Command {
    let text = format!(
        r#"@version: 3.38
options {{ log-msg-size(1048576); stats-freq(0); }};
source events {{
    file("{}" flags(no-parse) follow-freq(1) log-fetch-limit(10000) log-iw-size(100000));
}};
destination cluster {{
    http(url("{}/{stream}/_bulk") method("POST") headers("Content-Type: application/x-ndjson")
        body-suffix("\n") delimiter("\n") body("{{\"create\":{{}}}}\n${{MESSAGE}}")
        batch-bytes(5242880) batch-lines(10000) batch-timeout(1000) workers(2) timeout(60) log-fifo-size(200000));
}};
log {{ source(events); destination(cluster); flags(flow-control); }};
"#,
        events.display(),
        rig.node.url()
    );
    let folder = folder(rig, stream);
    let configuration = folder.join("syslog-ng.conf");
    fs::write(&configuration, text).expect("written");
    let mut command = Command::new("syslog-ng");
    command
        .args(["-F", "--no-caps", "-f"])
        .arg(configuration)
        .stderr(Stdio::null());
    for (flag, name) in [
        ("--persist-file", "persist"),
        ("--pidfile", "pid"),
        ("--control", "control"),
    ] {
        command.arg(flag).arg(folder.join(name));
    }
    command
}

fn rsyslog(rig: &Rig, events: &Path, stream: &str) -> Command {
    let folder = folder(rig, stream);
    let text = format!(
        r#"global(workDirectory="{}" maxMessageSize="1m")
module(load="imfile" mode="inotify")
module(load="omelasticsearch")
template(name="event" type="string" string="%msg%")
template(name="id" type="string" string="%uuid%")
input(type="imfile" file="{}" tag="e" ruleset="cluster" escapeLF="off")
ruleset(name="cluster" queue.type="LinkedList" queue.size="50000" queue.dequeueBatchSize="4000"
        queue.workerThreads="2" queue.workerThreadMinimumMessages="4000") {{
    action(type="omelasticsearch" server="http://127.0.0.1" serverport="{}" searchIndex="{stream}" searchType=""
        template="event" bulkmode="on" writeoperation="create" bulkid="id" dynbulkid="on" maxbytes="5m"
        action.resumeRetryCount="-1")
}}
"#,
        folder.display(),
        events.display(),
        rig.node.port(),
    );
    let configuration = folder.join("rsyslog.conf");
    fs::write(&configuration, text).expect("written");
    let mut command = Command::new("rsyslogd");
    command
        .arg("-n")
        .arg("-f")
        .arg(configuration)
        .arg("-i")
        .arg(folder.join("pid"))
        .stderr(Stdio::null());
    command
}
