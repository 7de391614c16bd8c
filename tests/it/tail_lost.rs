//! What is said of content that is gone: what is known to be lost, what may be, and what is not.

use std::fs;
use std::os::unix::fs::FileExt as _;

use crate::support::follow::{Place, gzip, line_count, zstd};
use crate::support::program::{stderr, wait_until};

/// Writes over a file in place, up to a whole block, as a pass of `shred` does.
fn shred(place: &Place, name: &str, seed: u64) {
    let path = place.path(name);
    let length = fs::metadata(&path).expect("there").len();
    let length = length.next_multiple_of(4096);
    let byte = |at: u64| ((at + seed).wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0];
    let garbage: Vec<u8> = (0..length).map(byte).collect();
    let file = fs::File::options().write(true).open(path).expect("opened");
    file.write_all_at(&garbage, 0).expect("written");
}

fn size(place: &Place, name: &str) -> u64 {
    fs::metadata(place.path(name)).expect("there").len()
}

#[test]
fn a_rotated_file_that_was_not_read_to_its_end_is_overwritten() {
    for (pattern, is_live) in [("a.log", false), ("a.log*", false), ("a.log", true)] {
        let place = Place::new(&[pattern]).loud();
        place.append("a.log", 1..=3);
        place.once();
        // One that is held up meanwhile.
        let follower = is_live.then(|| place.start_ready());
        if let Some(follower) = &follower {
            place.append("a.log", 4..=4);
            place.arrive(1..=4);
            follower.hold();
        }
        let last = if is_live { 4 } else { 3 };
        let read = size(&place, "a.log");
        place.append("a.log", 5..=40);
        place.rename("a.log", "a.log.1");
        shred(&place, "a.log.1", 1);
        place.append("a.log", 41..=42);
        if let Some(follower) = follower {
            follower.go_on();
            place.arrive((1..=last).chain(41..=42));
            follower.terminate();
        }
        let told = place.said() + &stderr(&place.once());
        let path = place.path("a.log.1");
        let expected = format!(
            "{} was overwritten: what was written after byte {read} and before that, if anything, is lost",
            path.display()
        );
        assert!(told.contains(&expected), "{told}");
        assert!(!told.contains("lost_bytes="), "{told}");
        let told = stderr(&place.once());
        assert!(!told.contains("WARN"), "{told}");
        place.has((1..=last).chain(41..=42));
    }
}

#[test]
fn what_was_seen_and_not_read_before_it_was_overwritten_is_lost() {
    let place = Place::new(&["a.log*"]).loud();
    place.append("a.log", 1..=40);
    let seen = size(&place, "a.log");
    // The state knows the file, but nothing of it was read: as after a kill at the very start.
    let follower = place.start_command(place.tail(&["-o", "/dev/full"]));
    wait_until("the state", || place.state().contains("a.log"));
    follower.kill();
    place.rename("a.log", "a.log.1");
    shred(&place, "a.log.1", 1);
    place.append("a.log", 41..=42);
    let told = stderr(&place.once());
    let path = place.path("a.log.1");
    let expected = format!(
        "{} was overwritten: bytes 0 to {seen} ({seen} bytes) were not read and are lost",
        path.display()
    );
    assert!(told.contains(&expected), "{told}");
    assert!(told.contains(&format!("lost_bytes={seen}")), "{told}");
    shred(&place, "a.log.1", 2);
    place.once();
    place.has(41..=42);
}

#[test]
fn a_file_is_overwritten_several_times() {
    for is_live in [true, false] {
        let place = Place::new(&["a.log*"]).loud();
        place.append("a.log", 1..=40);
        place.once();
        place.rename("a.log", "a.log.1");
        place.append("a.log", 41..=41);
        place.once();
        let follower = is_live.then(|| place.start_ready());
        for pass in 0..4 {
            shred(&place, "a.log.1", pass * 77);
            place.append("a.log", 42 + pass..=42 + pass);
            match &follower {
                Some(_) => place.arrive(1..=42 + pass),
                None => drop(place.once()),
            }
        }
        if let Some(follower) = follower {
            follower.terminate();
        }
        place.remove("a.log.1");
        let told = place.said() + &stderr(&place.once());
        assert!(!told.contains("WARN"), "{told}");
        place.has(1..=45);
        assert_eq!(line_count(&place.out()), 45);
    }
}

#[test]
fn an_archive_that_was_not_read_to_its_end_is_overwritten() {
    let place = Place::new(&["a.log*"]).loud();
    place.append("a.log", 1..=300);
    let plain = fs::read(place.path("a.log")).expect("read");
    let archive = gzip(&plain);
    place.remove("a.log");
    place.append_bytes("a.log.1.gz", &archive[..archive.len() / 2]);
    place.append("a.log", 301..=301);
    place.once();
    let arrived = line_count(&place.out());
    shred(&place, "a.log.1.gz", 1);
    place.once();
    shred(&place, "a.log.1.gz", 2);
    place.once();
    assert_eq!(line_count(&place.out()), arrived);
    assert!(place.errors().is_empty());
}

#[test]
fn a_rotated_file_that_holds_another_log_now_is_read() {
    let place = Place::new(&["a.log*"]);
    place.append("a.log", 1..=3);
    place.once();
    place.rename("a.log", "a.log.1");
    place.once();
    // In the same file, as `cp` writes it.
    place.truncate("a.log.1");
    place.append("a.log.1", 4..=6);
    place.append("a.log", 7..=8);
    place.once();
    place.has(1..=8);
}

