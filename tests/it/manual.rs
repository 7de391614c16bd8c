//! Help texts and manual pages: they fit a terminal, name every flag, and show examples that work.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Command as Definition;
use confluence_ecs::cli;

use crate::support::outcome::outcome;
use crate::support::program::{command, project, run, run_command, stderr};

/// Every command, as its name below the program's, with its definition.
fn commands() -> Vec<(String, Definition)> {
    fn collect(path: &str, command: &Definition, found: &mut Vec<(String, Definition)>) {
        for below in command.get_subcommands() {
            let path = format!("{path} {}", below.get_name());
            collect(path.trim_start(), below, found);
        }
        found.push((path.to_owned(), command.clone()));
    }
    let mut found = Vec::new();
    collect("", &cli::definitions(), &mut found);
    found
}

/// The long names of the flags that a command shows, those of every command included.
fn flags(definition: &Definition) -> BTreeSet<String> {
    let program = cli::definitions();
    let global = program.get_arguments().filter(|flag| flag.is_global_set());
    let all = definition.get_arguments().chain(global);
    let shown = all.filter(|flag| !flag.is_hide_set());
    shown
        .filter_map(|flag| Some(format!("--{}", flag.get_long()?)))
        .collect()
}

fn help(path: &str, flag: &str) -> String {
    let mut command = command(path.split_whitespace().chain([flag]));
    command.env("COLUMNS", "80");
    let output = run_command(command, b"");
    assert_eq!(output.status.code(), Some(0), "{path} {flag}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn help_texts_fit_80_columns_and_name_every_flag() {
    for (path, definition) in commands() {
        for flag in ["-h", "--help"] {
            let help = help(&path, flag);
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{path} {flag}: {line}");
            }
            for flag in flags(&definition) {
                assert!(help.contains(&flag), "{path}: {flag}");
            }
        }
    }
}

/// A default or a list of values may need a second line; what does not fit there belongs into the long text.
#[test]
fn the_short_text_of_a_flag_is_one_line() {
    for (path, definition) in commands() {
        for flag in definition.get_arguments() {
            let text = flag.get_help().map(ToString::to_string).unwrap_or_default();
            let length = text.chars().count();
            assert!(length <= 70, "{path} {}: {length}: {text}", flag.get_id());
            assert!(
                !text.is_empty() || flag.is_hide_set(),
                "{path} {}",
                flag.get_id()
            );
        }
    }
}

#[test]
fn every_command_shows_two_to_four_examples() {
    for (path, definition) in commands() {
        if definition.has_subcommands() && !path.is_empty() {
            continue;
        }
        let examples = cli::examples(&path);
        assert!(
            (2..=4).contains(&examples.len()),
            "`{path}` has {} examples: add some to src/cli/examples.rs",
            examples.len()
        );
        let help = help(&path, "--help");
        for example in examples {
            assert!(help.contains(example.what), "{path}: {}", example.what);
            for line in example.command.lines() {
                assert!(help.contains(line), "{path}: {line}");
            }
        }
    }
}

/// Runs a shell's commands in a folder with the files that examples name, before the binary in its path.
fn shell(folder: &Path, script: &str) -> std::process::Output {
    let bin = Path::new(env!("CARGO_BIN_EXE_confluence-ecs")).parent();
    let path = format!(
        "{}:{}",
        bin.expect("a folder").display(),
        std::env::var("PATH").expect("PATH")
    );
    Command::new("bash")
        .args(["-c", &format!("set -o pipefail\n{script}")])
        .current_dir(folder)
        .env("PATH", path)
        .env("HOME", folder)
        .env("XDG_STATE_HOME", folder.join("home"))
        .env_remove("STATE_DIRECTORY")
        .output()
        .expect("bash runs")
}

/// A folder with what the examples read.
fn with_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |from: &str, to: &str| {
        let to = folder.path().join(to);
        fs::create_dir_all(to.parent().expect("a folder")).expect("created");
        fs::copy(project("testdata").join(from), to).expect("copied");
    };
    copy("20260101.00000.audit.log", "audit.log");
    copy("20260101.00000.audit.log.gz", "old.log.gz");
    copy("records/cloud-actions.ndjson", "page.json");
    copy("sample/record.log", "golden/audit.log");
    fs::create_dir_all(folder.path().join(".config/fish/completions")).expect("created");
    let setup = "confluence-ecs normalize -q audit.log -o events.ndjson && \
        confluence-ecs tail -q --once --state-dir state audit.log > /dev/null && \
        confluence-ecs fixtures regenerate golden > /dev/null";
    let output = shell(folder.path(), setup);
    assert!(output.status.success(), "{}", outcome(&output));
    folder
}

