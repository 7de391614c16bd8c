//! The floor: `curl` with ready bodies.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::rig::Rig;

/// Of a body, at most: as this program sends them.
const BODY: usize = 5 << 20;
/// What this program asks of the answer.
const QUERY: &str = "filter_path=errors,took,error,items.*.status,items.*.error.type,items.*.error.reason,\
     items.*._index,items.*.failure_store";

/// Sends each body of a folder, two at a time, through a pipeline.
pub fn curl(bodies: &Path, target: &str, pipeline: &str, is_gzip: bool) -> Command {
    let mut command = Command::new("xargs");
    command
        .arg("-a")
        .arg(bodies.join("list"))
        .args(["-P", "2", "-I", "BODY"])
        .args(["curl", "-sf", "--noproxy", "*", "-o", "/dev/null"])
        .args(["-H", "Content-Type: application/x-ndjson", "-H", "Expect:"])
        .args(if is_gzip {
            &["-H", "Content-Encoding: gzip"][..]
        } else {
            &[]
        })
        .args(["--data-binary", "@BODY"])
        .arg(format!("{target}/_bulk?{QUERY}&pipeline={pipeline}"));
    command
}

/// A bulk file in bodies: a folder with them and their list. Compressed as this program does it.
pub fn bodies(rig: &Rig, text: &[u8], name: &str, is_gzip: bool) -> PathBuf {
    let folder = rig.path(name);
    fs::create_dir_all(&folder).expect("created");
    let mut list = File::create(folder.join("list")).expect("created");
    for (number, body) in cut(text).into_iter().enumerate() {
        let path = folder.join(format!("{number:04}"));
        if is_gzip {
            let file = File::create(&path).expect("created");
            let mut encoder = GzEncoder::new(file, Compression::fast());
            encoder.write_all(body).expect("written");
            encoder.finish().expect("written");
        } else {
            fs::write(&path, body).expect("written");
        }
        writeln!(list, "{}", path.display()).expect("written");
    }
    folder
}

/// Pieces of whole events, each of two lines.
fn cut(text: &[u8]) -> Vec<&[u8]> {
    let (mut pieces, mut begin, mut end) = (Vec::new(), 0, 0);
    for next in memchr::memchr_iter(b'\n', text).skip(1).step_by(2) {
        if next + 1 - begin > BODY {
            pieces.push(&text[begin..end]);
            begin = end;
        }
        end = next + 1;
    }
    pieces.push(&text[begin..]);
    pieces
}
