//! A test in a process of its own: the test binary starts itself again.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The command that runs one test of this binary, which finds `variable` set.
pub fn command<T: Fn()>(test: T, variable: &str, value: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(env::current_exe().expect("a test binary"));
    command.args(["--exact", name(&test), "--nocapture"]);
    command.env(variable, value);
    command
}

/// What the test harness calls a test: its path without the crate's name.
fn name<T: Fn()>(_test: &T) -> &'static str {
    let path = std::any::type_name::<T>();
    path.split_once("::").map_or(path, |(_crate, name)| name)
}

/// A file system of 256 KiB for a test, which is run again with it: none in the first process, where
/// all is done when this returns. Skipped, in so many words, where nobody lets us mount.
pub fn small_disk<T: Fn()>(test: T) -> Option<PathBuf> {
    const VARIABLE: &str = "CONFLUENCE_ECS_TEST_DISK";
    if let Some(disk) = env::var_os(VARIABLE) {
        return Some(disk.into());
    }
    let disk = tempfile::tempdir().expect("a directory");
    let name = name(&test);
    let again = command(test, VARIABLE, disk.path());
    // The mount is the namespace's own, and goes with it: as root, or as a root of its own.
    for rights in [&["--mount"][..], &["--mount", "--map-root-user"]] {
        let script = r#"mount -t tmpfs -o size=256k none "$0" || exit 77; exec "$@""#;
        let output = Command::new("unshare")
            .args(rights)
            .args(["sh", "-c", script])
            .arg(disk.path())
            .arg(again.get_program())
            .args(again.get_args())
            .env(VARIABLE, disk.path())
            .output();
        let Ok(output) = output else { continue };
        match output.status.code() {
            Some(0) => {
                let told = show(&output);
                assert!(told.contains("1 passed"), "no such test: {told}");
                return None;
            }
            Some(1 | 77) => {}
            _ => panic!("on a small disk: {}", show(&output)),
        }
    }
    eprintln!("skipped: {name} needs the right to mount a file system");
    None
}

fn show(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
