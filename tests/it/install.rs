//! `schema index-template --install`, and `check` of a cluster, against answers that are made up: real nodes
//! are asked in `tests/cluster`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

use crate::support::program::run;

/// A cluster that answers each request as said, whatever comes before; what is `PUT` is kept by nobody.
struct Canned {
    url: String,
}

type Answers = fn(method: &str, path: &str) -> (u16, Value);

impl Canned {
    fn new(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || answer_all(stream, answers));
            }
        });
        Self { url }
    }

    fn run(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let arguments = [words, &["--elasticsearch-url", &self.url]].concat();
        let output = run(&arguments, b"");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&self.url, "URL");
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        (output.status.code(), out, err)
    }
}

/// Answers on a connection until the other side closes it.
fn answer_all(stream: TcpStream, answers: Answers) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            if first.is_empty() {
                first = line;
            } else if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or_default();
            } else if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let mut words = first.split(' ');
        let (method, path) = (words.next(), words.next());
        let (status, body) = answers(method.unwrap_or_default(), path.unwrap_or_default());
        let body = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status} -\r\nX-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// An Elasticsearch whose template has another version.
fn with_old_template(method: &str, path: &str) -> (u16, Value) {
    match (method, path) {
        ("GET", "/") => (200, json!({"version": {"number": "9.5.0"}})),
        ("PUT", "/_index_template/logs-atlassian_confluence.audit") => {
            (200, json!({"acknowledged": true}))
        }
        ("GET", path) if path.starts_with("/_index_template/") => (
            200,
            json!({"index_templates": [{"index_template": {"version": 0}}]}),
        ),
        ("GET", path) if path.starts_with("/_resolve/index/") => (
            200,
            json!({"indices": [], "aliases": [], "data_streams": [
                {"name": "logs-atlassian_confluence.audit-default", "backing_indices": ".ds-1"},
            ]}),
        ),
        _ => (404, json!({"error": "no handler found", "status": 404})),
    }
}

/// One that lets nobody do anything.
fn without_rights(_: &str, path: &str) -> (u16, Value) {
    if path == "/" {
        return (200, json!({"version": {"number": "8.19.7"}}));
    }
    let error =
        json!({"type": "security_exception", "reason": "action is unauthorized for user [u]"});
    (403, json!({"error": error, "status": 403}))
}

fn of_another_version(_: &str, _: &str) -> (u16, Value) {
    (200, json!({"version": {"number": "7.17.0"}}))
}

const INSTALL: [&str; 3] = ["schema", "index-template", "--install"];

#[test]
fn what_was_installed_and_replaced_is_said_in_one_line() {
    let (code, out, err) = Canned::new(with_old_template).run(&INSTALL);
    assert_eq!(code, Some(0), "{err}");
    insta::assert_snapshot!(format!("{out}{err}"));
}

#[test]
fn a_missing_right_is_named() {
    let (code, out, err) = Canned::new(without_rights).run(&INSTALL);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    insta::assert_snapshot!(err);
}

#[test]
fn an_old_product_gets_no_template() {
    let (code, _, err) = Canned::new(of_another_version).run(&INSTALL);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(err);
}

#[test]
fn nothing_is_installed_without_a_cluster() {
    let output = run(INSTALL, b"");
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_template_of_the_product_that_answers_is_printed() {
    let (code, out, err) = Canned::new(with_old_template).run(&INSTALL[..2]);
    assert_eq!(code, Some(0), "{err}");
    let template: Value = serde_json::from_str(&out).expect("JSON");
    let properties = &template["template"]["mappings"]["properties"];
    assert_eq!(
        properties["related"]["properties"]["user"]["type"],
        "keyword"
    );
    assert!(out.contains("\"flattened\"") && !out.contains("flat_object"));
}

#[test]
fn a_template_can_be_for_other_names() {
    let output = run(
        [
            "schema",
            "index-template",
            "--for",
            "opensearch",
            "--index",
            "audit-*",
        ],
        b"",
    );
    let template: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(template["index_patterns"], json!(["audit-*"]));
    assert!(template["version"].is_u64());
    let output = run(["schema", "index-template", "--index", "*"], b"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn check_looks_at_a_cluster_alone() {
    let state = tempfile::tempdir().expect("a folder");
    let state = state.path().to_str().expect("UTF-8");
    let check = |answers, more: &[&str]| {
        let words = [&["check", "--state-dir", state], more].concat();
        let (code, out, err) = Canned::new(answers).run(&words);
        format!(
            "exit code: {}\n{}{err}",
            code.expect("one"),
            out.replace(state, "STATE")
        )
    };
    insta::assert_snapshot!(check(with_old_template, &["--pipeline", "mine"]));
    insta::assert_snapshot!(check(
        without_rights,
        &["--dead-letter", "/missing/dead.ndjson"]
    ));
    insta::assert_snapshot!(check(of_another_version, &[]));
}

#[test]
fn a_user_needs_a_password_to_be_checked() {
    let state = tempfile::tempdir().expect("a folder");
    let state = state.path().to_str().expect("UTF-8");
    let words = ["check", "--state-dir", state, "--es-user", "u", "--json"];
    let (code, out, _) = Canned::new(with_old_template).run(&words);
    assert_eq!(code, Some(1));
    let steps: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (&steps[0]["step"], &steps[0]["status"]),
        (&json!("cluster"), &json!("fail"))
    );
    assert!(
        steps[0]["detail"]
            .as_str()
            .is_some_and(|text| text.contains("--es-password-file"))
    );
}
