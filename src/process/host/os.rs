//! The operating system: `host.os`.

use std::fs::File;
use std::path::Path;

use etc_os_release::OsRelease;
use serde_json::{Value, json};

/// The family of a distribution by its id, or by one that it says it is like.
const FAMILIES: [(&str, &[&str]); 5] = [
    ("alpine", &["alpine"]),
    ("arch", &["arch", "archarm", "manjaro"]),
    ("debian", &["debian", "linuxmint", "raspbian", "ubuntu"]),
    (
        "redhat",
        &[
            "almalinux",
            "amzn",
            "centos",
            "fedora",
            "ol",
            "openeuler",
            "rhel",
            "rocky",
            "scientific",
        ],
    ),
    (
        "suse",
        &[
            "opensuse",
            "opensuse-leap",
            "opensuse-tumbleweed",
            "sles",
            "suse",
        ],
    ),
];

/// What os-release(5) says of the system below `root`, with the release of its kernel.
pub fn fields(root: &Path, kernel: &str) -> Value {
    let release = ["etc/os-release", "usr/lib/os-release"]
        .iter()
        .find_map(|path| OsRelease::from_reader(File::open(root.join(path)).ok()?).ok());
    let value = |key| release.as_ref().and_then(|release| release.get_value(key));
    let id = value("ID");
    let like = value("ID_LIKE").unwrap_or_default();
    let family = id
        .into_iter()
        .chain(like.split_ascii_whitespace())
        .find_map(family);
    json!({
        "build": value("BUILD_ID"),
        "codename": value("VERSION_CODENAME"),
        "family": family,
        "kernel": kernel,
        "name": value("NAME"),
        "platform": id,
        "type": std::env::consts::OS,
        "version": value("VERSION").or_else(|| value("VERSION_ID")),
    })
}

fn family(id: &str) -> Option<&'static str> {
    let is_of = |(_, ids): &&(&str, &[&str])| ids.contains(&id);
    FAMILIES.iter().find(is_of).map(|(family, _)| *family)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("etc/os-release"), text).unwrap();
        fields(root.path(), "6.1.0")
    }

    #[test]
    fn distributions_and_their_families() {
        let debian = read(
            "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n",
        );
        let expected = json!({
            "build": null, "codename": "bookworm", "family": "debian", "kernel": "6.1.0",
            "name": "Debian GNU/Linux", "platform": "debian", "type": std::env::consts::OS,
            "version": "12 (bookworm)",
        });
        assert_eq!(debian, expected);
        let other = read("ID=hardened\nID_LIKE=\"rhel fedora\"\nVERSION_ID=9.4\nBUILD_ID='7'\n");
        assert_eq!(
            (&other["family"], &other["build"]),
            (&json!("redhat"), &json!("7"))
        );
        assert_eq!(other["version"], "9.4");
        assert_eq!(read("ID=wolfi\n")["family"], Value::Null);
        assert_eq!(read("\0no such file")["platform"], Value::Null);
    }
}
