//! A machine with the program on it, an OAuth server, and a browser.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::support::atlassian::{Atlassian, client};
use crate::support::outcome::filtered;
use crate::support::program::{self, run_command, start};

pub const CLIENT_ID: &str = "the-app";
pub const CLIENT_SECRET: &str = "s3cret-of-the-app";
pub const ACCOUNT: &str = "557058:0a1b";

pub struct World {
    pub server: Atlassian,
    pub state_dir: PathBuf,
    _home: Option<TempDir>,
}

impl World {
    pub fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let world = Self::at(home.path());
        Self {
            _home: Some(home),
            ..world
        }
    }

    /// With the state in a directory of that one.
    pub fn at(home: &Path) -> Self {
        let state_dir = home.join("state");
        Self {
            server: server(&state_dir),
            state_dir,
            _home: None,
        }
    }

    /// Where somebody has logged in.
    pub fn logged_in() -> Self {
        let world = Self::new();
        world.log_in();
        world
    }

    /// Where somebody has logged in, and the access token is as good as over.
    pub fn expired() -> Self {
        let world = Self::new();
        world.log_in_and_expire();
        world
    }

    pub fn log_in_and_expire(&self) {
        self.server.set(|settings| settings.expires_in = 30);
        self.log_in();
        self.server.set(|settings| settings.expires_in = 3600);
        self.server.forget_asked();
    }

    pub fn log_in(&self) {
        let output = self.paste(&[], |url| allow(&url).to_string());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            program::stderr(&output)
        );
    }

    /// A command of `auth`, as talkative as can be.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::command(["auth"].iter().chain(arguments));
        command
            .args(["-vv", "--state-dir"])
            .arg(&self.state_dir)
            .env("CONFLUENCE_OAUTH_CLIENT_SECRET", CLIENT_SECRET);
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(variable);
            command.env_remove(variable.to_lowercase());
        }
        let login = arguments[0] == "login";
        // The others make no requests.
        if !matches!(arguments[0], "status" | "logout") {
            command.args(["--retries", "1"]);
        }
        // Later commands know them from the login.
        if login {
            command
                .args(["--api-base", self.server.api_base()])
                .args(["--auth-base", self.server.auth_base()])
                .args(["--client-id", CLIENT_ID]);
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.end(run_command(self.command(arguments), b""))
    }

    /// Runs a command that must succeed; what it printed.
    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            program::stderr(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must end with that code; the error that it said, for a snapshot.
    pub fn failed(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{}",
            program::stderr(&output)
        );
        error(&output)
    }

    /// No output tells a secret, and no file but the grant's.
    pub fn end(&self, output: Output) -> Output {
        let secrets = self.server.secrets();
        let mut texts = vec![output.stdout.clone(), output.stderr.clone()];
        for entry in fs::read_dir(&self.state_dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap() != "oauth.json" {
                texts.push(fs::read(path).unwrap());
            }
        }
        for text in texts {
            let text = String::from_utf8(text).unwrap();
            for secret in &secrets {
                assert!(!text.contains(secret), "{secret} in: {text}");
            }
        }
        output
    }

    /// Logs in with `--paste`; what is pasted is made of the authorization URL.
    pub fn paste(&self, more: &[&str], pasted: impl FnOnce(Url) -> String) -> Output {
        let arguments = [&["login", "--paste"], more].concat();
        let mut login = Login::start(self.command(&arguments));
        let line = pasted(login.url.clone()) + "\n";
        let mut stdin = login.process.child.stdin.take().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        // It stays open: one line is enough.
        let output = login.end();
        drop(stdin);
        self.end(output)
    }

    /// What is on disk.
    pub fn grant(&self) -> Value {
        let text = fs::read_to_string(self.state_dir.join("oauth.json")).unwrap();
        let layout: Value = serde_json::from_str(&text).unwrap();
        layout["state"].clone()
    }

    /// What was asked of the server for tokens.
    pub fn asked(&self) -> Vec<String> {
        self.server.asked()
    }
}

fn server(state_dir: &Path) -> Atlassian {
    let server = Atlassian::cloud();
    server.set(|settings| {
        CLIENT_ID.clone_into(&mut settings.client_id);
        CLIENT_SECRET.clone_into(&mut settings.client_secret);
        settings.redirect_uri = None;
        settings.account = Some(ACCOUNT.to_owned());
        settings.state_dir = Some(state_dir.to_owned());
        settings.sites = Some(json!([
            {"id": "11-22", "url": "https://acme.atlassian.net", "name": "acme", "avatarUrl": "x",
             "scopes": ["read:audit-log:confluence"]},
            {"id": "33-44", "url": "https://other.atlassian.net", "name": "other", "scopes": []},
        ]));
    });
    server
}

/// The one error that a command said, for a snapshot.
pub fn error(output: &Output) -> String {
    let said = program::stderr(output);
    let errors: Vec<_> = said
        .lines()
        .filter(|line| line.contains("ERROR") || line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{said}");
    filtered(errors[0])
}

/// What a browser does with the authorization URL: the user allows it, and is sent back.
pub fn allow(url: &Url) -> Url {
    Url::parse(&client::browse(url.as_str())).unwrap()
}

/// A process whose words are read as they come.
pub struct Process {
    pub child: Child,
    stderr: BufReader<ChildStderr>,
    told: String,
}

impl Process {
    pub fn of(mut child: Child) -> Self {
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            stderr,
            told: String::new(),
        }
    }

    /// Reads on until it has said that.
    pub fn says(&mut self, what: &str) {
        while !self.told.contains(what) {
            let read = self.stderr.read_line(&mut self.told).unwrap();
            assert!(read > 0, "never said {what}: {}", self.told);
        }
    }

    /// Waits for its end.
    pub fn end(mut self) -> Output {
        self.stderr.read_to_string(&mut self.told).unwrap();
        let mut output = self.child.wait_with_output().unwrap();
        output.stderr = self.told.into_bytes();
        output
    }
}

/// A login that waits for its code.
pub struct Login {
    pub process: Process,
    pub url: Url,
}

impl Login {
    /// Starts one, until it has shown the URL.
    pub fn start(command: Command) -> Self {
        let mut process = Process::of(start(command));
        process.says("authorize?");
        let url = process.told.lines().find(|line| line.starts_with("http"));
        let url = Url::parse(url.unwrap()).unwrap();
        Self { process, url }
    }

    /// Waits for its end.
    pub fn end(self) -> Output {
        self.process.end()
    }
}

/// The redirect URI on a port that nobody uses.
pub fn free_redirect(host: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    format!("http://{host}:{port}/callback")
}

/// What a browser gets.
pub fn browse(url: &Url) -> (u16, String) {
    let address = (url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect(address).unwrap();
    let most = Some(std::time::Duration::from_secs(20));
    stream.set_read_timeout(most).unwrap();
    let target = &url[url::Position::BeforePath..];
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text)
}
