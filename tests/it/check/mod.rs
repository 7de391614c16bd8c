//! `confluence-ecs check` through the binary, against the stand-in for Atlassian's servers (docs/check.md).

mod machine;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::atlassian::{
    Atlassian, Fault, Permission, Record, Settings, Wait, cloud_record, data_center_record,
};
use crate::support::fetching::{Fetching, Way, said};
use crate::support::outcome::filtered;
use crate::support::program::{command, run_command};
use serde_json::Value;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn ago(millis: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_millis()).expect("in range") - millis
}

/// A stand-in asked in that way, with records of the last day.
fn healthy(way: Way) -> Fetching {
    let is_cloud = matches!(way, Way::Site | Way::Gateway | Way::Grant);
    let server = if is_cloud {
        Atlassian::cloud()
    } else {
        Atlassian::data_center("/confluence")
    };
    let record: fn(i64, u64) -> Record = if is_cloud {
        cloud_record
    } else {
        data_center_record
    };
    server.insert_all((0..20).map(|number| record(ago(DAY - number * 60 * MINUTE), 1)));
    Fetching::of(server, way)
}

fn with(way: Way, change: impl FnOnce(&mut Settings)) -> Fetching {
    let fetching = healthy(way);
    fetching.server.set(change);
    fetching
}

/// What the doctor found.
struct Found {
    code: Option<i32>,
    steps: Vec<Value>,
    all: String,
}

impl Found {
    fn of(mut command: Command) -> Self {
        command.arg("--json");
        let output = run_command(command, b"");
        let stdout = String::from_utf8(output.stdout.clone()).expect("UTF-8");
        let all = format!("{stdout}\n{}", said(&output));
        let steps = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {all}"));
        Self {
            code: output.status.code(),
            steps,
            all,
        }
    }

    fn step(&self, name: &str) -> &Value {
        let found = self.steps.iter().find(|step| step["step"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.all))
    }

    fn text(&self, name: &str, key: &str) -> &str {
        self.step(name)[key].as_str().unwrap_or_default()
    }

    fn names(&self, status: &str) -> Vec<&str> {
        let found = self.steps.iter().filter(|step| step["status"] == status);
        found.filter_map(|step| step["step"].as_str()).collect()
    }

    /// That step fails, as the only one; what it says has all the words.
    fn fails(&self, name: &str, words: &[&str]) {
        assert_eq!(self.names("fail"), [name], "{}", self.all);
        assert_eq!(self.code, Some(1), "{}", self.all);
        self.says(name, words);
    }

    /// That step warns, as the only one, and nothing fails.
    fn warns(&self, name: &str, words: &[&str]) {
        assert_eq!(self.names("warn"), [name], "{}", self.all);
        assert_eq!(self.code, Some(0), "{}", self.all);
        self.says(name, words);
    }

    /// That step fails, as the only one; for a snapshot, the exit code, all steps, and what that one says.
    fn failure(&self, name: &str) -> String {
        self.fails(name, &[]);
        self.told(name)
    }

    /// That step warns, as the only one, and nothing fails; the same for a snapshot.
    fn warning(&self, name: &str) -> String {
        self.warns(name, &[]);
        self.told(name)
    }

    fn told(&self, name: &str) -> String {
        let mut told = format!("exit code: {}\n", self.code.expect("an exit code"));
        for step in &self.steps {
            let text = |key: &str| step[key].as_str().expect("text");
            writeln!(told, "{} {}", text("status"), text("step")).expect("written");
            let rest = step.as_object().expect("an object").keys();
            for key in
                rest.filter(|key| text("step") == name && !["status", "step"].contains(&&***key))
            {
                writeln!(told, "  {key}: {}", text(key)).expect("written");
            }
        }
        filtered(&told)
    }

    fn says(&self, name: &str, words: &[&str]) {
        let text = self.step(name).to_string();
        for word in words {
            assert!(text.contains(word), "no {word:?} in {text}");
        }
    }

    /// Nothing to be seen to.
    fn is_well(&self) {
        assert!(self.names("fail").is_empty(), "{}", self.all);
        assert!(self.names("warn").is_empty(), "{}", self.all);
        assert_eq!(self.code, Some(0), "{}", self.all);
    }
}

/// Checks, and looks for secrets in what is said.
fn check(fetching: &Fetching, flags: &[&str]) -> Found {
    checked(fetching, fetching.command("check", flags))
}

fn checked(fetching: &Fetching, command: Command) -> Found {
    let found = Found::of(command);
    for secret in fetching.server.secrets() {
        assert!(!found.all.contains(&secret), "a secret in {}", found.all);
    }
    found
}

