//! A headless Chromium, asked over its `DevTools` protocol: messages of JSON, each ended by a NUL byte, through pipes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser that does not outlive its test.
pub struct Browser {
    child: Child,
    requests: ChildStdin,
    answers: Receiver<Value>,
    last_id: u64,
    session: Value,
    /// What the browser told of its own accord.
    told: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// A browser with an empty tab; none, and a line that says so, where there is no Chromium.
    pub fn start() -> Option<Self> {
        let profile = tempfile::tempdir().expect("a folder");
        // It reads from descriptor 3 and writes to 4. Without a user of its own there is no sandbox.
        let command = "command -v chromium >/dev/null || exit 127
            exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1";
        let mut child = Command::new("sh")
            .args(["-c", command, "sh", "--headless", "--no-sandbox"])
            .args([
                "--remote-debugging-pipe",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let requests = child.stdin.take().expect("a pipe");
        let messages = BufReader::new(child.stdout.take().expect("a pipe")).split(0);
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for message in messages.map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("JSON");
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self {
            child,
            requests,
            answers,
            last_id: 0,
            session: Value::Null,
            told: Vec::new(),
            _profile: profile,
        };
        if !browser.open_tab() {
            eprintln!("left out: chromium is not on this machine");
            return None;
        }
        Some(browser)
    }

    fn open_tab(&mut self) -> bool {
        let Some(tab) = self.try_ask("Target.createTarget", &json!({"url": "about:blank"})) else {
            let ended = self.child.wait().expect("ended");
            assert_eq!(ended.code(), Some(127), "chromium does not start");
            return false;
        };
        let attach = json!({"targetId": tab["targetId"], "flatten": true});
        self.session = self.ask("Target.attachToTarget", &attach)["sessionId"].clone();
        for domain in ["Runtime", "Log", "Network", "Page"] {
            self.ask(&format!("{domain}.enable"), &json!({}));
        }
        true
    }

    /// Asks the browser, or its tab once there is one.
    pub fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.try_ask(method, parameters).expect("it runs")
    }

    /// The same; none if the browser has ended.
    fn try_ask(&mut self, method: &str, parameters: &Value) -> Option<Value> {
        self.last_id += 1;
        let mut request = json!({"id": self.last_id, "method": method, "params": parameters});
        if !self.session.is_null() {
            request["sessionId"] = self.session.clone();
        }
        write!(self.requests, "{request}\0").ok()?;
        loop {
            let message = self.answers.recv_timeout(PATIENCE).ok()?;
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return Some(message["result"].clone());
            }
            self.told.push(message);
        }
    }

    /// Opens a file, and waits until it is loaded.
    pub fn open(&mut self, file: &Path) {
        self.told.clear();
        let url = format!("file://{}", file.display());
        self.ask("Page.navigate", &json!({"url": url}));
        while !self
            .told
            .iter()
            .any(|told| told["method"] == "Page.loadEventFired")
        {
            let message = self.answers.recv_timeout(PATIENCE);
            self.told.push(message.expect("the page is loaded"));
        }
    }

    /// The value of an expression in the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true});
        let result = self.ask("Runtime.evaluate", &parameters);
        assert!(
            result["exceptionDetails"].is_null(),
            "{expression}: {result}"
        );
        result["result"]["value"].clone()
    }

    /// What was told by one of those methods since the page was opened.
    fn told_by(&self, methods: &[&str]) -> Vec<&Value> {
        let is_by = |told: &&Value| methods.iter().any(|method| told["method"] == *method);
        self.told.iter().filter(is_by).collect()
    }

    /// What stands in the console: messages, exceptions, what the policy refused.
    pub fn console(&self) -> Vec<&Value> {
        self.told_by(&[
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
        ])
    }

    /// Where requests went.
    pub fn requests(&self) -> Vec<&str> {
        let sent = self.told_by(&["Network.requestWillBeSent"]).into_iter();
        sent.map(|told| told["params"]["request"]["url"].as_str().expect("a URL"))
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
