//! Fetching from a stand-in with the binary: credentials, state and output in a folder of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::atlassian::{Atlassian, Event, Record, client};
use super::program;

/// When the records of most tests begin: 2026-01-05T00:00:00Z, long ago.
pub const START: i64 = 1_767_571_200_000;
/// As `--since`.
pub const SINCE: &str = "2026-01-05T00:00:00Z";
/// A day, in milliseconds.
pub const DAY: i64 = 86_400_000;

/// How the stand-in is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Cloud, by the site's address.
    Site,
    /// Cloud, by the cloud id.
    Gateway,
    /// Cloud, with the grant of a login.
    Grant,
    /// Data Center, with a personal access token.
    Pat,
    /// Data Center or old Server, with user and password.
    Password,
    /// An organization, with its API key.
    Organization,
}

/// A stand-in, and a folder for what is fetched from it.
pub struct Fetching {
    pub server: Atlassian,
    folder: TempDir,
    way: Way,
}

impl Fetching {
    /// From Cloud, by the site's address.
    pub fn cloud() -> Self {
        Self::of(Atlassian::cloud(), Way::Site)
    }

    /// From a Data Center that does not record searches.
    pub fn data_center() -> Self {
        let server = Atlassian::data_center("/confluence");
        server.set(|settings| settings.records_searches = false);
        Self::of(server, Way::Pat)
    }

    /// From an organization.
    pub fn organization() -> Self {
        Self::of(Atlassian::cloud(), Way::Organization)
    }

