//! `-q`: what failed as a whole is told all the same.

use crate::support::atlassian::cloud_record;
use crate::support::fetching::{Fetching, START};
use crate::support::follow::{Place, finish, gzip};
use crate::support::program::stderr;

#[test]
fn a_log_without_a_record_is_named_by_a_quiet_tail() {
    let place = Place::new(&["*.log"]);
    place.append("audit.log", 1..=3);
    place.append_bytes("pretty.log", "{\n  \"a\": 1\n}\n");
    let output = finish(place.tail_to_file(&["--once"]));
    assert_eq!(output.status.code(), Some(0));
    let told = stderr(&output);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("pretty.log: none of "), "{told}");
    assert_eq!(stderr(&finish(place.tail_to_file(&["--once"]))), "");
}

/// A tar archive, compressed with gzip.
fn tgz() -> Vec<u8> {
    let mut block = vec![0; 1024];
    block[..9].copy_from_slice(b"audit.log");
    block[257..262].copy_from_slice(b"ustar");
    gzip(&block)
}

#[test]
fn a_file_that_is_not_read_is_named_by_a_quiet_tail() {
    let place = Place::new(&["audit.log", "audit.tgz"]);
    place.append("audit.log", 1..=3);
    place.append_bytes("audit.tgz", tgz());
    let output = finish(place.tail_to_file(&["--once"]));
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("audit.tgz"), "{told}");
}

#[test]
fn a_site_without_a_record_that_is_mapped_is_named_by_a_quiet_fetch() {
    let fetching = Fetching::cloud();
    let mut record = cloud_record(START, 1);
    record.raw = record.raw.replace(&format!(":{START},"), ":\"soon\",");
    fetching.server.insert(record);
    let told = fetching.fetch(&["-q"]);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("none of 1 records can be mapped"), "{told}");
}
