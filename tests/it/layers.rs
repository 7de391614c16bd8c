//! Who may import whom: imports between the rooms of `src` point down, and modules form no circles.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from top to bottom, each with those that it may import, which all stand below it.
/// `main.rs` may import any; `lib.rs` lists them.
const ROOMS: [(&str, &[&str]); 23] = [
    (
        "commands",
        &[
            "config", "options", "cli", "check", "fetch", "tail", "ship", "report", "fixtures",
            "explain", "sink", "cluster", "schema", "auth", "http", "state", "input", "pipeline",
            "process", "secret", "exit",
        ],
    ),
    ("config", &["cli", "auth", "pipeline", "process", "secret"]),
    (
        "options",
        &[
            "cli", "fetch", "tail", "report", "cluster", "schema", "auth", "http", "state",
            "pipeline", "process", "secret",
        ],
    ),
    (
        "cli",
        &[
            "fetch", "tail", "fixtures", "schema", "auth", "http", "pipeline", "process", "exit",
        ],
    ),
    (
        "check",
        &[
            "fetch", "cluster", "schema", "auth", "http", "state", "pipeline", "process",
        ],
    ),
    (
        "fetch",
        &[
            "ship", "sink", "cluster", "auth", "http", "state", "pipeline", "process", "secret",
        ],
    ),
    (
        "tail",
        &[
            "ship", "sink", "cluster", "state", "input", "pipeline", "process",
        ],
    ),
    ("ship", &["sink", "cluster", "state", "pipeline", "process"]),
    ("report", &["schema", "input", "pipeline", "process"]),
    (
        "fixtures",
        &["schema", "state", "input", "pipeline", "process"],
    ),
    ("explain", &["pipeline", "process"]),
    ("sink", &["cluster", "input", "pipeline", "process"]),
    (
        "cluster",
        &["schema", "http", "state", "pipeline", "process", "secret"],
    ),
    ("schema", &["pipeline", "process"]),
    ("auth", &["http", "state", "pipeline", "process", "secret"]),
    ("http", &["pipeline", "process", "secret"]),
    ("state", &["pipeline", "process"]),
    ("input", &["pipeline", "process"]),
    ("pipeline", &["process"]),
    ("process", &[]),
    ("secret", &[]),
    ("exit", &[]),
    ("lib", &[]),
];

type Graph = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_table_points_down() {
    for (place, (room, below)) in ROOMS.iter().enumerate() {
        for other in *below {
            let at = ROOMS.iter().position(|(name, _)| name == other);
            assert!(at.is_some_and(|at| at > place), "{room} above {other}");
        }
    }
}

#[test]
fn every_room_imports_only_what_the_table_allows() {
    let room = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    for (module, imports) in imports() {
        let from = room(&module);
        if from == "main" {
            continue;
        }
        let row = ROOMS.iter().find(|(name, _)| *name == from);
        let (_, allowed) = row.unwrap_or_else(|| panic!("{from} is not in the table"));
        for import in imports {
            let to = room(&import);
            assert!(
                to == from || allowed.contains(&&*to),
                "{module} imports {import}: {from} may not import {to}"
            );
        }
    }
}

/// A folder's own file and those in it are one thing: they may name each other.
#[test]
fn modules_form_no_circles() {
    let is_in = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.starts_with("::"))
    };
    let mut graph = imports();
    for (module, imports) in &mut graph {
        imports.retain(|import| !is_in(import, module) && !is_in(module, import));
    }
    // Whoever imports nobody that is left is in no circle.
    while let Some(module) = graph
        .iter()
        .find_map(|(module, imports)| imports.is_empty().then(|| module.clone()))
    {
        graph.remove(&module);
        for imports in graph.values_mut() {
            imports.remove(&module);
        }
    }
    assert!(graph.is_empty(), "circles among: {graph:#?}");
}

/// The modules of the crate, by their paths.
fn modules() -> BTreeMap<String, PathBuf> {
    fn collect(folder: &Path, prefix: &[String], modules: &mut BTreeMap<String, PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mut module = prefix.to_vec();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if stem != "mod" {
                module.push(stem);
            }
            if path.is_dir() {
                collect(&path, &module, modules);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                modules.insert(module.join("::"), path);
            }
        }
    }
    let mut modules = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    collect(&root, &[], &mut modules);
    modules
}

/// Which modules each module names, its tests aside.
fn imports() -> Graph {
    let modules = modules();
    let read = |(module, path): (&String, &PathBuf)| {
        let text = without_comments_and_tests(&fs::read_to_string(path).unwrap());
        let imports = paths(&text).into_iter();
        let imports = imports.filter_map(|path| resolve(&path, module, &modules));
        let others = imports.filter(|import| import != module).collect();
        (module.clone(), others)
    };
    modules.iter().map(read).collect()
}

fn without_comments_and_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    // What only the documentation names is no import.
    let mut parts = code.split("#[cfg(doc)]");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    kept.extend(parts.map(|part| part.split_once(';').map_or("", |(_, rest)| rest)));
    kept
}

/// The paths of `use` declarations, and those in the code that begin with `crate` or `super`.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.split("use ").skip(1) {
        let tree = line.split(';').next().unwrap_or_default();
        expand("", tree, &mut found);
    }
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let is_path = |character: char| character.is_alphanumeric() || "_:".contains(character);
            let path = text[at..].split(|character| !is_path(character)).next();
            found.extend(path.map(|path| path.trim_end_matches(':').to_owned()));
        }
    }
    found
}

/// The paths of a `use` tree.
fn expand(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        found.push(format!("{prefix}{path}"));
        return;
    };
    let prefix = format!("{prefix}{}", head.trim());
    let group = group.rsplit_once('}').map_or(group, |(group, _)| group);
    let (mut depth, mut start) = (0, 0);
    for (at, character) in group.char_indices().chain([(group.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &group[start..at], found);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The module that a path leads into; none outside of the crate.
fn resolve(path: &str, from: &str, modules: &BTreeMap<String, PathBuf>) -> Option<String> {
    let mut module: Vec<&str> = from.split("::").collect();
    let mut segments = path.split("::").peekable();
    match segments.next()? {
        "crate" => module.clear(),
        "self" => {}
        "super" => {
            module.pop();
            while segments.next_if_eq(&"super").is_some() {
                module.pop();
            }
        }
        _ => return None,
    }
    module.extend(segments);
    (1..=module.len())
        .rev()
        .map(|length| module[..length].join("::"))
        .find(|path| modules.contains_key(path))
}
