//! The whole outcome of a command as text, for a snapshot: `insta::assert_snapshot!(outcome(&output))`.

use std::process::{Command, Output};
use std::sync::LazyLock;

use regex::Regex;

/// What differs from run to run, and what stands for it.
static FILTERS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let folder = std::env::temp_dir().display().to_string();
    let folder = regex::escape(folder.trim_end_matches('/'));
    let project = regex::escape(env!("CARGO_MANIFEST_DIR"));
    [
        (&*format!(r"{folder}/\.tmp\w{{6}}(/place\b)?"), "[FOLDER]"),
        (&*project, "[PROJECT]"),
        (r"\bseconds=[0-9.e-]+", "seconds=[SECONDS]"),
        (r"\b127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
        (r"\bprocess \d+", "process [ID]"),
        (r"\bfetch-127\.0\.0\.1_\d+-[0-9a-f]{16}", "fetch-[SITE]"),
    ]
    .map(|(pattern, stands)| (Regex::new(pattern).expect("a pattern"), stands))
    .into()
});

/// Exit code, stdout and stderr.
pub fn outcome(output: &Output) -> String {
    let code = output.status.code();
    let code = code.map_or_else(|| output.status.to_string(), |code| code.to_string());
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    filtered(&format!(
        "exit code: {code}\n----- stdout -----\n{stdout}----- stderr -----\n{stderr}"
    ))
}

/// The outcome below the command line that led to it, for snapshots of several commands.
pub fn transcript(command: &Command, output: &Output) -> String {
    let words = command
        .get_args()
        .map(|word| format!(" {}", word.display()));
    let line: String = words.collect();
    format!("$ confluence-ecs{}\n{}\n", filtered(&line), outcome(output))
}

/// A text without what differs from run to run.
pub fn filtered(text: &str) -> String {
    let text = text.to_owned();
    FILTERS.iter().fold(text, |text, (pattern, stands)| {
        pattern.replace_all(&text, *stands).into_owned()
    })
}