#[test]
fn a_rotated_file_that_was_read_is_deleted_while_stopped() {
    let place = Place::new(&["a.log*"]).loud();
    place.append("a.log", 1..=3);
    place.once();
    place.rename("a.log", "a.log.1");
    place.once();
    place.remove("a.log.1");
    let told = stderr(&place.once());
    assert!(!told.contains("is lost"), "{told}");
    assert!(
        told.contains("bytes that were seen had been read"),
        "{told}"
    );
}

#[test]
fn a_log_that_is_restored_after_its_truncation_is_told_once() {
    let place = Place::new(&["a.log"]).loud();
    place.append("a.log", 1..=3);
    place.once();
    let text = fs::read(place.path("a.log")).expect("read");
    place.truncate("a.log");
    let told = stderr(&place.once());
    assert!(told.contains("no copy was found"), "{told}");
    place.append_bytes("a.log", text);
    let told = stderr(&place.once());
    assert!(!told.contains("WARN"), "{told}");
    place.has(1..=3);
}

#[test]
fn a_truncation_without_a_copy_while_stopped_is_said() {
    let place = Place::new(&["a.log"]).loud();
    place.append("a.log", 1..=3);
    place.once();
    place.truncate("a.log");
    place.append("a.log", 4..=4);
    let told = stderr(&place.once());
    let path = place.path("a.log");
    assert!(
        told.contains(&format!("{} was truncated", path.display())) && told.contains("no copy"),
        "{told}"
    );
    place.has(1..=4);
}

#[test]
fn an_archive_of_what_was_read_is_deleted_after_a_restart() {
    for suffix in [".gz", ".zst"] {
        let place = Place::new(&["a.log*"]).loud();
        place.append("a.log", 1..=5);
        place.once();
        place.rename("a.log", "a.log.1");
        place.append("a.log", 6..=6);
        place.once();
        let plain = fs::read(place.path("a.log.1")).expect("read");
        let archive = if suffix == ".gz" {
            gzip(&plain)
        } else {
            zstd(&plain)
        };
        place.append_bytes(&format!("a.log.1{suffix}"), archive);
        place.remove("a.log.1");
        place.once();
        let follower = place.start_ready();
        place.remove(&format!("a.log.1{suffix}"));
        place.append("a.log", 7..=7);
        place.arrive(1..=7);
        follower.terminate();
        let told = place.said() + &stderr(&place.once());
        assert!(!told.contains("WARN"), "{told}");
        place.has(1..=7);
    }
}

#[test]
fn a_file_that_was_seen_and_not_read_is_rotated_and_compressed() {
    for compressed in [false, true] {
        let place = Place::new(&["a.log"]).loud();
        place.append("a.log", 1..=2);
        // The state knows the file, but nothing of it was read: as after a kill at the very start.
        let follower = place.start_command(place.tail(&["-o", "/dev/full"]));
        wait_until("the state", || place.state().contains("a.log"));
        follower.kill();
        place.rename("a.log", "a.log.1");
        if compressed {
            let plain = fs::read(place.path("a.log.1")).expect("read");
            place.append_bytes("a.log.1.gz", gzip(&plain));
            place.remove("a.log.1");
        }
        place.append("a.log", 3..=3);
        let told = stderr(&place.once());
        assert!(
            !told.contains("WARN") && !told.contains("lost_bytes="),
            "{told}"
        );
        place.has(1..=3);
    }
}

#[test]
fn a_rotated_file_that_was_read_is_overwritten_before_its_removal() {
    for is_live in [true, false] {
        let place = Place::new(&["a.log*"]).loud();
        place.append("a.log", 1..=5);
        place.once();
        place.rename("a.log", "a.log.1");
        place.append("a.log", 6..=6);
        let follower = place.start();
        place.arrive(1..=6);
        let shred = || {
            let length = fs::metadata(place.path("a.log.1")).expect("there").len();
            // Up to a whole block, as shred does.
            let length = length.next_multiple_of(4096);
            let garbage: Vec<u8> = (0..length).map(|at| (at * 7 % 251) as u8).collect();
            place.rename("a.log.1", "a.log.2");
            let file = fs::File::options().write(true).open(place.path("a.log.2"));
            std::io::Write::write_all(&mut file.expect("opened"), &garbage).expect("written");
        };
        if is_live {
            shred();
            place.append("a.log", 7..=7);
            place.arrive(1..=7);
            follower.terminate();
        } else {
            follower.terminate();
            shred();
            place.append("a.log", 7..=7);
        }
        place.once();
        place.remove("a.log.2");
        place.once();
        place.has(1..=7);
        assert_eq!(line_count(&place.out()), 7);
    }
}

#[test]
fn an_older_file_of_data_center_that_was_read_is_overwritten() {
    let place = Place::new(&["d"]).loud();
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/20260101.00000.audit.log", 1..=8);
    place.once();
    place.append("d/20260102.00000.audit.log", 9..=10);
    place.once();
    shred(&place, "d/20260101.00000.audit.log", 1);
    let told = stderr(&place.once());
    assert!(!told.contains("truncated"), "{told}");
    shred(&place, "d/20260101.00000.audit.log", 2);
    place.once();
    place.has(1..=10);
}

#[test]
fn a_backup_that_is_overwritten_is_not_read() {
    let place = Place::new(&["d/*"]).loud();
    fs::create_dir(place.path("d")).expect("created");
    place.append("d/a.log", 1..=8);
    place.once();
    place.copy("d/a.log", "d/a.log.bak");
    place.once();
    for pass in 1..=2 {
        shred(&place, "d/a.log.bak", pass);
        let told = stderr(&place.once());
        assert!(told.contains("is not text: it is not read"), "{told}");
    }
    place.append("d/a.log", 9..=9);
    place.once();
    place.has(1..=9);
}
