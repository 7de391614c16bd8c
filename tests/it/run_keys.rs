//! `run`: its messages name what is to be changed as it was set, by a key of the file or by a flag.

use std::fs::Permissions;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use crate::support::configured::Configured;
use crate::support::outcome::outcome;
use crate::support::place::finish;
use crate::support::program::wait_until;

/// A source that lacks credentials.
const UNUSABLE: &str = "\
state_dir = \"FOLDER/state\"
[output]
file = \"FOLDER/{source}.ndjson\"
[[source]]
name = \"org\"
type = \"fetch\"
org_id = \"abc\"
";

/// What `run` says with more flags.
fn run(text: &str, flags: &[&str]) -> String {
    let configured = Configured::new(text);
    let mut command = configured.command(&["run"]);
    command.args(flags).env_remove("CONFLUENCE_ORG_API_KEY");
    outcome(&finish(command))
}

#[test]
fn a_source_without_credentials_names_keys() {
    insta::assert_snapshot!(run(UNUSABLE, &[]));
}

#[test]
fn what_was_given_by_a_flag_is_named_as_a_flag() {
    let tail = "state_dir = \"FOLDER/state\"\n[[source]]\nname = \"wiki\"\ntype = \"tail\"\n";
    let cluster = ["--elasticsearch-url", "http://127.0.0.1:9"];
    insta::assert_snapshot!(run(tail, &[&cluster[..], &["--es-user", "u"]].concat()));
}

#[test]
fn the_log_in_json_and_the_status_name_keys_too() {
    let configured = Configured::new(&format!("log_format = \"json\"\n{UNUSABLE}"));
    let output = configured.outcome(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    let of_source = said.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        (line["source"] == "org").then(|| line["message"].as_str().map(str::to_owned))?
    });
    let told: Vec<String> = of_source.collect();
    assert!(
        told.iter()
            .any(|line| line.contains("or set `org_api_key_file`")),
        "{said}"
    );
    let state = configured.path("state").display().to_string();
    let status = finish(crate::support::binary::command([
        "status",
        "--state-dir",
        &state,
    ]));
    let shown = String::from_utf8_lossy(&status.stdout);
    assert!(shown.contains("or set `org_api_key_file`"), "{shown}");
}

/// What a server answers that refuses every request with a text about a flag of its own; its port.
fn refusing() -> u16 {
    const BODY: &str = "{\"message\":\"see --since of this gateway\"}";
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let answer = |stream: TcpStream| -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line)? > 0 && line.trim() != "" {
            line.clear();
        }
        let length = BODY.len();
        let head = "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nConnection: close";
        write!(
            stream.get_mut(),
            "{head}\r\nContent-Length: {length}\r\n\r\n{BODY}"
        )
    };
    thread::spawn(move || listener.incoming().flatten().try_for_each(answer));
    port
}

#[test]
fn what_a_server_says_and_the_names_of_files_are_quoted_as_they_are() {
    let port = refusing();
    let configured = Configured::new(&format!(
        "state_dir = \"FOLDER/state\"\n[output]\nfile = \"FOLDER/{{source}}.ndjson\"\n\
         [[source]]\nname = \"wiki\"\ntype = \"fetch\"\nurl = \"http://127.0.0.1:{port}\"\n\
         deployment = \"data-center\"\npat_file = \"FOLDER/token\"\n\
         [[source]]\nname = \"org\"\ntype = \"fetch\"\norg_id = \"abc\"\norg_api_key_file = \"FOLDER/my --url key\"\n"
    ));
    let token = configured.file("token", "secret");
    std::fs::set_permissions(token, Permissions::from_mode(0o600)).expect("private");
    let running = configured.start(&[]);
    for (quoted, own) in [
        (
            "(see --since of this gateway)",
            "`url` must be Confluence's base URL",
        ),
        ("/my --url key", "org_api_key_file"),
    ] {
        wait_until(quoted, || configured.logged(quoted) > 0);
        assert!(configured.logged(own) > 0, "{}", configured.place.said());
    }
    running.terminate();
}
