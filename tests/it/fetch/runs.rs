//! From run to run: each record once.

use crate::support::atlassian::{Permission, cloud_record};
use crate::support::binary::command;
use crate::support::fetching::{DAY, Fetching, SINCE, START, said};
use crate::support::program::run_command;

#[test]
fn a_second_run_brings_what_is_new_and_what_came_late() {
    let fetching = Fetching::cloud();
    let now = time_now();
    let minute = 60_000;
    let record = |ago: i64, number| cloud_record(now - ago, number);
    let flags = ["--raw", "--since", "1h", "--settle", "0s"];
    fetching
        .server
        .insert_all([record(30 * minute, 1), record(5 * minute, 2)]);
    fetching.fetch(&flags);
    assert_eq!(fetching.lines().len(), 2);
    // Late within the overlap of ten minutes, one of them equal to what was delivered.
    fetching
        .server
        .insert_all([record(5 * minute, 2), record(7 * minute, 3)]);
    fetching.fetch(&flags);
    fetching.assert_raw(&fetching.server.held(), false);
    fetching.fetch(&flags);
    fetching.assert_raw(&fetching.server.held(), false);
}

#[test]
fn a_backfill_goes_slice_by_slice_oldest_first() {
    let fetching = Fetching::cloud();
    let records =
        (0..300).map(|number| cloud_record(START + number * DAY / 30, number.cast_unsigned()));
    fetching.server.insert_all(records);
    fetching.fetch(&[
        "--raw",
        "--page-size",
        "20",
        "--until",
        "2026-01-15T00:00:00Z",
    ]);
    fetching.assert_all_once();
}

#[test]
fn now_means_no_past_records() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(time_now() - 60_000, 1));
    fetching.fetch(&["--raw", "--since", "now", "--settle", "0s"]);
    assert!(fetching.lines().is_empty());
    assert_eq!(
        fetching.server.pages(),
        1,
        "credentials are tried all the same"
    );
    let new = cloud_record(time_now(), 2);
    fetching.server.insert(new.clone());
    fetching.fetch(&["--raw", "--since", "now", "--settle", "0s"]);
    fetching.assert_raw(&[new], true);
}

fn time_now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_millis()).expect("in range")
}

#[test]
fn a_site_that_shows_nothing_at_all_is_wondered_at_once() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START, 1));
    fetching
        .server
        .set(|settings| settings.permission = Permission::Blind);
    let range = ["--raw", "--until", "2026-01-06T00:00:00Z"];
    let said = fetching.fetch(&range);
    assert!(said.contains("confluence-ecs check"), "{said}");
    let said = fetching.fetch(&range);
    assert!(!said.contains("confluence-ecs check"), "{said}");
}

/// Up to then, raw.
const FIRST_DAY: [&str; 3] = ["--raw", "--until", "2026-01-06T00:00:00Z"];

/// A site with a record of the first day, which was fetched into the output file.
fn fetched() -> Fetching {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START + 1000, 1));
    fetching.fetch(&FIRST_DAY);
    fetching
}

/// What the next run says of the one before, which has these words in it.
fn says(fetching: &Fetching, flags: &[&str], words: &[&str]) -> String {
    let mut program = fetching.command("fetch", &["--until", "2026-01-06T00:00:00Z"]);
    program.args(flags);
    let output = run_command(program, b"");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told = said(&output);
    for word in words {
        assert!(told.contains(word), "{word}: {told}");
    }
    told
}

#[test]
fn a_run_says_where_it_goes_on_and_where_its_state_is() {
    let fetching = fetched();
    let out = fetching.out();
    let out = out.to_str().expect("UTF-8");
    let place = format!("(state {}/fetch-", fetching.state().display());
    let begins = "INFO continuing from 2026-01-06T00:00:00.000Z";
    let told = says(&fetching, &["--raw", "-o", out], &[begins, &place]);
    assert!(!told.contains("WARN"), "{told}");
    let words = [begins, "--since applies to the first run only"];
    says(&fetching, &["--raw", "--since", "3d", "-o", out], &words);
}

