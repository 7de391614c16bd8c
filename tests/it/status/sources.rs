//! The sources of `run`, and `state` for them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::{code, is_well, row, rows, status, stdout, waits_for};
use crate::support::atlassian::Atlassian;
use crate::support::follow::{Follower, Place, append, records};
use crate::support::outcome::outcome;
use crate::support::program::{command, stderr, wait_until};

/// A place whose logs a source `wiki` follows, with more sources.
struct Service(Place);

impl Service {
    fn new(more: &str) -> Self {
        let service = Self(Place::new(&["*.log"]).loud());
        let folder = service.0.folder().display();
        let text = format!(
            "state_dir = \"{folder}/state\"\n[output]\nfile = \"{folder}/{{source}}.ndjson\"\n[mapping]\n\
             preserve_original_event = true\n[[source]]\nname = \"wiki\"\ntype = \"tail\"\n\
             paths = [\"{folder}/logs/*.log\"]\npoll_interval = \"50ms\"\n{more}"
        );
        fs::write(service.config(), text).unwrap();
        service
    }

    fn config(&self) -> PathBuf {
        self.0.folder().join("config.toml")
    }

    fn command(&self) -> Command {
        let mut command = command(["run", "--config"]);
        command.arg(self.config()).env_remove("NOTIFY_SOCKET");
        command
    }

    fn start(&self) -> Follower {
        self.0.start_command(self.command())
    }

    fn state(&self) -> PathBuf {
        self.0.state_dir()
    }

    /// The numbers of the records in the output of the source `wiki`.
    fn delivered(&self) -> Vec<u64> {
        let out = self.0.folder().join("wiki.ndjson");
        if !out.exists() {
            return Vec::new();
        }
        let mut delivered = crate::support::follow::delivered(&out);
        delivered.remove("a").unwrap_or_default()
    }

    /// Follows another set of files as the source `other`.
    fn other(path: &str) -> String {
        format!("[[source]]\nname = \"other\"\ntype = \"tail\"\npaths = [\"{path}\"]\n")
    }
}

/// A source that asks that server with the wrong token.
fn refused(server: &Atlassian) -> String {
    format!(
        "[[source]]\nname = \"cloud\"\ntype = \"fetch\"\nurl = \"{}\"\ndeployment = \"data-center\"\n\
         pat_file = \"/dev/null\"\n",
        server.url()
    )
}

#[test]
fn a_source_that_fails_says_why_beside_one_that_runs() {
    let server = Atlassian::data_center("/confluence");
    let service = Service::new("");
    let token = service.0.folder().join("token");
    fs::write(&token, "wrong").unwrap();
    let source = refused(&server).replace("/dev/null", &token.display().to_string());
    let text = fs::read_to_string(service.config()).unwrap();
    fs::write(service.config(), text + &source).unwrap();
    service.0.append("audit.log", 1..=2);
    let running = service.start();
    let state = service.state();
    let failing = waits_for(&state, "cloud", "failing");
    assert!(
        failing["reason"].as_str().unwrap().contains("401"),
        "{failing}"
    );
    assert!(failing["retry_at"].is_string(), "{failing}");
    assert_eq!(failing["pid"], running.id());
    let wiki = waits_for(&state, "wiki", "running");
    assert_eq!(wiki["pid"], running.id());
    assert_eq!(rows(&state).len(), 2);
    let output = status(&state, &[]);
    assert_eq!(code(&output), 1);
    assert!(
        stdout(&output).contains("cloud: failing: "),
        "{}",
        stdout(&output)
    );
    // Of those that are asked about, all run.
    assert_eq!(code(&status(&state, &["wiki"])), 0);
    running.kill();
    assert_eq!(row(&state, "wiki")["state"], "not running");
    assert_eq!(row(&state, "cloud")["state"], "not running");
}

#[test]
fn a_service_that_could_not_begin_leaves_behind_why() {
    let service = Service::new("");
    fs::create_dir_all(service.state()).unwrap();
    // A directory where the output is to be.
    fs::create_dir(service.0.folder().join("wiki.ndjson")).unwrap();
    let output = crate::support::follow::finish(service.command());
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let row = row(&service.state(), "wiki");
    assert_eq!(row["state"], "not running");
    assert!(
        row["reason"].as_str().unwrap().contains("wiki.ndjson"),
        "{row}"
    );
    let output = service.0.about(&["state", "forget", "wiki"]);
    assert_eq!(stdout(&output), "wiki: forgotten\n");
    assert_eq!(rows(&service.state()).len(), 0);
}

