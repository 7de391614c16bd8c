//! Compressed files that are damaged or cut off.

use std::fs;

use crate::support::follow::{Place, bzip2, finish, gzip, line_count, records};
use crate::support::program::stderr;

/// Records 1 to `read` of a log are read, the others only stand in an archive of it.
fn with_archive(read: u64, last: u64, archive: impl Fn(&[u8]) -> Vec<u8>) -> Place {
    let place = Place::new(&["a.log"]).loud();
    place.append("a.log", 1..=read);
    place.once();
    place.append_bytes("a.log.1.bz2", archive(&records("a", 1..=last)));
    place.remove("a.log");
    place.append("a.log", last + 1..=last + 1);
    place
}

#[test]
fn nothing_of_a_damaged_bzip2_block_is_shipped() {
    let place = with_archive(10, 2500, |text| {
        let mut archive = bzip2(text);
        let middle = archive.len() / 2;
        archive[middle] ^= 1;
        archive
    });
    for _ in 0..2 {
        let output = finish(place.tail_to_file(&["--once"]));
        assert_eq!(output.status.code(), Some(1));
        let told = stderr(&output);
        assert!(told.contains("the compressed data is damaged"), "{told}");
    }
    // What stands in the blocks before it.
    let before = line_count(&place.out()) as u64 - 1;
    assert!((300..2200).contains(&before), "{before}");
    place.has((1..=before).chain([2501]));
}

#[test]
fn an_archive_of_which_nothing_can_be_read_yet_is_no_loss() {
    let place = with_archive(10, 100, |text| {
        let archive = bzip2(text);
        archive[..archive.len() / 2].to_vec()
    });
    let told = stderr(&place.once());
    assert!(
        !told.contains("WARN") && told.contains("may be in it; waiting for the rest"),
        "{told}"
    );
    place.has((1..=10).chain([101]));
    let whole = bzip2(&records("a", 1..=100));
    fs::write(place.path("a.log.1.bz2"), whole).expect("written");
    place.once();
    place.has((1..=10).chain([101]).chain(11..=100));
}

#[test]
fn what_can_be_read_of_an_archive_that_is_cut_off_comes_before_the_new_log() {
    let place = with_archive(10, 3000, |text| {
        let archive = gzip(text);
        archive[..archive.len() / 2].to_vec()
    });
    let told = stderr(&place.once());
    assert!(!told.contains("WARN"), "{told}");
    let before = line_count(&place.out()) as u64 - 1;
    assert!(before > 100, "{before}");
    place.has((1..=before).chain([3001]));
}