#[test]
fn a_run_with_another_output_says_where_the_records_before_it_are() {
    let fetching = fetched();
    let out = fetching.out();
    let (out, other) = (out.to_str().expect("UTF-8"), fetching.file("other", ""));
    let other = other.to_str().expect("UTF-8");
    let set = format!(
        "`confluence-ecs state set {} --since 2026-01-05T00:00:00.000Z --state-dir {}` goes back that far",
        fetching.server.url(),
        fetching.state().display()
    );
    let warns = "WARN continuing from 2026-01-06T00:00:00.000Z";
    let elsewhere = format!("records from before that time are in {out}, not in {other}");
    says(
        &fetching,
        &["--raw", "-o", other],
        &[warns, &elsewhere, &set],
    );
    let told = says(&fetching, &["--raw", "-o", other], &[]);
    assert!(!told.contains("WARN"), "{told}");
    let to_stdout = format!("are in {other}, not in standard output");
    says(&fetching, &["--raw"], &[warns, &to_stdout]);
    let from_stdout = format!("went to standard output or a pipe, not to {out}");
    says(&fetching, &["--raw", "-o", out], &[warns, &from_stdout]);
}

#[test]
fn a_run_whose_output_is_gone_says_so() {
    let fetching = fetched();
    let out = fetching.out();
    std::fs::remove_file(&out).expect("removed");
    let out = out.to_str().expect("UTF-8");
    let gone = format!("{out} is gone, with records from before that time");
    says(&fetching, &["--raw", "-o", out], &["WARN", &gone]);
    // A rotated one is not.
    let fetching = fetched();
    let out = fetching.out();
    std::fs::rename(&out, out.with_extension("1")).expect("moved");
    let told = says(
        &fetching,
        &["--raw", "-o", out.to_str().expect("UTF-8")],
        &[],
    );
    assert!(!told.contains("WARN"), "{told}");
}

#[test]
fn a_run_with_other_options_says_what_is_different() {
    let fetching = fetched();
    let out = fetching.out();
    let out = out.to_str().expect("UTF-8");
    let events = "were written as the original records (--raw), not as events";
    says(&fetching, &["-o", out], &["WARN", events]);
    let words = ["INFO first run of http", "?search=x, from --since 1day on"];
    let flags = ["--search", "x", "--since", "24h", "-o", out];
    let mut program = fetching.command("fetch", &flags);
    program.arg("--raw");
    let told = said(&run_command(program, b""));
    for word in words {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn a_command_that_is_advised_can_be_pasted_as_it_stands() {
    let fetching = fetched();
    let out = fetching.out();
    let out = out.to_str().expect("UTF-8");
    let search = [
        "--raw",
        "--search",
        "it's $HOME",
        "--since",
        SINCE,
        "-o",
        out,
    ];
    let told = says(&fetching, &search, &[]);
    assert!(!told.contains("state set"), "{told}");
    let mut program = fetching.command("fetch", &["--search", "it's $HOME", "--raw"]);
    program.args(["--since", "2026-01-05"]);
    let told = said(&run_command(program, b""));
    let (_, advised) = told.split_once('`').expect("a command");
    let (advised, _) = advised.split_once('`').expect("its end");
    let advised = advised.replacen("confluence-ecs", "\"$0\"", 1);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &advised, env!("CARGO_BIN_EXE_confluence-ecs")]);
    let output = run_command(shell, b"");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{advised}: {}",
        said(&output)
    );
    let done = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        done.contains("?search=it's $HOME: from 2026-01-05"),
        "{done}"
    );
}

#[test]
fn a_state_directory_is_advised_where_the_users_shell_has_another() {
    let home = tempfile::tempdir().expect("a folder");
    let advised = |set: &dyn Fn(&mut std::process::Command)| {
        let mut status = command(["auth", "status"]);
        status.env_remove("STATE_DIRECTORY");
        status.env_remove("XDG_STATE_HOME").env("HOME", home.path());
        set(&mut status);
        said(&run_command(status, b""))
    };
    let usual = advised(&|_| {});
    assert!(usual.contains("--client-id ID`"), "{usual}");
    let by_systemd = advised(&|status| {
        status.env("STATE_DIRECTORY", "/var/lib/confluence ecs");
    });
    let words = "--client-id ID --state-dir '/var/lib/confluence ecs'`";
    assert!(by_systemd.contains(words), "{by_systemd}");
}