/// Whether an example works without the network, a login, and a service's own directories.
fn needs_nothing(path: &str, example: &str) -> bool {
    let elsewhere = ["https://", "--org-id", "/var/", "man -l"];
    let own = ["run", "config ", "status", "auth ", "state rename"];
    !own.iter().any(|own| path.starts_with(own))
        && !elsewhere.iter().any(|part| example.contains(part))
}

#[test]
fn examples_that_need_nothing_work() {
    let mut tried = 0;
    for (path, _) in commands() {
        let examples = cli::examples(&path).iter();
        for example in examples.filter(|example| needs_nothing(&path, example.command)) {
            let folder = with_files();
            let output = shell(folder.path(), example.command);
            let what = (example.command, outcome(&output));
            assert!(output.status.success(), "{what:?}");
            tried += 1;
        }
    }
    assert!(tried >= 25, "{tried}");
}

/// The arguments of each call of the program in an example, as bash passes them on. The calls of a pipeline run at the same
/// time: each is written at once.
fn calls(example: &str) -> Vec<Vec<OsString>> {
    let folder = tempfile::tempdir().expect("a folder");
    let calls = "confluence-ecs() { local call; call=$(printf '%s\\x1f' confluence-ecs \"$@\"); \
        printf '%s\\n' \"$call\" >> calls; }; \
        mv() { :; }; cat() { :; }; man() { :; }; less() { :; }\n";
    shell(
        folder.path(),
        &format!("mkdir -p .config/fish/completions; {calls}{example}"),
    );
    let calls = fs::read_to_string(folder.path().join("calls")).expect("calls");
    let words = |call: &str| {
        let words = call.trim_end_matches('\x1f').split('\x1f');
        words.map(OsString::from).collect()
    };
    calls.lines().map(words).collect()
}

#[test]
fn every_example_is_a_command_line_that_is_understood() {
    for (path, _) in commands() {
        for example in cli::examples(&path) {
            let calls = calls(example.command);
            assert!(!calls.is_empty(), "{}", example.command);
            for call in calls {
                if call.iter().any(|word| word == "--help") {
                    continue;
                }
                let parsed = cli::parse_from(&call);
                assert!(parsed.is_ok(), "{}: {:?}", example.command, parsed.err());
            }
        }
    }
}

/// Their paths are those of an installed package, so they are loaded, and not run.
#[test]
fn configurations_for_those_who_move_here_are_accepted() {
    use confluence_ecs::config::service::Configuration;
    let document = fs::read_to_string(project("docs/migrating.md")).expect("text");
    let blocks: Vec<_> = document.split("```toml\n").skip(1).collect();
    assert!(!blocks.is_empty());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    for block in blocks {
        let text = block.split("```").next().unwrap_or_default();
        fs::write(&path, text).expect("written");
        let configuration = Configuration::load(&path, &[]).expect(text);
        for source in &configuration.sources {
            assert!(source.arguments().is_ok(), "{}", source.name);
        }
    }
}

fn pages() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(
        [
            "man".into(),
            "--dir".into(),
            folder.path().join("new").into_os_string(),
        ],
        b"",
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    folder
}

#[test]
fn every_command_has_a_page_with_its_flags_and_examples() {
    let folder = pages();
    for (path, definition) in commands() {
        let name = format!("confluence-ecs {path}");
        let name = format!("new/{}.1", name.trim().replace(' ', "-"));
        let page = fs::read_to_string(folder.path().join(&name)).expect(&name);
        let text = page.replace("\\-", "-").replace("\\*(Aq", "'");
        for flag in flags(&definition) {
            assert!(text.contains(&flag), "{name}: {flag}");
        }
        for example in cli::examples(&path) {
            assert!(text.contains(example.what), "{name}: {}", example.what);
        }
    }
    let count = fs::read_dir(folder.path().join("new"))
        .expect("a folder")
        .count();
    assert_eq!(count, commands().len());
    let printed = run(["man"], b"").stdout;
    let written = fs::read(folder.path().join("new/confluence-ecs.1")).expect("a page");
    assert!(printed == written, "`man` prints the page of the program");
}

/// A page has no date, and lists of values have a line break too many: mandoc warns of both, and shows them well.
#[test]
fn mandoc_finds_no_fault_in_a_page() {
    let folder = pages();
    let entries = fs::read_dir(folder.path().join("new")).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let lint = Command::new("mandoc")
        .args(["-T", "lint", "-W", "warning"])
        .args(paths)
        .output();
    let Ok(output) = lint else {
        eprintln!("left out: mandoc is not on this machine");
        return;
    };
    let told = String::from_utf8_lossy(&output.stdout);
    let known = ["missing date", "skipping paragraph macro"];
    let faults = told
        .lines()
        .filter(|line| !known.iter().any(|known| line.contains(known)));
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    let output = run(
        [
            "man".into(),
            "--dir".into(),
            file.join("man1").into_os_string(),
        ],
        b"",
    );
    insta::assert_snapshot!(outcome(&output));
}
