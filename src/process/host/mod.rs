//! What a machine says of itself, as the `host` and `agent` fields of ECS (docs/mapping.md 9).

mod network;
mod os;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Builder;

/// Files that only a container has.
const OF_CONTAINERS: [&str; 3] = [".dockerenv", "run/.containerenv", "run/systemd/container"];
/// Parts of the control groups of a container's first process.
const GROUPS_OF_CONTAINERS: [&str; 5] = ["docker", "kubepods", "lxc", "containerd", "libpod"];

/// `host` and `agent`, of this machine and this process; what is not known is empty or null.
#[must_use]
pub fn fields() -> Map<String, Value> {
    let root = Path::new("/");
    let system = rustix::system::uname();
    let hostname = system.nodename().to_string_lossy();
    let id = machine_id(root);
    let (ip, mac) = network::addresses();
    let fields = json!({
        "agent": {
            "ephemeral_id": *EPHEMERAL_ID,
            "id": agent_id(id.as_deref().unwrap_or(&hostname)),
            "name": hostname,
            "type": "confluence-ecs",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "host": {
            "architecture": system.machine().to_string_lossy(),
            "containerized": is_container(root),
            "hostname": hostname,
            "id": id,
            "ip": ip,
            "mac": mac,
            "name": hostname.to_lowercase(),
            "os": os::fields(root, &system.release().to_string_lossy()),
        },
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The id of the installation (machine-id(5)); none of a machine that was never started, or has no such file.
fn machine_id(root: &Path) -> Option<String> {
    ["etc/machine-id", "var/lib/dbus/machine-id"]
        .iter()
        .find_map(|path| {
            let text = fs::read_to_string(root.join(path)).ok()?;
            let id = text.trim().to_lowercase();
            let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_id.then_some(id)
        })
}

/// A UUID that is always the same on a machine. It needs no file of its own, so that a pipe has it too, and a
/// lost state directory does not change it.
fn agent_id(machine: &str) -> String {
    let hash = Sha256::digest(format!("confluence-ecs agent.id\0{machine}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// A UUID of this process; none if the system gives no random numbers.
static EPHEMERAL_ID: LazyLock<Option<String>> = LazyLock::new(|| {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(Builder::from_random_bytes(bytes).into_uuid().to_string())
});

/// Whether the process runs in a container, by what the engines leave in it.
fn is_container(root: &Path) -> bool {
    let groups = fs::read_to_string(root.join("proc/1/cgroup")).unwrap_or_default();
    OF_CONTAINERS.iter().any(|path| root.join(path).exists())
        || GROUPS_OF_CONTAINERS
            .iter()
            .any(|name| groups.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn containers_are_told_by_what_their_engine_leaves() {
        for (files, is_so) in [
            (&[][..], false),
            (&[("proc/1/cgroup", "0::/init.scope\n")], false),
            (&[(".dockerenv", "")], true),
            (&[("run/.containerenv", "")], true),
            (&[("run/systemd/container", "lxc\n")], true),
            (&[("proc/1/cgroup", "0::/kubepods/besteffort/pod1\n")], true),
        ] {
            assert_eq!(is_container(root(files).path()), is_so, "{files:?}");
        }
    }

    #[test]
    fn a_machine_id_is_what_machine_id_5_says() {
        const ID: &str = "0123456789abcdef0123456789abcdef";
        for (files, id) in [
            (&[][..], None),
            (&[("etc/machine-id", "uninitialized\n")], None),
            (&[("etc/machine-id", "")], None),
            (
                &[("etc/machine-id", "0123456789ABCDEF0123456789abcdef\n")],
                Some(ID),
            ),
            (&[("var/lib/dbus/machine-id", ID)], Some(ID)),
        ] {
            assert_eq!(machine_id(root(files).path()).as_deref(), id, "{files:?}");
        }
    }

    #[test]
    fn the_id_of_an_agent_is_of_its_machine() {
        assert_eq!(agent_id("a"), agent_id("a"));
        assert_ne!(agent_id("a"), agent_id("b"));
    }
}
