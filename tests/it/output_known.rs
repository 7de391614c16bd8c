//! What is in an output already, as a run says at its start: events of another state, lines of another kind.

use std::fs::{self, File};

use crate::support::atlassian::data_center_record;
use crate::support::fetching::{Fetching, SINCE, START};
use crate::support::follow::{Place, finish, line_count};
use crate::support::program::stderr;

const UNKNOWN: &str = " that this state does not know of: ";

/// A site with five records, fetched once into the output.
fn fetched(flags: &[&str]) -> Fetching {
    let fetching = Fetching::data_center();
    let records =
        (0..5).map(|number| data_center_record(START + 1000 * number, 5 * number.unsigned_abs()));
    fetching.server.insert_all(records);
    let told = fetching.fetch(flags);
    assert!(!told.contains(UNKNOWN), "{told}");
    fetching
}

#[test]
fn fetch_warns_of_events_that_its_state_does_not_know() {
    for raw in [&[][..], &["--raw"]] {
        let fetching = fetched(raw);
        let again = fetching.fetch(raw);
        assert!(!again.contains(UNKNOWN), "{again}");
        let other = fetching.file("other", "");
        fs::remove_file(&other).expect("removed");
        let other = other.display().to_string();
        let flags = [raw, &["--state-dir", &other]].concat();
        let told = fetching.fetch(&flags);
        assert_eq!(told.matches(UNKNOWN).count(), 1, "{told}");
        assert!(!fetching.fetch(&flags).contains(UNKNOWN), "known by now");
        fs::remove_dir_all(fetching.state()).expect("removed");
        assert!(fetching.fetch(raw).contains(UNKNOWN), "deleted");
    }
}

#[test]
fn fetch_warns_of_events_in_the_file_that_stdout_is_in_its_first_run_alone() {
    let fetching = fetched(&[]);
    let other = fetching
        .state()
        .with_extension("other")
        .display()
        .to_string();
    for is_known in [false, true] {
        let flags = ["--since", SINCE, "--state-dir", &other];
        let mut command = fetching.command("fetch", &flags);
        let out = File::options().append(true).open(fetching.out());
        command.stdout(out.expect("opened"));
        let output = finish_into_file(command);
        assert_ne!(output.contains(UNKNOWN), is_known, "{output}");
    }
    assert_eq!(line_count(&fetching.out()), 10);
}

/// Runs a command whose stdout is a file; what it said.
fn finish_into_file(mut command: std::process::Command) -> String {
    let child = command.stderr(std::process::Stdio::piped()).spawn();
    let output = child.and_then(std::process::Child::wait_with_output);
    let output = output.expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stderr(&output)
}

#[test]
fn tail_warns_of_events_that_its_state_does_not_know() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=3);
    for is_warned in [false, false, true] {
        if is_warned {
            fs::remove_dir_all(place.state_dir()).expect("removed");
        }
        let told = stderr(&finish(place.tail_to_file(&["--once"])));
        assert_eq!(told.contains(UNKNOWN), is_warned, "{told}");
    }
    assert_eq!(line_count(&place.out()), 6);
}

#[test]
fn lines_of_another_kind_in_the_output_are_warned_of() {
    let kinds = [&[][..], &["--format", "bulk"], &["--raw"]];
    for (before, kind) in kinds.iter().enumerate() {
        for (now, next) in kinds.iter().enumerate() {
            let told = fetched(kind).fetch(next);
            assert_eq!(told.contains("ends with"), before != now, "{told}");
        }
    }
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=3);
    place.once();
    let told = stderr(&finish(place.tail_to_file(&["--once", "--format", "bulk"])));
    assert!(
        told.contains("ends with events, and events for a bulk request"),
        "{told}"
    );
}
