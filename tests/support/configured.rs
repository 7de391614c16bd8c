//! A configuration file in a folder of its own, and commands that read it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use super::binary;
use super::place::{Follower, Place, finish};

/// A folder with `config.toml`, and room for logs, state and outputs.
pub struct Configured {
    pub place: Place,
}

impl Configured {
    /// `FOLDER` in the text stands for the folder.
    pub fn new(text: &str) -> Self {
        let configured = Self {
            place: Place::new(&[]),
        };
        configured.write(text);
        configured
    }

    /// Writes the configuration anew.
    pub fn write(&self, text: &str) {
        self.write_bytes(self.filled(text).as_bytes());
    }

    /// Writes the configuration anew, whatever it is.
    pub fn write_bytes(&self, bytes: &[u8]) {
        fs::write(self.config(), bytes).expect("written");
        self.set_mode(0o644);
    }

    /// Who may read the configuration.
    pub fn set_mode(&self, mode: u32) {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.config(), mode).expect("set");
    }

    /// A text with the folder in it.
    pub fn filled(&self, text: &str) -> String {
        text.replace("FOLDER", &self.place.folder().display().to_string())
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.path("config.toml")
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.place.folder().join(name)
    }

    /// Writes a file in the folder.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, self.filled(text)).expect("written");
        path
    }

    /// A command with `--config` behind its words.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = binary::command(words);
        command.arg("--config").arg(self.config());
        command.env_remove("NOTIFY_SOCKET");
        command
    }

    /// What a command comes to.
    pub fn outcome(&self, words: &[&str]) -> Output {
        finish(self.command(words))
    }

    /// What a command comes to that sees those variables.
    pub fn outcome_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = self.command(words);
        command.envs(variables.iter().copied());
        finish(command)
    }

    /// Begins `run`.
    pub fn start(&self, variables: &[(&str, &str)]) -> Follower {
        let mut command = self.command(&["run"]);
        command.envs(variables.iter().copied());
        self.place.start_command(command)
    }

    /// What `run` logged so far, of a JSON log.
    pub fn log(&self) -> Vec<Value> {
        let said = self.place.said();
        // The last line may not be whole yet.
        said.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The messages about a source so far.
    pub fn log_of(&self, source: &str) -> Vec<String> {
        let log = self.log();
        let of_source = log.iter().filter(|line| line["source"] == source);
        of_source
            .map(|line| line["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// How often a message was logged that contains those words.
    pub fn logged(&self, words: &str) -> usize {
        self.place
            .said()
            .lines()
            .filter(|line| line.contains(words))
            .count()
    }
}