/// Steps for people, with what differs from run to run put aside.
fn snapshot(name: &str, fetching: &Fetching, command: Command) {
    let output = run_command(command, b"");
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let code = output.status.code().expect("an exit code");
    let state = fetching.state().display().to_string();
    let folder = Path::new(&state).parent().expect("a folder");
    insta::with_settings!({
        prepend_module_to_snapshot => false,
        omit_expression => true,
        filters => vec![
            (regex::escape(folder.to_str().expect("UTF-8")).as_str(), "[FOLDER]"),
            (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "[TIME]"),
            // The server's clock has whole seconds, and the machine may be busy.
            (r"this machine's clock is \d s ahead of the server's", "none"),
            (r"\d+ (s|minutes|hours|days) ago", "[AGE] ago"),
        ],
    }, {
        insta::assert_snapshot!(name, format!("{text}exit {code}\n{}", said(&output)));
    });
}

#[test]
fn a_healthy_site_is_told_line_by_line() {
    let cloud = healthy(Way::Site);
    snapshot("check-cloud", &cloud, cloud.command("check", &[]));
    let own = healthy(Way::Pat);
    snapshot("check-data-center", &own, own.command("check", &[]));
}

#[test]
fn accepted_but_blind_is_told_for_people_and_programs() {
    let fetching = with(Way::Site, |settings| {
        settings.permission = Permission::Blind;
    });
    snapshot("check-blind", &fetching, fetching.command("check", &[]));
    let json = fetching.command("check", &["--json"]);
    snapshot("check-blind-json", &fetching, json);
}

#[test]
fn every_way_of_asking_is_checked() {
    for way in [Way::Site, Way::Gateway, Way::Pat, Way::Password] {
        let fetching = healthy(way);
        let found = check(&fetching, &[]);
        found.is_well();
        assert_eq!(fetching.server.pages(), 1, "one question: {way:?}");
        assert!(!fetching.state().exists(), "nothing is made");
    }
}

#[test]
fn credentials_that_are_accepted_and_get_nothing_fail() {
    for way in [Way::Site, Way::Gateway, Way::Pat, Way::Password] {
        let fetching = with(way, |settings| settings.permission = Permission::Blind);
        let found = check(&fetching, &[]);
        insta::assert_snapshot!(found.failure("permission"));
        assert_eq!(found.text("credentials", "status"), "ok");
        assert_eq!(found.text("newest-record", "status"), "skip");
        let fetching = with(way, |settings| settings.permission = Permission::Forbidden);
        let found = check(&fetching, &[]);
        insta::assert_snapshot!(found.failure("permission"));
        assert_eq!(found.text("credentials", "status"), "ok");
        assert_eq!(found.text("retention", "status"), "skip");
    }
    let fetching = with(Way::Site, |settings| {
        settings.permission = Permission::Blind;
    });
    check(&fetching, &[]).says("permission", &["App admin", "User access admin", "active"]);
}

#[test]
fn credentials_that_are_refused_fail() {
    for way in [Way::Site, Way::Gateway, Way::Pat, Way::Password] {
        let fetching = healthy(way);
        let mut command = fetching.command("check", &[]);
        command.env_remove("CONFLUENCE_PAT");
        command.env_remove("CONFLUENCE_API_TOKEN");
        let variable = if way == Way::Pat {
            "CONFLUENCE_PAT"
        } else {
            "CONFLUENCE_API_TOKEN"
        };
        command.env(variable, "not-the-right-one");
        let found = checked(&fetching, command);
        insta::assert_snapshot!(found.failure("credentials"));
        assert!(!found.all.contains("not-the-right-one"));
        assert_eq!(found.text("permission", "status"), "skip");
        assert_eq!(found.text("clock-skew", "status"), "ok");
    }
}

#[test]
fn a_token_of_the_other_kind_is_told_where_it_works() {
    let fetching = healthy(Way::Site);
    let mut command = fetching.command("check", &[]);
    command.env(
        "CONFLUENCE_API_TOKEN",
        fetching.server.settings().scoped_token,
    );
    insta::assert_snapshot!(checked(&fetching, command).failure("credentials"));
}

#[test]
fn a_scope_that_is_missing_fails() {
    let scope = "read:page:confluence".to_owned();
    let fetching = with(Way::Gateway, |settings| settings.scoped_token_scope = scope);
    let found = check(&fetching, &[]);
    insta::assert_snapshot!(found.failure("scope"));
    assert_eq!(found.text("credentials", "status"), "ok");
}

