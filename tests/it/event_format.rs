//! `--format bulk`: an action line and its event are one thing, to whatever cuts or ends lines.

use std::fs;
use std::path::Path;

use crate::output_again::killed_before_it_saved;
use crate::support::follow::{Place, append, finish, gzip, line_count};
use crate::support::program::{self, run, stderr};

fn bulk_place() -> Place {
    Place::new(&["a.log"]).with(&["--format", "bulk"]).loud()
}

/// A follower that was killed when its output held six events, of which its state knows three.
fn killed_with_six() -> Place {
    let place = bulk_place();
    place.append("a.log", 1..=3);
    place.once();
    killed_before_it_saved(&place, 6, || place.append("a.log", 4..=6));
    place
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("read")
}

/// What was put aside from the output.
fn orphans(place: &Place) -> String {
    let entries = fs::read_dir(place.folder()).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let orphans = paths.filter(|path| path.to_string_lossy().contains(".orphan-"));
    orphans.map(|path| text(&path)).collect()
}

#[test]
fn normalize_writes_an_action_line_with_an_id_before_each_event() {
    let input = fs::read("testdata/20260101.00000.audit.log").expect("read");
    let plain = run(["normalize", "-q"], &input);
    let bulk = run(["normalize", "-q", "--format", "bulk"], &input);
    assert_eq!(bulk.status.code(), Some(0), "{}", stderr(&bulk));
    let plain = program::lines(&plain.stdout);
    let bulk = program::lines(&bulk.stdout);
    assert_eq!(bulk.len(), 2 * plain.len());
    let mut ids = std::collections::BTreeSet::new();
    for (pair, event) in bulk.chunks(2).zip(&plain) {
        assert!(ids.insert(pair[0]["create"]["_id"].to_string()), "unique");
        assert_eq!(pair[1]["confluence"], event["confluence"]);
    }
}

#[test]
fn a_kill_doubles_nothing_and_parts_no_event_from_its_action() {
    let place = killed_with_six();
    place.append("a.log", 7..=7);
    let told = stderr(&place.once());
    place.has(1..=7);
    assert!(
        told.contains("events=3") && !told.contains("WARN"),
        "{told}"
    );
    assert_eq!(line_count(&place.out()), 14);
}

#[test]
fn the_ids_are_the_same_when_events_are_written_again() {
    let place = killed_with_six();
    let before = text(&place.out());
    place.once();
    let ids = |text: &str| -> Vec<String> {
        let actions = text.lines().filter(|line| line.starts_with(r#"{"create""#));
        actions.map(str::to_owned).collect()
    };
    assert_eq!(ids(&text(&place.out())), ids(&before));
}

#[test]
fn an_output_that_was_compressed_after_a_kill_is_cut_back_in_pairs() {
    let place = killed_with_six();
    let packed = place.folder().join("out.ndjson.1.gz");
    fs::write(&packed, gzip(text(&place.out()).as_bytes())).expect("written");
    fs::remove_file(place.out()).expect("removed");
    place.once();
    place.has(4..=6);
    let packed = fs::File::open(packed).expect("opened");
    let plain = std::io::read_to_string(flate2::read::GzDecoder::new(packed)).expect("gzip");
    assert_eq!(plain.lines().count(), 6, "{plain}");
}

#[test]
fn events_of_others_stay_with_their_actions() {
    let place = killed_with_six();
    let foreign = "{\"create\":{\"_id\":\"x\"}}\n{\"foreign\":1}\n";
    append(&place.out(), foreign.as_bytes());
    place.once();
    let out = text(&place.out());
    assert!(out.contains(foreign), "{out}");
    assert_eq!(out.lines().count(), 14, "{out}");
}

#[test]
fn half_of_a_pair_behind_the_checkpoint_is_put_aside_whole() {
    let action = "{\"create\":{\"_id\":\"1x\"}}\n";
    for half in [
        "{\"cre",
        "{\"create\":{\"_id\":\"1",
        action,
        &format!("{action}{{\"@timest"),
    ] {
        let place = killed_with_six();
        append(&place.out(), half.as_bytes());
        place.append("a.log", 7..=7);
        let told = stderr(&place.once());
        place.has(1..=7);
        assert_eq!(orphans(&place), half, "{told}");
    }
}

#[test]
fn an_action_line_without_its_event_at_the_end_of_an_output_is_removed() {
    for end in [
        "{\"create\":{\"_id\":\"1x\"}}\n",
        "{\"create\":{\"_id\":\"1",
        "{\"crea",
    ] {
        for before in ["", "{\"foreign\":1}\n"] {
            let place = bulk_place();
            place.append("a.log", 1..=1);
            fs::write(place.out(), format!("{before}{end}")).expect("written");
            let told = stderr(&place.once());
            let out = text(&place.out());
            assert_eq!(out.lines().count(), before.lines().count() + 2, "{out}");
            assert!(out.starts_with(before), "{out}");
            assert!(told.contains("removing it"), "{told}");
        }
    }
}

#[test]
fn normalize_overwrites_a_bulk_file_but_no_other_actions() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out");
    let normalize = || {
        let record = "testdata/sample/record.log";
        let mut command = program::command(["normalize", "-q", "--format", "bulk", record, "-o"]);
        command.arg(&path);
        finish(command).status.code()
    };
    assert_eq!(normalize(), Some(0));
    assert_eq!(normalize(), Some(0));
    assert_eq!(line_count(&path), 2);
    let foreign = "{\"create\":{\"_id\":\"x\"}}\n{\"message\":1}\n";
    fs::write(&path, foreign).expect("written");
    assert_eq!(normalize(), Some(2));
    assert_eq!(text(&path), foreign);
}

#[test]
fn a_cluster_has_a_format_of_its_own() {
    let url = "http://localhost:1";
    for command in [
        &["normalize", "--elasticsearch-url", url, "--format", "bulk"][..],
        &[
            "tail",
            "x",
            "--elasticsearch-url",
            url,
            "--format",
            "ndjson",
        ],
        &["fetch", "--raw", "--format", "bulk"],
    ] {
        let output = run(command, b"");
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        let told = stderr(&output);
        assert!(told.contains("--format"), "{told}");
    }
}
