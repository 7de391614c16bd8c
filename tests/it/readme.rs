//! The README and `docs/` are true: examples give the output that stands below them, help texts and tables are
//! the program's, links lead somewhere, and cited sections exist.
//!
//! `UPDATE_README=1 cargo test --test it readme` writes what the program says now into them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use crate::support::atlassian::{Atlassian, Permission, cloud_record};
use crate::support::fetching::{DAY, Fetching, Way};
use crate::support::program::{events, project, run, run_command};
use regex::Regex;
use serde_json::{Value, json};

/// The documents, by their paths in the project.
fn documents() -> Vec<String> {
    let others = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "benches/README.md",
    ];
    let mut names: Vec<_> = others.map(str::to_owned).into();
    for entry in fs::read_dir(project("docs")).expect("docs") {
        let name = entry.expect("an entry").file_name();
        names.push(format!("docs/{}", name.to_str().expect("UTF-8")));
    }
    names.sort();
    names
}

fn read(name: &str) -> String {
    fs::read_to_string(project(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

/// What bash makes of a command, in the project's folder. `/tmp` is a folder of this run alone.
fn shell(command: &str, tmp: &Path) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_confluence-ecs"));
    let path = format!(
        "{}:{}",
        binary.parent().expect("a folder").display(),
        env::var("PATH").expect("PATH")
    );
    let tmp = format!("{}/", tmp.display());
    let output = Command::new("bash")
        .args(["-c", &command.replace("/tmp/", &tmp)])
        .env("PATH", path)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("bash runs");
    text([output.stdout, output.stderr].concat()).replace(&tmp, "/tmp/")
}

/// A text without what differs from run to run: inodes, times, and the column widths that depend on them.
fn steady(text: &str) -> String {
    [
        (r"\b[0-9a-f]+:[0-9]+:", "INODE:"),
        (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", "TIME"),
        (r"\(in [^)]*\)", "(in DURATION)"),
        (r"\brequests=[0-9]+", "requests=NUMBER"),
        (r"\b[0-9]+s\b", "SECONDS"),
        (r"[ \t]+", " "),
    ]
    .iter()
    .fold(text.to_owned(), |text, (pattern, with)| {
        let pattern = Regex::new(pattern).expect("a pattern");
        pattern.replace_all(&text, *with).into_owned()
    })
}

/// What is to stand in a document: what stands there, if it says the same.
fn unless_steady(shown: String, actual: String) -> String {
    if steady(&shown) == steady(&actual) {
        shown
    } else {
        actual
    }
}

/// What examples call that is not on this machine: they are left out there. CI has all of it.
fn missing_tools() -> Vec<&'static str> {
    let mut missing = vec!["jq ", "duckdb "];
    missing.retain(|tool| {
        let version = Command::new(tool.trim_end()).arg("--version").output();
        version.is_err()
    });
    for tool in &missing {
        eprintln!("no {tool}here: examples with it are left out");
    }
    missing
}

/// Whether a command goes on in the next line: it says so, a quote is open, or a text that it reads.
fn goes_on(command: &str) -> bool {
    let line = command.trim_end_matches('\n');
    let text = command.split_once("<<'SQL'\n").map(|(_, text)| text);
    line.ends_with('|')
        || line.ends_with('\\')
        || text.map_or(line.matches('\'').count() % 2 == 1, |text| {
            !text.ends_with("SQL\n")
        })
}

/// The text with the output of each `console` example replaced by what it gives now. Commands without output
/// below them are for the reader's own files, unless those are in `/tmp`.
fn with_real_output(document: &str) -> String {
    let tmp = tempfile::tempdir().expect("a folder");
    let missing = missing_tools();
    let mut real = String::new();
    let mut inside = false;
    let mut command = String::new();
    let mut lines = document.lines().peekable();
    while let Some(line) = lines.next() {
        real.push_str(line);
        real.push('\n');
        if line.starts_with("```") {
            inside = line == "```console";
            continue;
        }
        if !inside {
            continue;
        }
        command.push_str(line.strip_prefix("$ ").unwrap_or(line));
        command.push('\n');
        if goes_on(&command) {
            continue;
        }
        let is_output = |line: &&str| !line.starts_with("$ ") && !line.starts_with("```");
        let mut shown = String::new();
        while let Some(line) = lines.next_if(is_output) {
            shown.push_str(line);
            shown.push('\n');
        }
        let is_example = !shown.is_empty() || command.contains("/tmp/");
        let can_run = !missing.iter().any(|tool| command.contains(tool));
        if is_example && can_run {
            shown = unless_steady(shown, shell(&command, tmp.path()));
        }
        real.push_str(&shown);
        command.clear();
    }
    real
}

/// The text with what stands between `<!-- WHAT -->` and `<!-- /WHAT -->` replaced by what it is now.
fn with_generated(document: &str) -> String {
    let begin = Regex::new("(?m)^<!-- ([a-z][a-z -]*) -->$").expect("a pattern");
    let mut real = String::new();
    let mut rest = document;
    while let Some(found) = begin.captures(rest) {
        let (marker, [what]) = found.extract();
        let start = rest.find(marker).expect("it was found") + marker.len();
        let end = format!("\n<!-- /{what} -->");
        let length = rest[start..].find(&end).expect(&end);
        let shown = rest[start..start + length].to_owned();
        real.push_str(&rest[..start]);
        real.push_str(&unless_steady(shown, format!("\n\n{}\n", generated(what))));
        rest = &rest[start + length..];
    }
    real + rest
}

fn generated(what: &str) -> String {
    match what {
        "fields" => printed(&["schema", "fields", "--format", "markdown"]),
        "organization fields" => printed(&[
            "schema",
            "fields",
            "--dataset",
            "org",
            "--format",
            "markdown",
        ]),
        "actions" => printed(&["schema", "actions", "--format", "markdown"]),
        "check" => fenced(&check_example()),
        "fetch" => fenced(&fetch_example()),
        "auth status" => fenced(&auth_status_example()),
        help => {
            let command = help.strip_prefix("help ").expect("a known marker");
            let arguments: Vec<_> = command.split(' ').chain(["-h"]).collect();
            fenced(&printed(&arguments))
        }
    }
}

fn fenced(text: &str) -> String {
    format!("```text\n{}\n```", text.trim_end())
}

/// What the program prints, without blanks at the ends of lines.
fn printed(arguments: &[&str]) -> String {
    let printed = text(run(arguments, b"").stdout);
    let lines: Vec<_> = printed.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// What a command says of the stand-in, under the names that the documents use.
fn renamed(fetching: &Fetching, text: &str) -> String {
    let state = fetching.state();
    let folder = state.parent().expect("a folder");
    text.replace(fetching.server.auth_base(), "https://auth.atlassian.com")
        .replace(fetching.server.api_base(), "https://api.atlassian.com")
        .replace(&fetching.server.url(), "https://acme.atlassian.net")
        .replace("127.0.0.1 is 127.0.0.1", "acme.atlassian.net is 192.0.2.7")
        .replace("admin@example.com", "you@example.com")
        .replace(folder.to_str().expect("UTF-8"), "/var/lib/confluence-ecs")
}

/// What both ends of a command say.
fn said(output: Output) -> String {
    text([output.stdout, output.stderr].concat())
}

/// `check` of a site that accepts the credentials and gives no records.
fn check_example() -> String {
    let fetching = Fetching::cloud();
    fetching
        .server
        .set(|settings| settings.permission = Permission::Blind);
    let output = run_command(fetching.command("check", &[]), b"");
    assert_eq!(output.status.code(), Some(1));
    renamed(&fetching, &text(output.stdout))
}

/// Two runs of `fetch`: the records of 30 days, then those since.
fn fetch_example() -> String {
    let fetching = Fetching::cloud();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let first = i64::try_from(now.as_millis()).expect("before the year 292277026") - 29 * DAY;
    let span = 28 * DAY.unsigned_abs();
    fetching.server.make_up(2_500, first, span, cloud_record);
    let out = fetching.out();
    let out = out.to_str().expect("UTF-8");
    let mut example = String::new();
    for _ in 0..2 {
        let output = run_command(
            fetching.command("fetch", &["--since", "30d", "-o", out]),
            b"",
        );
        example +=
            "$ confluence-ecs fetch --url https://acme.atlassian.net --email you@example.com \\\n";
        example += "    --api-token-file api-token --since 30d -o events.ndjson\n";
        example += &renamed(&fetching, &said(output));
    }
    example
}

fn auth_status_example() -> String {
    let fetching = Fetching::of(Atlassian::cloud(), Way::Grant);
    fetching.login();
    let mut command = crate::support::program::command(["auth", "status", "--state-dir"]);
    command.arg(fetching.state());
    renamed(&fetching, &text(run_command(command, b"").stdout))
}

#[test]
fn the_documents_are_true() {
    let mut untrue = Vec::new();
    for name in documents() {
        let document = read(&name);
        let real = with_generated(&with_real_output(&document));
        if real != document {
            if env::var_os("UPDATE_README").is_some() {
                fs::write(project(&name), &real).expect("written");
            }
            untrue.push(name);
        }
    }
    assert!(
        untrue.is_empty(),
        "not true: {untrue:?}; UPDATE_README=1 cargo test --test it readme"
    );
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(document: &str) -> Vec<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
            heading.chars().filter(kept).collect::<String>()
        })
        .map(|heading| heading.replace(' ', "-"))
        .collect()
}

#[test]
fn links_and_paths_of_the_documents_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let path =
        Regex::new(r"`((?:src|tests|docs|testdata|benches|schemas|packaging|examples)/[^` *]*)`")
            .expect("a pattern");
    let mut broken = Vec::new();
    for name in documents() {
        let document = read(&name);
        let folder = project(&name).parent().expect("a folder").to_owned();
        for [target] in link.captures_iter(&document).map(|found| found.extract().1) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() {
                project(&name)
            } else {
                folder.join(file)
            };
            let has = |anchor: &str| {
                anchors(&fs::read_to_string(&file).expect("text")).contains(&anchor.to_owned())
            };
            if !file.exists() || !(anchor.is_empty() || has(anchor)) {
                broken.push(format!("{name}: {target}"));
            }
        }
        for [target] in path.captures_iter(&document).map(|found| found.extract().1) {
            if !project(target).exists() {
                broken.push(format!("{name}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The files of Rust below some folders of the project.
fn sources(folders: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open: Vec<_> = folders.iter().map(|folder| project(folder)).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                // This file's examples of citations cite nothing.
                found.extend(Some(path).filter(|path| !path.ends_with(file!())));
            }
        }
    }
    found
}

/// `docs/NAME.md 3` needs a heading `## 3. …`, `docs/NAME.md, "Lines"` a heading `## Lines`.
#[test]
fn sections_that_the_code_cites_exist() {
    let citation =
        Regex::new(r#"docs/([a-z]+\.md)(?: §?([0-9]+)|, "([^"]+)")?"#).expect("a pattern");
    // A quoted heading may go on in the next line of a comment.
    let joint = Regex::new(r"\n\s*//[/!]? ").expect("a pattern");
    let mut missing = Vec::new();
    for path in sources(&["src", "tests", "benches", "examples", "fuzz"]) {
        let code = fs::read_to_string(&path).expect("text");
        let code = joint.replace_all(&code, " ");
        for found in citation.captures_iter(&code) {
            let name = format!("docs/{}", &found[1]);
            let document = fs::read_to_string(project(&name)).unwrap_or_default();
            let is_there = match (found.get(2), found.get(3)) {
                (Some(number), _) => document.contains(&format!("\n## {}. ", number.as_str())),
                (_, Some(title)) => document.contains(&format!("\n## {}\n", title.as_str())),
                _ => !document.is_empty(),
            };
            if !is_there {
                missing.push(format!("{}: {}", path.display(), &found[0]));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The rows of the table in section 6 of the mapping: action, category, type, outcome.
fn categorization() -> Vec<(String, Value)> {
    let mapping = read("docs/mapping.md");
    let section = mapping
        .split("\n## ")
        .find(|section| section.starts_with("6. "));
    let mut rows = Vec::new();
    for line in section.expect("section 6").lines() {
        let Some(row) = line.strip_prefix("| `") else {
            continue;
        };
        let cells: Vec<_> = row
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let [actions, category, kind, outcome] = cells[..] else {
            panic!("{line}");
        };
        let list = |cell: &str| cell.split(", ").map(str::to_owned).collect::<Vec<_>>();
        let mut event = json!({"category": list(category), "type": list(kind)});
        if !outcome.is_empty() {
            event["outcome"] = json!(outcome);
        }
        for action in actions.split(", ") {
            let action = action
                .trim_matches('`')
                .replace("S.", "audit.logging.summary.");
            rows.push((action, event.clone()));
        }
    }
    rows
}

#[test]
fn the_categorization_in_the_documents_is_the_program_s() {
    let rows = categorization();
    for (action, expected) in &rows {
        let record = json!({"timestamp": "2026-01-01", "type": {"actionI18nKey": action}});
        let event = &events(["normalize"], record.to_string().as_bytes())[0]["event"];
        for key in ["category", "type", "outcome"] {
            assert_eq!(event.get(key), expected.get(key), "{action}: {key}");
        }
    }
    // The test data has every action of the table, and more.
    for data in ["dc-file-actions.log", "cloud-actions.ndjson"] {
        let data = fs::read(project("testdata/records").join(data)).expect("test data");
        for event in events(["normalize"], &data) {
            let event = &event["event"];
            let is_listed = rows
                .iter()
                .any(|(action, _)| event["action"] == action.as_str());
            assert_eq!(
                is_listed,
                event.get("category").is_some(),
                "{}",
                event["action"]
            );
        }
    }
}