#[test]
fn an_address_without_the_api_fails() {
    let fetching = healthy(Way::Pat);
    let paths = ["/rest/api/user/current", "/rest/auditing/1.0/events"];
    let mut tolerated: Vec<_> = paths.map(str::to_owned).to_vec();
    tolerated.push("/rest/api/audit".to_owned());
    fetching
        .server
        .set(|settings| settings.tolerated = tolerated);
    let url = fetching.server.url().replace("/confluence", "");
    insta::assert_snapshot!(check(&fetching, &["--url", &url]).failure("api"));
}

#[test]
fn a_login_page_is_no_acceptance() {
    let fetching = with(Way::Pat, |settings| settings.login_page = true);
    let mut command = fetching.command("check", &[]);
    command.env("CONFLUENCE_PAT", "wrong");
    insta::assert_snapshot!(checked(&fetching, command).failure("credentials"));
}

#[test]
fn an_old_server_is_found() {
    let server = Atlassian::old_server("/confluence");
    server.insert(cloud_record(ago(MINUTE), 1));
    let fetching = Fetching::of(server, Way::Password);
    let found = check(&fetching, &[]);
    found.is_well();
    found.says("api", &["old Server"]);
    found.says("retention", &["1 year"]);
}

#[test]
fn a_site_is_asked_for_its_cloud_id() {
    let fetching = healthy(Way::Gateway);
    let id = fetching.server.settings().cloud_id;
    let url = fetching.server.url();
    let mut command = fetching.command("check", &["--cloud-id", "auto", "--url", &url]);
    let found = checked(&fetching, command);
    found.is_well();
    found.says("cloud-id", &[&id, &url]);
    check(&fetching, &["--url", &url]).says("cloud-id", &["confirmed by"]);
    let other = "99999999-0000-0000-0000-000000000000".to_owned();
    fetching.server.set(|settings| {
        settings.tolerated = vec![format!("/ex/confluence/{other}/wiki/rest/api/audit")];
    });
    let found = check(&fetching, &["--cloud-id", &other, "--url", &url]);
    assert_eq!(found.text("cloud-id", "status"), "warn");
    insta::assert_snapshot!(found.failure("api"));
    // A site that does not tell.
    let own = healthy(Way::Pat);
    let gone = ["/_edge/tenant_info", "/oauth/token/accessible-resources"];
    let gone = gone.map(str::to_owned).to_vec();
    own.server.set(|settings| settings.tolerated = gone);
    command = own.command("check", &["--cloud-id", "auto", "--deployment", "cloud"]);
    command
        .args(["--email", "a@example.com"])
        .args(["--api-base", own.server.api_base()])
        .env("CONFLUENCE_API_TOKEN", "x");
    insta::assert_snapshot!(checked(&own, command).failure("cloud-id"));
}

#[test]
fn a_site_by_its_address_need_not_tell_its_cloud_id() {
    let fetching = with(Way::Site, |settings| settings.cloud_id = String::new());
    insta::assert_snapshot!(check(&fetching, &[]).warning("cloud-id"));
}

/// `check` with the grant of a login.
fn by_grant(fetching: &Fetching, flags: &[&str]) -> Found {
    let mut command = fetching.command("check", &["--auth-base", fetching.server.auth_base()]);
    let secret = fetching.server.settings().client_secret;
    command.env("CONFLUENCE_OAUTH_CLIENT_SECRET", secret);
    command.args(flags);
    checked(fetching, command)
}

#[test]
fn the_grant_of_a_login_is_checked() {
    let fetching = healthy(Way::Grant);
    insta::assert_snapshot!(by_grant(&fetching, &[]).failure("configuration"));
    fetching.login();
    let found = by_grant(&fetching, &[]);
    found.is_well();
    found.says("scope", &["read:audit-log:confluence"]);
    found.says("cloud-id", &[&fetching.server.settings().cloud_id]);
    let url = "https://other.atlassian.net";
    insta::assert_snapshot!(by_grant(&fetching, &["--url", url]).failure("cloud-id"));
    let blind = |settings: &mut Settings| settings.permission = Permission::Blind;
    fetching.server.set(blind);
    insta::assert_snapshot!(by_grant(&fetching, &[]).failure("permission"));
    fetching.server.revoke_grant();
    insta::assert_snapshot!(by_grant(&fetching, &[]).failure("credentials"));
    let store = fetching.state().join("oauth.json");
    fs::write(store, "{").expect("written");
    insta::assert_snapshot!(by_grant(&fetching, &[]).failure("credentials"));
}

