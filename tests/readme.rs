//! The README is true: its examples give what stands below them, its help text is the program's.
//!
//! `UPDATE_README=1 cargo test --test readme` writes what the program says now into it.

mod common;

use std::env;
use std::path::Path;
use std::process::Command;

use common::atlassian::Permission;
use common::fetching::Fetching;
use common::program::{project, run, run_command};

/// What a shell makes of a command of the README, in the project's folder.
fn shell(command: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_confluence-ecs"));
    let path = format!(
        "{}:{}",
        binary.parent().expect("a folder").display(),
        env::var("PATH").expect("PATH")
    );
    let output = Command::new("bash")
        .args(["-c", command])
        .env("PATH", path)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("bash runs");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).expect("UTF-8")
}

/// The text with the output of each example replaced by what it gives now. Commands without output
/// below them are for the reader's own files.
fn with_real_output(readme: &str) -> String {
    let has_jq = Command::new("jq").arg("--version").output().is_ok();
    let mut real = String::new();
    let mut inside = false;
    let mut command = String::new();
    let mut lines = readme.lines().peekable();
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
        let more = lines.peek().copied().unwrap_or_default();
        let goes_on = line.ends_with('|') || line.ends_with('\\');
        if goes_on {
            continue;
        }
        let has_output = !more.starts_with("$ ") && !more.starts_with("```");
        if has_output {
            let mut shown = String::new();
            let is_output = |line: &&str| !line.starts_with("$ ") && !line.starts_with("```");
            while let Some(line) = lines.next_if(is_output) {
                shown.push_str(line);
                shown.push('\n');
            }
            // A machine without jq keeps those examples unchecked; CI has it.
            let runs = has_jq || !command.contains("jq ");
            real.push_str(&if runs { shell(&command) } else { shown });
        }
        command.clear();
    }
    real
}

/// The text between two markers.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let start = text.find(begin).expect(begin) + begin.len();
    let length = text[start..].find(end).expect(end);
    &text[start..start + length]
}

/// What `check` says of a site that accepts the credentials and gives no records, under the names
/// that the README uses.
fn check_example() -> String {
    let fetching = Fetching::cloud();
    fetching
        .server
        .set(|settings| settings.permission = Permission::Blind);
    let output = run_command(fetching.command("check", &[]), b"");
    assert_eq!(output.status.code(), Some(1));
    let state = fetching.state();
    let folder = state.parent().expect("a folder");
    let folder = folder.to_str().expect("UTF-8");
    String::from_utf8(output.stdout)
        .expect("UTF-8")
        .replace(&fetching.server.url(), "https://acme.atlassian.net")
        .replace("127.0.0.1 is 127.0.0.1", "acme.atlassian.net is 192.0.2.7")
        .replace("admin@example.com", "you@example.com")
        .replace(folder, "/var/lib/confluence-ecs")
}

#[test]
fn the_readme_is_true() {
    let path = project("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README");
    let mut real = with_real_output(&readme);
    for command in ["normalize", "tail", "fetch"] {
        let heading = format!("(`confluence-ecs {command} -h`):\n\n```text\n");
        let help = run([command, "-h"], b"").stdout;
        let help = String::from_utf8(help).expect("UTF-8");
        let help: Vec<_> = help.lines().map(str::trim_end).collect();
        let old = between(&real, &heading, "```");
        let old = format!("{heading}{old}```");
        real = real.replace(&old, &format!("{heading}{}\n```", help.join("\n")));
    }
    let table = run(["schema", "fields", "--format", "markdown"], b"").stdout;
    let table = String::from_utf8(table).expect("UTF-8");
    let old = between(&real, "<!-- fields -->", "<!-- /fields -->").to_owned();
    real = real.replace(
        &format!("<!-- fields -->{old}"),
        &format!("<!-- fields -->\n\n{}\n\n", table.trim_end()),
    );
    let old = between(&real, "<!-- check -->", "<!-- /check -->").to_owned();
    let check = check_example();
    real = real.replace(
        &format!("<!-- check -->{old}"),
        &format!("<!-- check -->\n\n```text\n{}\n```\n\n", check.trim_end()),
    );
    if env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, &real).expect("written");
    }
    assert!(
        real == readme,
        "the README is not true: UPDATE_README=1 cargo test --test readme"
    );
}
