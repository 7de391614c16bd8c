//! Elasticsearch with security and TLS: users with few rights, wrong passwords, certificates, and requests
//! that it does not take. One node for all of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::Value;

use super::node::{Elasticsearch9, Node};
use super::support::binary::{self, wait_until};
use super::world::{World, install_template};

const PASSWORD: &str = "correct-horse-battery";
const ADMIN: &str = "admin";
const WRITER: &str = "writer";
const FULL: &str = "full";

/// Larger requests are answered with 413, and what is larger than the other with 429.
const SETTINGS: [&str; 6] = [
    "xpack.security.enabled=true",
    "xpack.security.http.ssl.enabled=true",
    "xpack.security.http.ssl.key=certs/node.key",
    "xpack.security.http.ssl.certificate=certs/node.crt",
    "http.max_content_length=2mb",
    "indexing_pressure.memory.limit=1mb",
];

/// What the writer may do on such data streams; and the role of docs/elasticsearch.md, "Credentials and rights".
fn roles(streams: &str) -> String {
    format!(
        "writer:\n  indices:\n    - names: ['{streams}']\n      privileges: [auto_configure, create_doc]\n\
         full:\n  indices:\n    - names: ['logs-atlassian_confluence.audit-*']\n      privileges: \
         [auto_configure, create_doc, read, view_index_metadata]\n"
    )
}

struct Secure {
    node: Node,
    folder: tempfile::TempDir,
}

impl Secure {
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut node = Node::prepare(Elasticsearch9, &SETTINGS)?;
        certificates(folder.path());
        let certs = node.path("config/certs");
        fs::create_dir(&certs).expect("created");
        for name in ["node.key", "node.crt"] {
            fs::copy(folder.path().join(name), certs.join(name)).expect("copied");
        }
        fs::write(
            node.path("config/roles.yml"),
            roles("logs-atlassian_confluence.audit-*"),
        )
        .expect("written");
        for (user, role) in [(ADMIN, "superuser"), (WRITER, "writer"), (FULL, "full")] {
            let arguments = ["useradd", user, "-p", PASSWORD, "-r", role];
            node.tool("elasticsearch-users", &arguments);
        }
        for (name, password) in [("password", PASSWORD), ("wrong", "wrong-password")] {
            let path = folder.path().join(name);
            fs::write(&path, password).expect("written");
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
        }
        node.log_in(ADMIN, PASSWORD);
        node.restart();
        Some(Self { node, folder })
    }

    fn file(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Flags of a user with a password in that file, trusting the certificates in another.
    fn flags(&self, user: &str, password: &str, authority: &str) -> Vec<String> {
        let flags = ["--es-user", user, "--es-password-file"];
        let mut flags: Vec<_> = flags.map(str::to_owned).into();
        flags.push(self.file(password));
        flags.push("--es-ca-file".to_owned());
        flags.push(self.file(authority));
        flags
    }

    fn world(&self, namespace: &str) -> World {
        self.world_of(WRITER, namespace)
    }

    fn world_of(&self, user: &str, namespace: &str) -> World {
        let flags = self.flags(user, "password", "ca.crt");
        World::new(namespace, self.node.url())
            .with(&flags.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A command of this program that asks the node.
    fn ask(&self, words: &[&str], flags: &[String]) -> Output {
        let mut command = binary::command(words);
        command.args(["--elasticsearch-url", &self.node.url()]);
        command.args(flags).env_remove("CONFLUENCE_ECS_ES_API_KEY");
        command.output().expect("run")
    }

    /// The steps of `check`, each with its status, and the exit code.
    fn check(&self, flags: &[String]) -> (Option<i32>, Vec<Value>) {
        let state = self.file("check-state");
        let output = self.ask(&["check", "--json", "--state-dir", &state], flags);
        let steps = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), steps)
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command
        .current_dir(folder)
        .args(arguments.split_whitespace());
    let output = command.output().expect("openssl");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments}: {said}");
}

/// An authority, a certificate of the node by it, shown with the authority's; and another authority.
fn certificates(folder: &Path) {
    for (name, subject) in [("ca", "/CN=Authority"), ("other", "/CN=Other")] {
        openssl(
            folder,
            &format!(
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj {subject} -keyout {name}.key -out {name}.crt"
            ),
        );
    }
    openssl(
        folder,
        "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout node.key -out node.csr",
    );
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").expect("written");
    openssl(
        folder,
        "x509 -req -in node.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out node.only",
    );
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("read");
    fs::write(folder.join("node.crt"), read("node.only") + &read("ca.crt")).expect("written");
}

