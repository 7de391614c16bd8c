//! State files: generations, damage, locks, full disks.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::support::again;
use crate::support::program;
use crate::support::told::told;
use confluence_ecs::state::{self, Error, Saved, Store};
use time::OffsetDateTime;

/// A directory with states in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A place where each of these was saved in turn.
    fn saved(states: &[&str]) -> Self {
        let place = Self::new();
        let store = place.open();
        for state in states {
            store.save(state).unwrap();
        }
        place
    }

    fn open(&self) -> Store {
        Store::open(self.0.path(), "tail").unwrap()
    }

    fn newest(&self) -> PathBuf {
        self.0.path().join("tail.json")
    }

    fn previous(&self) -> PathBuf {
        self.0.path().join("tail.json.previous")
    }

    /// What a new process loads, and what it tells.
    fn load(&self) -> (Result<Option<String>, Error>, String) {
        told(|| self.open().load())
    }
}

fn read(place: &Place) -> Option<Saved<String>> {
    state::read(place.0.path(), "tail").unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn loaded(place: &Place) -> Option<String> {
    let (loaded, told) = place.load();
    assert_eq!(told, "");
    loaded.unwrap()
}

#[test]
fn nothing_saved_is_nothing_loaded() {
    let place = Place::new();
    assert_eq!(loaded(&place), None);
    assert_eq!(read(&place), None);
    let missing = place.0.path().join("missing");
    assert_eq!(state::read::<String>(&missing, "tail").unwrap(), None);
    assert!(!missing.exists(), "reading creates nothing");
}

#[test]
fn what_is_saved_is_loaded() {
    let before = OffsetDateTime::now_utc() - time::Duration::milliseconds(1);
    let place = Place::saved(&["one", "two", "three"]);
    assert_eq!(loaded(&place).as_deref(), Some("three"));
    let saved = read(&place).unwrap();
    assert_eq!(saved.state, "three");
    assert!((before..=OffsetDateTime::now_utc()).contains(&saved.saved_at));
    let expected = ["tail.json", "tail.json.previous", "tail.lock"];
    assert_eq!(names(place.0.path()), expected);
}

#[test]
fn reading_needs_no_lock() {
    let place = Place::new();
    let store = place.open();
    store.save(&"one").unwrap();
    assert_eq!(read(&place).unwrap().state, "one");
}

#[test]
fn damage_of_every_kind_goes_back_one_generation() {
    let whole = Place::saved(&["one", "two"]);
    let text = fs::read_to_string(whole.newest()).unwrap();
    for (damaged, why) in [
        (String::new(), "file is empty"),
        (text[..text.len() - 3].to_owned(), "unexpected content"),
        ("\0".repeat(4096), "unexpected content"),
        ("null".to_owned(), "unexpected content"),
        ("{}".to_owned(), "unexpected content"),
        (text.replace(r#""two""#, r#""twp""#), "checksum"),
        (
            text.replace(r#""version":1"#, r#""version":0"#),
            "version 0",
        ),
        (text.replace(r#""version":1,"#, ""), "version"),
        (text.clone() + "x", "unexpected content"),
    ] {
        let place = Place::saved(&["one", "two"]);
        fs::write(place.newest(), &damaged).unwrap();
        let (loaded, told) = place.load();
        assert_eq!(loaded.unwrap().as_deref(), Some("one"), "{damaged}");
        assert!(told.contains("WARN ") && told.contains(why), "{told}");
        assert!(told.contains(place.newest().to_str().unwrap()), "{told}");
        assert_eq!(read(&place).unwrap().state, "one");
    }
}

#[test]
fn a_state_of_another_shape_is_damage() {
    let place = Place::saved(&["one"]);
    let store = place.open();
    store.save(&[1, 2]).unwrap();
    drop(store);
    let (loaded, told) = place.load();
    assert_eq!(loaded.unwrap().as_deref(), Some("one"));
    assert!(told.contains("unexpected content"), "{told}");
}

#[test]
fn a_missing_newest_generation_goes_back_one() {
    let place = Place::saved(&["one", "two"]);
    fs::remove_file(place.newest()).unwrap();
    let (loaded, told) = place.load();
    assert_eq!(loaded.unwrap().as_deref(), Some("one"));
    assert!(told.contains("file is missing"), "{told}");
}

#[test]
fn damage_never_pushes_out_the_good_generation() {
    for loads in [true, false] {
        let place = Place::saved(&["one", "two"]);
        fs::write(place.newest(), "damaged").unwrap();
        let store = place.open();
        if loads {
            store.load::<String>().unwrap();
        }
        store.save(&"three").unwrap();
        drop(store);
        assert_eq!(loaded(&place).as_deref(), Some("three"));
        fs::remove_file(place.newest()).unwrap();
        assert_eq!(place.load().0.unwrap().as_deref(), Some("one"));
    }
}

#[test]
fn two_damaged_generations_are_an_error_that_names_both() {
    for (newest, previous) in [
        (Some("x"), Some("")),
        (Some(""), None),
        (None, Some("{\"version\":1}")),
    ] {
        let place = Place::saved(&["one", "two"]);
        for (path, text) in [(place.newest(), newest), (place.previous(), previous)] {
            match text {
                Some(text) => fs::write(path, text).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
        }
        let error = place.load().0.unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }));
        let message = error.to_string();
        for part in [
            place.newest().to_str().unwrap(),
            place.previous().to_str().unwrap(),
            "move both away",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert!(state::read::<String>(place.0.path(), "tail").is_err());
    }
}

#[test]
fn a_newer_version_is_refused_and_left_alone() {
    let newer = r#"{"version":2,"something":"else"}"#;
    let place = Place::saved(&["one", "two"]);
    fs::write(place.newest(), newer).unwrap();
    let error = place.load().0.unwrap_err();
    assert!(matches!(error, Error::Newer { version: 2, .. }));
    let message = error.to_string();
    assert!(message.contains(place.newest().to_str().unwrap()));
    assert!(message.contains("newer confluence-ecs"), "{message}");

    let store = place.open();
    let error = store.save(&"three").unwrap_err();
    assert!(error.to_string().contains("newer"), "{error}");
    assert_eq!(fs::read_to_string(place.newest()).unwrap(), newer);
    let expected = ["tail.json", "tail.json.previous", "tail.lock"];
    assert_eq!(names(place.0.path()), expected);
}

#[test]
fn a_crash_between_the_renames_is_no_harm() {
    let place = Place::saved(&["one", "two"]);
    // As a crash leaves them: both generations are the same file, and there is litter.
    fs::remove_file(place.previous()).unwrap();
    fs::hard_link(place.newest(), place.previous()).unwrap();
    fs::hard_link(place.newest(), place.0.path().join("tail.json.link")).unwrap();
    fs::write(place.0.path().join("tail.json.tmp"), "half").unwrap();
    let expected = ["tail.json", "tail.json.previous", "tail.lock"];
    let store = place.open();
    assert_eq!(names(place.0.path()), expected);
    assert_eq!(store.load::<String>().unwrap().as_deref(), Some("two"));
    store.save(&"three").unwrap();
    assert_eq!(names(place.0.path()), expected);
    drop(store);
    assert_eq!(loaded(&place).as_deref(), Some("three"));
    fs::remove_file(place.newest()).unwrap();
    assert_eq!(place.load().0.unwrap().as_deref(), Some("two"));
}

#[test]
fn a_reader_beside_the_writer_always_finds_a_whole_state() {
    let place = Place::saved(&["0"]);
    let store = place.open();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 1..=200 {
                store.save(&number.to_string()).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let (saved, told) = told(|| read(&place).unwrap());
            assert_eq!(told, "");
            let number: u32 = saved.state.parse().unwrap();
            assert!(number >= last);
            last = number;
        }
    });
}

#[test]
fn everything_is_for_this_user_only() {
    let place = Place::new();
    let dir = place.0.path().join("a/b");
    let store = Store::open(&dir, "tail").unwrap();
    store.save(&1).unwrap();
    store.save(&2).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(dir.parent().unwrap()), 0o700);
    for name in names(&dir) {
        assert_eq!(mode(&dir.join(&name)), 0o600, "{name}");
    }
}

#[test]
fn a_directory_that_is_there_is_left_as_it_is() {
    let place = Place::new();
    let mode = fs::Permissions::from_mode(0o750);
    fs::set_permissions(place.0.path(), mode).unwrap();
    place.open().save(&1).unwrap();
    assert_eq!(fs::metadata(place.0.path()).unwrap().mode() & 0o777, 0o750);
}

#[test]
fn a_file_in_the_directory_s_place_is_an_error_that_names_it() {
    let place = Place::new();
    let path = place.0.path().join("file");
    fs::write(&path, "").unwrap();
    let message = Store::open(&path, "tail").unwrap_err().to_string();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    assert!(message.contains("--state-dir"), "{message}");
}

#[test]
fn one_instance_at_a_time_holds_a_state() {
    let place = Place::new();
    let store = place.open();
    let error = Store::open(place.0.path(), "tail").unwrap_err();
    assert!(matches!(error, Error::Held { holder: Some(pid), .. } if pid == std::process::id()));
    Store::open(place.0.path(), "another").unwrap();
    drop(store);
    place.open();
}

#[test]
fn another_process_that_holds_it_is_named_and_its_death_lets_go() {
    const VARIABLE: &str = "CONFLUENCE_ECS_TEST_HELD";
    if let Some(dir) = env::var_os(VARIABLE) {
        let _store = Store::open(Path::new(&dir), "tail").unwrap();
        println!("held");
        // Until the other end kills us.
        std::io::stdin().lines().for_each(drop);
        return;
    }
    let place = Place::new();
    let mut child = again::command(
        another_process_that_holds_it_is_named_and_its_death_lets_go,
        VARIABLE,
        place.0.path(),
    )
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("held")));

    let message = Store::open(place.0.path(), "tail").unwrap_err().to_string();
    let lock = place.0.path().join("tail.lock");
    assert!(message.contains(lock.to_str().unwrap()), "{message}");
    let holder = format!("process {}", child.id());
    assert!(message.contains(&holder), "{message}");

    child.kill().unwrap();
    child.wait().unwrap();
    place.open();
}