#[test]
fn a_source_that_is_no_more_is_forgotten_with_all_its_files() {
    let service = Service::new("");
    service.0.append("audit.log", 1..=2);
    let running = service.start();
    wait_until("the records", || service.delivered().len() == 2);
    let refused = service.0.about(&["state", "forget", "wiki"]);
    assert_eq!(code(&refused), 1, "it is held");
    running.terminate();
    let output = service.0.about(&["state", "forget", "wiki"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(rows(&service.state()).len(), 0);
}

#[test]
fn a_source_goes_on_where_tail_stopped() {
    let service = Service::new("");
    service.0.append("audit.log", 1..=3);
    service.0.once();
    service.0.has(1..=3);
    let held = service.0.start();
    waits_for(&service.state(), "tail", "running");
    let output = service.0.about(&["state", "rename", "tail", "wiki"]);
    assert_eq!(code(&output), 1, "refused while it is held");
    held.terminate();
    let output = service.0.about(&["state", "rename", "tail", "wiki"]);
    insta::assert_snapshot!(outcome(&output));
    service.0.append("audit.log", 4..=5);
    let running = service.start();
    wait_until("the records", || service.delivered().len() >= 2);
    is_well(&service.state());
    running.terminate();
    assert_eq!(service.delivered(), [4, 5]);
    let output = service.0.about(&["state", "rename", "tail", "wiki"]);
    assert_eq!(code(&output), 1, "there is no other");
}

#[test]
fn a_takeover_that_was_cut_short_is_ended_by_the_next_try() {
    let service = Service::new("");
    service.0.append("audit.log", 1..=3);
    service.0.once();
    let state = service.state();
    fs::copy(state.join("tail.json"), state.join("tail-wiki.json")).unwrap();
    let output = service.0.about(&["state", "rename", "tail", "wiki"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(!state.join("tail.json").exists());
    assert!(state.join("tail-wiki.json").exists());
}

#[test]
fn positions_of_its_own_are_not_replaced() {
    let service = Service::new("");
    service.0.append("audit.log", 1..=3);
    service.0.once();
    let running = service.start();
    wait_until("the records", || service.delivered().len() == 3);
    running.terminate();
    let output = service.0.about(&["state", "rename", "tail", "wiki"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("has read positions of its own"));
}

#[test]
fn a_source_that_reads_again_what_tail_has_read_says_how_to_go_on_instead() {
    let service = Service::new("");
    service.0.append("audit.log", 1..=3);
    service.0.once();
    for times in [1, 1] {
        let running = service.start();
        wait_until("the records", || service.delivered().len() == 3);
        running.terminate();
        let told = service.0.said();
        assert_eq!(
            told.matches("state rename tail wiki").count(),
            times,
            "{told}"
        );
    }
}

#[test]
fn a_path_of_several_sources_is_named_with_its_source() {
    let service = Service::new("");
    let path = service.0.path("audit.log").display().to_string();
    let text = fs::read_to_string(service.config()).unwrap();
    fs::write(service.config(), text + &Service::other(&path)).unwrap();
    append(&service.0.path("audit.log"), &records("a", 1..=2));
    let running = service.start();
    for name in ["wiki", "other"] {
        waits_for(&service.state(), name, "running");
        wait_until("the records", || {
            row(&service.state(), name)["records"] == 2
        });
    }
    let refused = service
        .0
        .about(&["state", "forget", &path, "--source", "wiki"]);
    assert_eq!(code(&refused), 1, "it is held");
    running.terminate();
    let list = stdout(&service.0.about(&["state", "list"]));
    for name in ["wiki", "other"] {
        assert!(list.contains(&format!("\tsource {name}\n")), "{list}");
    }
    let output = service.0.about(&["state", "forget", &path]);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).contains("--source other or --source wiki"),
        "{}",
        stderr(&output)
    );
    let output = service
        .0
        .about(&["state", "forget", &path, "--source", "wiki"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    // Now it is one's alone.
    let output = service.0.about(&["state", "set", &path, "--offset", "0"]);
    assert_eq!(stdout(&output), format!("{path}: offset 0\n"));
}

#[test]
fn sources_keep_their_names_when_the_service_is_stopped_and_only_then() {
    let server = Atlassian::data_center("/confluence");
    let service = Service::new("");
    let token = service.0.folder().join("token");
    fs::write(&token, server.settings().pat).unwrap();
    let cloud = refused(&server).replace("/dev/null", &token.display().to_string());
    let wiki = fs::read_to_string(service.config()).unwrap();
    let both = wiki.clone() + &cloud;
    let state = service.state();
    let names = || {
        let rows = rows(&state).into_iter();
        rows.map(|row| row["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    fs::write(service.config(), &both).unwrap();
    let running = service.start();
    waits_for(&state, "cloud", "running");
    waits_for(&state, "wiki", "running");
    running.terminate();
    assert_eq!(names(), ["cloud", "wiki"]);
    assert_eq!(row(&state, "cloud")["state"], "not running");
    // By another name: only that is there.
    fs::write(service.config(), both.replace("\"cloud\"", "\"site\"")).unwrap();
    let running = service.start();
    waits_for(&state, "site", "running");
    assert_eq!(names(), ["site", "wiki"]);
    is_well(&state);
    // Taken out: the site has a state, which is shown as such, and nothing is wrong.
    fs::write(service.config(), &wiki).unwrap();
    running.signal(rustix::process::Signal::HUP);
    waits_for(&state, "site", "removed");
    is_well(&state);
    running.terminate();
    assert_eq!(row(&state, "site")["state"], "removed");
    assert_eq!(row(&state, "wiki")["state"], "not running");
    // The site of a removed source is a command's again once that has used it.
    let site = format!("{}/", server.url());
    let mut fetch = command(["fetch", "-q", "--deployment", "data-center", "--url", &site]);
    fetch.arg("--state-dir").arg(&state).arg("--pat-file");
    let output = crate::support::follow::finish({
        fetch.arg(&token);
        fetch
    });
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(!names().contains(&"site".to_owned()), "{:?}", names());
}

#[test]
fn a_source_that_is_not_configured_any_more_is_no_failure_and_says_how_to_be_forgotten() {
    let service = Service::new("");
    let wiki = fs::read_to_string(service.config()).unwrap();
    let path = service.0.path("audit.log").display().to_string();
    append(&service.0.path("audit.log"), &records("a", 1..=2));
    let state = service.state();
    fs::write(service.config(), wiki.clone() + &Service::other(&path)).unwrap();
    let running = service.start();
    wait_until("the records", || row(&state, "other")["records"] == 2);
    running.terminate();
    // By a restart, too.
    fs::write(service.config(), &wiki).unwrap();
    let running = service.start();
    let removed = waits_for(&state, "other", "removed");
    waits_for(&state, "wiki", "running");
    assert!(removed["since"].is_string(), "{removed}");
    assert_eq!(removed["records"], 2);
    let output = status(&state, &["--max-lag", "1ms"]);
    let told = stdout(&output);
    assert!(
        told.contains("other: not in the configuration any more: `confluence-ecs state forget other --state-dir "),
        "{told}"
    );
    let quiet = stdout(&status(&state, &["-q"]));
    assert!(quiet.starts_with("OK: wiki; "), "{quiet}");
    is_well(&state);
    let alone = status(&state, &["-q", "other"]);
    assert_eq!(code(&alone), 1, "nothing of that name is to run");
    let output = service.0.about(&["state", "forget", "other"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(rows(&state).len(), 1);
    running.terminate();
}

#[test]
fn a_source_that_is_configured_again_is_there_again() {
    let service = Service::new("");
    let wiki = fs::read_to_string(service.config()).unwrap();
    let path = service.0.path("audit.log").display().to_string();
    append(&service.0.path("audit.log"), &records("a", 1..=2));
    let state = service.state();
    let both = wiki.clone() + &Service::other(&path);
    fs::write(service.config(), &both).unwrap();
    let running = service.start();
    wait_until("the records", || row(&state, "other")["records"] == 2);
    fs::write(service.config(), &wiki).unwrap();
    running.signal(rustix::process::Signal::HUP);
    waits_for(&state, "other", "removed");
    fs::write(service.config(), &both).unwrap();
    running.signal(rustix::process::Signal::HUP);
    waits_for(&state, "other", "running");
    running.terminate();
    assert_eq!(row(&state, "other")["state"], "not running");
}

#[test]
fn tail_says_where_the_sources_of_a_service_are_shown() {
    let service = Service::new("");
    service.0.append("audit.log", 1..=2);
    let running = service.start();
    wait_until("the records", || service.delivered().len() == 2);
    running.terminate();
    let output = service.0.about(&["tail", "--status"]);
    insta::assert_snapshot!(outcome(&output));
}
