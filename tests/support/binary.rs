//! Running the binary.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

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
        .env_remove("CONFLUENCE_ECS_ES_API_KEY")
        .env_remove("CONFLUENCE_ECS_ES_PASSWORD")
        .env_remove("CONFLUENCE_OAUTH_CLIENT_SECRET")
        .env_remove("CREDENTIALS_DIRECTORY")
        .env_remove("CONFLUENCE_ECS_CONFIG")
        .env_remove("CONFLUENCE_ECS_PROXY_PASSWORD")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR")
        .env_remove("CLICOLOR_FORCE")
        .env("NO_PROXY", "*");
    command
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
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited too long for: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