#[test]
fn a_full_disk_leaves_the_state_as_it_was() {
    let Some(disk) = again::small_disk(a_full_disk_leaves_the_state_as_it_was) else {
        return;
    };
    let store = Store::open(&disk, "tail").unwrap();
    store.save(&"one").unwrap();
    store.save(&"two").unwrap();
    let before = names(&disk);
    let error = store.save(&"x".repeat(1 << 20)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(names(&disk), before);
    assert_eq!(store.load::<String>().unwrap().as_deref(), Some("two"));
    store.save(&"three").unwrap();
    assert_eq!(store.load::<String>().unwrap().as_deref(), Some("three"));
}

fn single(place: &Place, patience: Duration) -> Result<Store, Error> {
    Store::open_single(place.0.path(), "grant", patience)
}

#[test]
fn a_single_state_has_no_generation_before() {
    let place = Place::new();
    let store = single(&place, Duration::ZERO).unwrap();
    assert_eq!(store.load::<String>().unwrap(), None);
    store.save(&"one").unwrap();
    store.save(&"two").unwrap();
    assert_eq!(names(place.0.path()), ["grant.json", "grant.lock"]);
    assert_eq!(store.load::<String>().unwrap().as_deref(), Some("two"));
    let read = || state::read_single::<String>(place.0.path(), "grant");
    assert_eq!(read().unwrap().unwrap().state, "two");

    let path = place.0.path().join("grant.json");
    fs::write(&path, "damaged").unwrap();
    for error in [store.load::<String>().unwrap_err(), read().unwrap_err()] {
        assert!(matches!(error, Error::DamagedSingle { .. }));
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }
    store.save(&"three").unwrap();
    assert_eq!(store.load::<String>().unwrap().as_deref(), Some("three"));
}

#[test]
fn a_state_that_is_removed_is_gone_with_its_generations() {
    let place = Place::saved(&["one", "two"]);
    let store = place.open();
    assert!(store.remove().unwrap());
    assert!(!store.remove().unwrap(), "there is none any more");
    assert_eq!(names(place.0.path()), ["tail.lock"]);
    assert_eq!(store.load::<String>().unwrap(), None);
    store.save(&"three").unwrap();
    assert_eq!(names(place.0.path()), ["tail.json", "tail.lock"]);
}

#[test]
fn who_is_patient_gets_the_lock_when_it_is_let_go() {
    let place = Place::new();
    let store = single(&place, Duration::ZERO).unwrap();
    let error = single(&place, Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, Error::Held { holder: Some(pid), .. } if pid == std::process::id()));
    std::thread::scope(|scope| {
        let patient = scope.spawn(|| single(&place, Duration::from_secs(20)).map(drop));
        drop(store);
        patient.join().unwrap().unwrap();
    });
}

#[test]
fn a_directory_without_a_state_is_said_to_have_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("nothing").display().to_string();
    let output = program::run(["state", "list", "--state-dir", &missing], b"");
    assert_eq!(output.status.code(), Some(0));
    let told = program::stderr(&output);
    assert_eq!(told, format!("INFO no state in {missing}\n"));
}