    /// From that stand-in, in that way.
    pub fn of(server: Atlassian, way: Way) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            server,
            folder,
            way,
        }
    }

    /// From here on asks in another way, with the same state and output.
    pub fn by(&mut self, way: Way) -> &Self {
        self.way = way;
        self
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The output file.
    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out.ndjson")
    }

    /// A file of that name in the folder.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("written");
        path
    }

    /// How it is asked.
    pub fn way(&self) -> Way {
        self.way
    }

    /// `command` (`fetch` or `check`) with the stand-in's address and good credentials, and flags; what these
    /// give themselves is left out of the former.
    pub fn command(&self, command: &str, flags: &[&str]) -> Command {
        let settings = self.server.settings();
        let mut own = vec![("--state-dir", self.state().display().to_string())];
        // Only there: it would do nothing elsewhere.
        if matches!(self.way, Way::Gateway | Way::Grant | Way::Organization) {
            own.push(("--api-base", self.server.api_base().to_owned()));
        }
        let url = ("--url", self.server.url());
        let mut variable = None;
        match self.way {
            Way::Site => {
                own.extend([("--deployment", "cloud".to_owned()), url]);
                own.push(("--email", settings.email));
                variable = Some(("CONFLUENCE_API_TOKEN", settings.api_token));
            }
            Way::Gateway => {
                own.push(("--cloud-id", settings.cloud_id));
                own.push(("--email", settings.email));
                variable = Some(("CONFLUENCE_API_TOKEN", settings.scoped_token));
            }
            Way::Grant => {}
            Way::Organization => {
                own.push(("--org-id", settings.organization.id));
                variable = Some(("CONFLUENCE_ORG_API_KEY", settings.organization.key));
            }
            Way::Pat => {
                own.push(url);
                variable = Some(("CONFLUENCE_PAT", settings.pat));
            }
            Way::Password => {
                own.extend([url, ("--email", settings.username)]);
                variable = Some(("CONFLUENCE_API_TOKEN", settings.password));
            }
        }
        let mut program = program::command([command]);
        for (flag, value) in own.iter().filter(|(flag, _)| !flags.contains(flag)) {
            program.args([flag, value.as_str()]);
        }
        program.envs(variable).args(flags);
        program
    }

    /// Logs in with `--paste`, playing the browser.
    pub fn login(&self) {
        let settings = self.server.settings();
        let mut program = program::command([
            "auth",
            "login",
            "--paste",
            "--client-id",
            &settings.client_id,
        ]);
        program.arg("--state-dir").arg(self.state());
        program.args(["--api-base", self.server.api_base()]);
        program.args(["--auth-base", self.server.auth_base()]);
        program.env("CONFLUENCE_OAUTH_CLIENT_SECRET", &settings.client_secret);
        let mut child = program::start(program);
        let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let url = said.by_ref().find_map(|line| {
            let line = line.expect("text");
            Some(line[line.find("http")?..].to_owned()).filter(|url| url.contains("/authorize?"))
        });
        let back = client::browse(url.expect("a URL").trim());
        let mut stdin = child.stdin.take().expect("a pipe");
        writeln!(stdin, "{back}").expect("written");
        drop(stdin);
        let rest: Vec<_> = said.map(|line| line.expect("text")).collect();
        let mut sites = String::new();
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_to_string(&mut sites).expect("text");
        assert!(child.wait().expect("ended").success(), "{rest:?}");
        assert!(sites.contains(&settings.cloud_id), "{sites}");
    }

    /// `fetch` into the output file, from [`SINCE`] on unless the flags say otherwise.
    pub fn to_file(&self, flags: &[&str]) -> Command {
        let out = self.out().display().to_string();
        let own = [["--since", SINCE], ["-o", &out]];
        let own = own.into_iter().filter(|[flag, _]| !flags.contains(flag));
        // Before the flags, the last of which may lack its value yet.
        let all: Vec<&str> = own.flatten().chain(flags.iter().copied()).collect();
        self.command("fetch", &all)
    }

    /// Runs [`Self::to_file`] to its end, which must be a good one.
    pub fn fetch(&self, flags: &[&str]) -> String {
        let output = program::run_command(self.to_file(flags), b"");
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        said
    }

    /// Runs [`Self::to_file`] to its end, which must be that one; what it said.
    pub fn fetch_ends(&self, flags: &[&str], code: i32) -> String {
        let output = program::run_command(self.to_file(flags), b"");
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }

    /// The lines of the output file.
    pub fn lines(&self) -> Vec<String> {
        lines(&self.out())
    }

    /// The events of the output file.
    pub fn events(&self) -> Vec<Value> {
        let parse = |line: &String| serde_json::from_str(line).expect("JSON");
        self.lines().iter().map(parse).collect()
    }

    /// Every record that the stand-in holds must be in the output (of `--raw`), once, and in the
    /// order of time.
    pub fn assert_all_once(&self) {
        let mut expected: Vec<Record> = self.server.held();
        expected.sort_by_key(|record| record.ms);
        self.assert_raw(&expected, true);
    }

    /// Every event of the organization must be in the output (of `--raw`), once, in the order of processing.
    pub fn assert_events_once(&self) {
        let (lines, held) = (self.lines(), self.server.events());
        let is_other = |(line, event): &(&String, &Event)| **line != event.raw;
        let first = lines.iter().zip(&held).find(is_other);
        assert_eq!((lines.len(), first), (held.len(), None));
    }

    /// Those records must be in the output (of `--raw`), in that order or in any.
    pub fn assert_raw(&self, expected: &[Record], in_order: bool) {
        let mut lines = self.lines();
        let mut expected: Vec<String> = expected.iter().map(|record| record.raw.clone()).collect();
        assert_eq!(lines.len(), expected.len(), "number of records");
        if in_order {
            let time = |line: &String| time_of(line);
            assert!(lines.is_sorted_by_key(time), "in the order of time");
        }
        lines.sort();
        expected.sort();
        for (line, record) in lines.iter().zip(&expected) {
            assert_eq!(line, record);
        }
    }
}

/// When a raw record happened, as it says.
pub fn time_of(line: &str) -> String {
    let record: Value = serde_json::from_str(line).expect("JSON");
    let time = record.get("creationDate").or(record.get("timestamp"));
    let time = time.expect("a time");
    time.as_str()
        .map_or_else(|| time.to_string(), str::to_owned)
}

/// The lines of a file.
pub fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// What a program said on stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
