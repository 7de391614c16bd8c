//! `completions`: scripts that the shells load, with every command and flag.
//!
//! A shell that is not there is left out, with a line that says so.

use std::path::Path;
use std::process::Command;

use clap::Command as Definition;
use confluence_ecs::cli;

use crate::support::program::run;

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];

fn script(shell: &str) -> String {
    let output = run(["completions", shell], b"");
    assert_eq!(output.status.code(), Some(0), "{shell}");
    assert!(output.stderr.is_empty(), "{shell}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The names of the commands and of the long flags below one.
fn words(command: &Definition, found: &mut Vec<String>) {
    let flags = command.get_arguments().filter(|flag| !flag.is_hide_set());
    found.extend(flags.filter_map(|flag| flag.get_long().map(str::to_owned)));
    for command in command.get_subcommands() {
        found.push(command.get_name().to_owned());
        words(command, found);
    }
}

#[test]
fn every_command_and_flag_is_in_the_script_of_every_shell() {
    let mut all = Vec::new();
    words(&cli::definitions(), &mut all);
    assert!(all.len() > 100);
    for shell in SHELLS {
        let script = script(shell);
        for word in &all {
            assert!(script.contains(word.as_str()), "{shell}: {word}");
        }
    }
}

/// What a shell prints after it has loaded its script; none if it is not there.
fn loaded(shell: &str, arguments: &[&str], commands: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("script");
    std::fs::write(&path, script(shell)).expect("written");
    let commands = commands.replace("SCRIPT", path.to_str().expect("UTF-8"));
    let home = |command: &mut Command, path: &Path| {
        command
            .env("HOME", path)
            .env("XDG_CONFIG_HOME", path)
            .env("TERM", "dumb");
    };
    let mut command = Command::new(shell);
    home(&mut command, folder.path());
    let Ok(output) = command.args(arguments).arg("-c").arg(commands).output() else {
        eprintln!("left out: {shell} is not on this machine");
        return None;
    };
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && told.is_empty(),
        "{shell}: {told}"
    );
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn bash_completes_commands_flags_and_values() {
    const ASK: &str = r#"set -e; source SCRIPT; complete -p confluence-ecs > /dev/null
        ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _confluence__ecs confluence-ecs "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[*]}"; }
        ask confluence-ecs norm; ask confluence-ecs auth log; ask confluence-ecs tail --state
        ask confluence-ecs normalize --timestamps el; ask confluence-ecs schema index-template --inst"#;
    let Some(told) = loaded("bash", &["--norc"], ASK) else {
        return;
    };
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(
        lines,
        [
            "normalize",
            "login logout",
            "--state-dir",
            "elastic",
            "--install"
        ]
    );
}

#[test]
fn zsh_loads_its_script() {
    const ASK: &str =
        "autoload -Uz compinit && compinit -D -u && source SCRIPT && echo $_comps[confluence-ecs]";
    if let Some(told) = loaded("zsh", &["-f"], ASK) {
        assert_eq!(told, "_confluence-ecs\n");
    }
}

#[test]
fn fish_completes_commands_and_flags() {
    const ASK: &str = "source SCRIPT; complete -C 'confluence-ecs norm'; complete -C 'confluence-ecs fetch --overl'";
    if let Some(told) = loaded("fish", &["--no-config"], ASK) {
        let words: Vec<_> = told
            .lines()
            .filter_map(|line| line.split('\t').next())
            .collect();
        assert_eq!(words, ["normalize", "--overlap"]);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = folder.path().join("code").display().to_string();
    for command in ["completions bash", "man"] {
        let binary = env!("CARGO_BIN_EXE_confluence-ecs");
        let line = format!("({binary} {command}; echo $? > {code}) | true");
        let output = Command::new("sh").args(["-c", &line]).output();
        assert!(output.expect("sh").stderr.is_empty());
        assert_eq!(std::fs::read_to_string(&code).expect("a code"), "0\n");
    }
}