fn fingerprint(folder: &Path) -> String {
    let mut command = Command::new("openssl");
    command.current_dir(folder);
    let output = command
        .args(["x509", "-in", "ca.crt", "-noout", "-sha256", "-fingerprint"])
        .output()
        .expect("openssl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, hex) = text.trim().split_once('=').expect("a fingerprint");
    hex.to_owned()
}

fn warnings(said: &str) -> Vec<&str> {
    let is_one = |line: &&str| line.contains("WARN") || line.contains("ERROR");
    said.lines().filter(is_one).collect()
}

/// A writer that may not look up anything is told once what that means.
fn few_rights_are_enough(secure: &Secure) {
    let mut world = secure.world("few");
    world.append(500);
    let said = binary::stderr(&world.once());
    world.all_arrive(&secure.node);
    let warnings = warnings(&said);
    assert_eq!(warnings.len(), 1, "{said}");
    assert!(warnings[0].contains("view_index_metadata"), "{said}");
}

/// The role of the documentation has nothing to be told.
fn all_rights_are_quiet(secure: &Secure) {
    let mut world = secure.world_of(FULL, "full");
    world.append(100);
    let said = binary::stderr(&world.once());
    world.all_arrive(&secure.node);
    assert!(warnings(&said).is_empty(), "{said}");
}

fn certificates_are_checked(secure: &Secure) {
    let hex = fingerprint(secure.folder.path());
    let user = |trust: [&str; 2]| {
        let mut flags = secure.flags(WRITER, "password", "ca.crt");
        flags.truncate(4);
        flags.extend(trust.map(str::to_owned));
        flags
    };
    let (code, steps) = secure.check(&user(["--es-ca-fingerprint", &hex]));
    assert_eq!(code, Some(0), "{steps:#?}");
    let wrong = hex.replace(&hex[..2], "00");
    let other = secure.file("other.crt");
    for trust in [["--es-ca-file", &other], ["--es-ca-fingerprint", &wrong]] {
        let (code, steps) = secure.check(&user(trust));
        assert_eq!(code, Some(1));
        let step = step(&steps, "cluster");
        assert_eq!(step["status"], "fail", "{step}");
        assert!(step.to_string().contains("TLS"), "{step}");
    }
}

fn step<'a>(steps: &'a [Value], name: &str) -> &'a Value {
    let found = steps.iter().find(|step| step["step"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {steps:#?}"))
}

fn check_names_each_right(secure: &Secure) {
    let status = |user: &str, password: &str, more: &[&str]| {
        let mut flags = secure.flags(user, password, "ca.crt");
        flags.extend(more.iter().map(|&flag| flag.to_owned()));
        let (code, steps) = secure.check(&flags);
        let rights: Vec<_> = steps
            .iter()
            .filter(|step| step["step"] == "cluster-right")
            .map(|step| {
                let right = step["detail"].as_str().expect("text");
                let right = right.split(' ').next().unwrap_or_default();
                format!("{} {right}", step["status"].as_str().expect("text"))
            })
            .collect();
        (code, step(&steps, "cluster-login").clone(), rights)
    };
    let (code, login, rights) = status(WRITER, "password", &[]);
    assert_eq!(code, Some(0));
    assert_eq!(login["detail"], "accepted: writer");
    assert_eq!(
        rights,
        [
            "ok create_doc",
            "ok auto_configure",
            "warn view_index_metadata",
            "warn read",
            "warn manage_index_templates"
        ]
    );
    let (code, _, rights) = status(WRITER, "password", &["--index", "elsewhere"]);
    assert_eq!(code, Some(1));
    assert_eq!(rights[..2], ["fail create_doc", "fail auto_configure"]);
    let (code, _, rights) = status(ADMIN, "password", &[]);
    assert_eq!(code, Some(0));
    assert!(
        rights.iter().all(|right| right.starts_with("ok ")),
        "{rights:?}"
    );
    let (code, login, _) = status(WRITER, "wrong", &[]);
    assert_eq!((code, &login["status"]), (Some(1), &"fail".into()));
}

fn install_says_what_is_missing(secure: &Secure) {
    let install = |user: &str| {
        let flags = secure.flags(user, "password", "ca.crt");
        let output = secure.ask(&["schema", "index-template", "--install"], &flags);
        assert_eq!(output.status.code(), Some(1));
        binary::stderr(&output)
    };
    let said = install(WRITER);
    assert!(said.contains("manage_index_templates"), "{said}");
    // The small builds lack it; the full ones do not.
    let said = install(ADMIN);
    assert!(said.contains("match_only_text"), "{said}");
}

fn a_password_can_be_mended(secure: &Secure) {
    let tool = |password| {
        let arguments = ["passwd", WRITER, "-p", password];
        secure.node.tool("elasticsearch-users", &arguments);
    };
    tool("another-password");
    let refused = || secure.check(&secure.flags(WRITER, "password", "ca.crt")).0 == Some(1);
    wait_until("the node reads its users", refused);
    let mut world = secure.world("mended");
    world.append(50);
    world.start();
    wait_until("it is said", || {
        world.said().contains("refuses the credentials")
    });
    world.append(50);
    tool(PASSWORD);
    world.all_arrive(&secure.node);
    world.end(Signal::TERM);
}

fn a_right_can_be_granted(secure: &Secure) {
    let mut world = secure.world("granted").with(&["--index", "elsewhere"]);
    world.append(50);
    world.start();
    wait_until("it is said", || {
        world.said().contains("the cluster takes no events")
    });
    assert!(world.said().contains("create_doc"), "{}", world.said());
    fs::write(secure.node.path("config/roles.yml"), roles("*")).expect("written");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(120);
    loop {
        let found = secure.node.get("elsewhere/_count").1["count"].as_u64();
        if found == Some(50) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{}", world.said());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    world.end(Signal::TERM);
    assert!(!world.path("state/dead-letter.ndjson").exists());
}

/// Bodies of 5 MiB are refused for their size, those of 1 MiB for their weight.
fn requests_get_smaller(secure: &Secure) {
    let mut world = secure.world("large");
    world.append(20_000);
    let said = binary::stderr(&world.once());
    assert!(said.contains("(413)"), "{said}");
    assert_eq!(world.all_arrive(&secure.node).len(), 0);
    assert!(!world.path("state/dead-letter.ndjson").exists());
}

#[test]
fn elasticsearch_with_security_takes_events_or_says_why_not() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("left out: openssl is missing");
        return;
    }
    let Some(secure) = Secure::start() else {
        return;
    };
    check_names_each_right(&secure);
    install_says_what_is_missing(&secure);
    install_template(&secure.node);
    few_rights_are_enough(&secure);
    all_rights_are_quiet(&secure);
    certificates_are_checked(&secure);
    requests_get_smaller(&secure);
    a_password_can_be_mended(&secure);
    a_right_can_be_granted(&secure);
}