#[test]
fn a_grant_without_the_scope_fails() {
    let fetching = healthy(Way::Grant);
    let scope = "read:me offline_access".to_owned();
    fetching
        .server
        .set(|settings| settings.granted_scope = scope);
    fetching.login();
    let id = fetching.server.settings().cloud_id;
    let found = by_grant(&fetching, &["--cloud-id", &id]);
    insta::assert_snapshot!(found.failure("scope"));
}

#[test]
fn clocks_that_differ_are_told() {
    for (skew, word) in [(-120, "ahead of"), (120, "behind")] {
        let fetching = healthy(Way::Site);
        fetching.server.skew(skew);
        check(&fetching, &[]).warns("clock-skew", &[word, "NTP"]);
    }
    let fetching = healthy(Way::Site);
    fetching.server.skew(5);
    check(&fetching, &[]).is_well();
}

#[test]
fn a_clock_that_is_years_off_hides_no_records() {
    let years = 10 * 365 * DAY;
    let server = Atlassian::cloud();
    server.skew(-years / 1000);
    server.insert(cloud_record(ago(years + MINUTE), 1));
    let fetching = Fetching::of(server, Way::Site);
    check(&fetching, &[]).warns("clock-skew", &["3650 days"]);
}

#[test]
fn nothing_since_is_well_but_nothing_for_weeks_is_not() {
    let fetching = healthy(Way::Site);
    let found = check(&fetching, &["--since", "1h"]);
    found.is_well();
    found.says("newest-record", &["nothing since --since"]);
    let found = check(&fetching, &["--since", "now"]);
    assert!(!found.all.contains("nothing since"), "{}", found.all);
    let server = Atlassian::cloud();
    server.insert(cloud_record(ago(40 * DAY), 1));
    let fetching = Fetching::of(server, Way::Site);
    check(&fetching, &[]).warns("newest-record", &["40 days"]);
}

#[test]
fn a_search_is_left_out_of_the_question() {
    let fetching = healthy(Way::Site);
    let found = check(&fetching, &["--search", "no such text"]);
    found.is_well();
    found.says("newest-record", &["--search is not applied"]);
}

#[test]
fn more_than_is_kept_is_asked_for() {
    let fetching = healthy(Way::Site);
    let found = check(&fetching, &["--since", "2020-01-01"]);
    insta::assert_snapshot!(found.warning("retention"));
}

#[test]
fn nobody_there_is_told_with_the_rest_skipped() {
    let mut fetching = healthy(Way::Site);
    fetching.server.go_down();
    let found = check(&fetching, &[]);
    insta::assert_snapshot!(found.failure("connection"));
    assert_eq!(found.text("permission", "detail"), "connection failed");
    assert_eq!(found.text("state-dir", "status"), "ok");
}

#[test]
fn a_name_that_means_nothing_fails() {
    let fetching = healthy(Way::Pat);
    let found = check(&fetching, &["--url", "http://no-such-host.invalid/"]);
    found.fails("name-resolves", &["no-such-host.invalid"]);
    let through = [
        "--url",
        "http://no-such-host.invalid",
        "--proxy",
        "http://127.0.0.1:1",
    ];
    let found = check(&fetching, &through);
    assert_eq!(found.text("name-resolves", "status"), "skip");
    found.fails("connection", &["--proxy"]);
}

#[test]
fn no_tls_where_tls_is_asked_for_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let fetching = healthy(Way::Pat);
    let url = format!("https://127.0.0.1:{port}");
    insta::assert_snapshot!(check(&fetching, &["--url", &url]).failure("connection"));
}

#[test]
fn the_doctor_does_not_wait_for_long() {
    let fetching = healthy(Way::Site);
    fetching.server.next(Fault::Wait(429, Wait::Seconds(600)));
    insta::assert_snapshot!(check(&fetching, &[]).failure("api"));
    let fetching = healthy(Way::Site);
    for _ in 0..3 {
        fetching.server.next(Fault::Status(502));
    }
    insta::assert_snapshot!(check(&fetching, &[]).failure("api"));
    let fetching = healthy(Way::Site);
    fetching.server.next(Fault::Close);
    check(&fetching, &[]).is_well();
}

#[test]
fn a_redirect_elsewhere_is_not_followed() {
    let fetching = healthy(Way::Site);
    fetching.server.next(Fault::RedirectForeign);
    insta::assert_snapshot!(check(&fetching, &[]).failure("api"));
}

#[test]
fn wrong_usage_exits_with_2() {
    let output = run_command(command(["check", "--page-size", "0"]), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}
