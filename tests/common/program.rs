//! Running the binary.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A file of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The binary with arguments, in the project's folder, without the environment's own settings.
pub fn command<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_confluence-ecs"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("CONFLUENCE_ECS_GEOIP_CITY")
        .env_remove("CONFLUENCE_ECS_GEOIP_ASN")
        .env_remove("CONFLUENCE_API_TOKEN")
        .env_remove("CONFLUENCE_PAT")
        .env_remove("CONFLUENCE_OAUTH_CLIENT_SECRET")
        .env_remove("CREDENTIALS_DIRECTORY")
        .env("NO_PROXY", "*");
    command
}

/// Starts a command with pipes at all its ends.
pub fn start(mut command: Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// Runs a command on some input to its end.
pub fn run_command(command: Command, input: &[u8]) -> Output {
    let mut child = start(command);
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A program that ends early closes the pipe.
            let _ = stdin.write_all(input);
        });
        child.wait_with_output().expect("the binary ends")
    })
}

/// Runs the binary on some input to its end.
pub fn run<I: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = I>,
    input: &[u8],
) -> Output {
    run_command(command(arguments), input)
}

/// The events that the binary makes of some input; it must end with 0.
pub fn events<I: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = I>,
    input: &[u8],
) -> Vec<Value> {
    let output = run(arguments, input);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    lines(&output.stdout)
}

/// NDJSON into values.
pub fn lines(text: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(text).expect("UTF-8");
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "a torn line: {text}"
    );
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// What the program said.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits until something is so, or fails.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited too long for: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
