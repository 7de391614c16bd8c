//! What packages install (`packaging/`): units of systemd, the configuration, the rotation of outputs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::Value;

use crate::support::program::{command, project, run, run_command, stderr};

/// The units, and what an instance of a template is called here.
const UNITS: [(&str, &str); 3] = [
    ("confluence-ecs.service", "confluence-ecs.service"),
    (
        "confluence-ecs-fetch@.service",
        "confluence-ecs-fetch@acme.service",
    ),
    (
        "confluence-ecs-fetch@.timer",
        "confluence-ecs-fetch@acme.timer",
    ),
];

fn packaged(name: &str) -> String {
    let path = project("packaging").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn unit(name: &str) -> String {
    packaged(&format!("systemd/{name}"))
}

fn value<'a>(unit: &'a str, key: &str) -> &'a str {
    let mut values = unit
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    values.next().unwrap_or_else(|| panic!("no {key}"))
}

/// Writes the units as systemd would find them, with this build in place of the installed program.
fn install(folder: &Path) {
    for (name, instance) in UNITS {
        let text = unit(name).replace(
            "/usr/bin/confluence-ecs",
            env!("CARGO_BIN_EXE_confluence-ecs"),
        );
        for name in [name, instance] {
            fs::write(folder.join(name), &text).expect("written");
        }
    }
}

/// `systemd-analyze` over units; none where it is missing.
fn analyze(arguments: &[&str], units: impl IntoIterator<Item = &'static str>) -> Option<String> {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("left out: systemd-analyze is missing");
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    install(folder.path());
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .args(units.into_iter().map(|unit| folder.path().join(unit)))
        // Those beside it, then the system's.
        .env("SYSTEMD_UNIT_PATH", format!("{}:", folder.path().display()))
        .output()
        .expect("it starts");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(output.status.success(), "{told}");
    Some(told)
}

#[test]
fn systemd_has_nothing_to_say_against_the_units() {
    let told = analyze(&["verify", "--man=no"], UNITS.map(|(_, instance)| instance));
    assert_eq!(told.unwrap_or_default(), "");
}

#[test]
fn the_services_are_exposed_by_two_points_of_ten_at_most() {
    let services = ["confluence-ecs.service", "confluence-ecs-fetch@.service"];
    for service in services {
        // The threshold is of a hundred.
        let arguments = ["security", "--offline=true", "--threshold=20"];
        if let Some(told) = analyze(&arguments, [service]) {
            assert!(told.contains("Overall exposure level"), "{told}");
        }
    }
}

#[test]
fn both_services_are_confined_alike() {
    let confinement = |name: &str| {
        let unit = unit(name);
        let (_, behind) = unit.split_once("NoNewPrivileges=").expect("confinement");
        let settings = behind.split("\n[").next().unwrap_or_default().lines();
        settings
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        confinement("confluence-ecs.service"),
        confinement("confluence-ecs-fetch@.service")
    );
}

#[test]
fn events_are_kept_from_others_and_rotated() {
    let rotated = packaged("logrotate.conf");
    for name in ["confluence-ecs.service", "confluence-ecs-fetch@.service"] {
        let unit = unit(name);
        assert_eq!(value(&unit, "UMask"), "0027");
        assert_eq!(value(&unit, "LogsDirectoryMode"), "0750");
        let directory = format!("/var/log/{}/", value(&unit, "LogsDirectory"));
        assert!(rotated.contains(&format!("\n{directory}*.ndjson ")));
    }
}

#[test]
fn a_configuration_without_a_source_ends_the_service_for_good() {
    let unit = unit("confluence-ecs.service");
    assert_eq!(value(&unit, "RestartPreventExitStatus"), "2");
    let output = run(["run", "--config", "packaging/config.toml"], b"");
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(stderr(&output));
}

/// The last argument ends a command before anything is done, but behind what was read until then.
const WRONG: &str = "--threads=none";

#[test]
fn every_key_of_the_packaged_configuration_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let is_setting = |line: &&str| line.starts_with("[[") || line.contains(" = ");
    let lines = packaged("config.toml").replace("\n# ", "\n");
    let settings: String = lines
        .lines()
        .filter(|line| is_setting(line) || line.starts_with('['))
        .fold(String::new(), |all, line| all + line + "\n");
    assert_eq!(settings.matches("[[source]]").count(), 4, "{settings}");
    let path = folder.path().join("config.toml");
    fs::write(&path, settings).expect("written");
    let path = path.to_str().expect("UTF-8");
    let output = run(["run", "--config", path, WRONG], b"");
    let told = stderr(&output);
    assert!(told.contains("--threads") && !told.contains(path), "{told}");
}

#[test]
fn the_options_of_the_timers_example_are_understood() {
    let example = packaged("fetch.env");
    let options = value(&example, "OPTIONS").trim_matches('"');
    let words = ["fetch"].into_iter().chain(options.split(' '));
    let output = run_command(command(words.chain([WRONG])), b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--threads"), "{}", stderr(&output));
}

/// Where a package installs each file of the project, by its metadata.
fn installed(assets: &Value, source: &str, dest: &str) -> BTreeMap<PathBuf, PathBuf> {
    let at = |asset: &Value, name: &str, index: usize| -> String {
        let text = asset.get(name).or_else(|| asset.get(index));
        text.and_then(Value::as_str).expect("text").to_owned()
    };
    let mut files = BTreeMap::new();
    for asset in assets.as_array().expect("assets") {
        let (from, to) = (at(asset, source, 0), at(asset, dest, 1));
        let is_folder = to.ends_with('/');
        let to = Path::new("/").join(to.trim_start_matches('/'));
        let pattern = project(&from);
        for file in glob::glob(pattern.to_str().expect("UTF-8")).expect("a pattern") {
            let file = file.expect("readable");
            let to = if is_folder {
                to.join(file.file_name().expect("a name"))
            } else {
                to.clone()
            };
            files.insert(file, to);
        }
    }
    files
}

/// The links of installed documents that lead to nothing that is installed.
fn dead_links(files: &BTreeMap<PathBuf, PathBuf>) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)#:]+)(#[^)]*)?\)").expect("a pattern");
    // Those are for who has the source.
    let is_for_users = |file: &&PathBuf| {
        file.extension().is_some_and(|extension| extension == "md")
            && !file.ends_with("CONTRIBUTING.md")
            && !file.ends_with("benches/README.md")
    };
    let mut dead = Vec::new();
    for file in files.keys().filter(is_for_users) {
        let text = fs::read_to_string(file).expect("text");
        for found in link.captures_iter(&text) {
            let target = file.with_file_name(&found[1]);
            let target = target.canonicalize().unwrap_or(target);
            let from = files[file].parent().expect("a folder");
            let led_to = normal(&from.join(&found[1]));
            if files.get(&target) != Some(&led_to) {
                dead.push(format!("{}: {}", file.display(), &found[1]));
            }
        }
    }
    dead
}

/// A path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            normal.pop();
        } else {
            normal.push(part);
        }
    }
    normal
}

#[test]
fn what_installed_documents_link_to_is_installed_where_the_links_lead() {
    let arguments = [
        "metadata",
        "--offline",
        "--no-deps",
        "--format-version",
        "1",
    ];
    let output = Command::new(env!("CARGO")).args(arguments).output();
    let manifest: Value = serde_json::from_slice(&output.expect("run").stdout).expect("JSON");
    let metadata = &manifest["packages"][0]["metadata"];
    for package in ["deb", "generate-rpm"] {
        let files = installed(&metadata[package]["assets"], "source", "dest");
        assert!(files.len() > 30, "{files:?}");
        let dead = dead_links(&files);
        assert!(dead.is_empty(), "{package}: {dead:#?}");
        let page = Path::new("/usr/share/doc/confluence-ecs/docs/service.md");
        assert!(files.values().any(|file| file == page), "{files:?}");
        for (name, _) in UNITS {
            let documentation = format!("\nDocumentation=file://{}\n", page.display());
            assert!(unit(name).contains(&documentation), "{name}");
        }
    }
}
