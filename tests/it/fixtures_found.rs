//! Golden files: which inputs are found, what is warned of, and reports with many differences.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use crate::fixtures::{RECORD, expected, fixtures, folder};
use crate::support::follow::xz;
use crate::support::program::{run, stderr};

#[test]
fn directories_are_searched_below() {
    let folder = folder(&[("b.log", RECORD)]);
    for below in ["a", "a/deep", ".git", "c.log"] {
        fs::create_dir(folder.path().join(below)).expect("made");
        fs::write(folder.path().join(below).join("x.log"), RECORD).expect("written");
    }
    let report = "DIR/a/deep/x.log: written\nDIR/a/x.log: written\nDIR/b.log: written\nDIR/c.log/x.log: written\n0 as expected, 4 written\n";
    assert_eq!(
        fixtures("regenerate", &[], folder.path()),
        (0, report.into())
    );
    // A folder of links to itself, and a case that is reached twice.
    std::os::unix::fs::symlink("..", folder.path().join("a/loop")).expect("linked");
    let below = folder.path().join("a").display().to_string();
    assert_eq!(
        fixtures("check", &[&below], folder.path()),
        (0, "4 as expected\n".into())
    );
}

#[test]
fn a_directory_below_that_cannot_be_listed_fails_and_the_others_are_done() {
    let folder = folder(&[("a.log", RECORD)]);
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).expect("made");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).expect("closed");
    if fs::read_dir(&closed).is_ok() {
        eprintln!("left out: root may list any directory");
        return;
    }
    let (code, report) = fixtures("check", &[], folder.path());
    assert_eq!(code, 1);
    assert!(
        report.starts_with("FAIL cannot list DIR/closed: "),
        "{report}"
    );
    assert!(report.ends_with("1 as expected, 1 failed\n"), "{report}");
}

#[test]
fn a_configuration_of_a_folder_is_of_that_folder_alone() {
    let folder = folder(&[
        ("a.log", RECORD),
        ("test-common-config.yml", "fields:\n  tags: [above]\n"),
    ]);
    fs::create_dir(folder.path().join("below")).expect("made");
    fs::write(folder.path().join("below/b.log"), RECORD).expect("written");
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    assert_eq!(
        expected(&folder, "a.log-expected.json")[0]["tags"][0],
        "above"
    );
    assert_eq!(
        expected(&folder, "below/b.log-expected.json")[0].get("tags"),
        None
    );
}

#[test]
fn a_single_input_may_be_given() {
    let folder = folder(&[("a.log", RECORD), ("b.log", RECORD)]);
    let input = folder.path().join("a.log");
    assert_eq!(
        fixtures("regenerate", &[], &input),
        (0, "DIR: written\n0 as expected, 1 written\n".into())
    );
    assert!(!folder.path().join("b.log-expected.json").exists());
    assert_eq!(
        fixtures("check", &[], &input),
        (0, "1 as expected\n".into())
    );
    let golden = folder.path().join("a.log-expected.json");
    let (code, report) = fixtures("check", &[], &golden);
    assert_eq!(code, 1);
    assert!(
        report.starts_with("FAIL DIR is not an input: expected a directory"),
        "{report}"
    );
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let config =
        "fields: {}\nfeilds:\n  tags: [x]\nskip:\n  raeson: none\nstring_number_fields: [a]\n";
    let folder = folder(&[
        ("a.log", RECORD),
        (
            "a.log-config.yml",
            "fields: {}\n# a comment\ndynamic_feilds: {}\nmultiline:\n  first_line: x\n",
        ),
        ("gone.log-expected.json", "{}"),
        ("gone.log-config.yml", ""),
        ("a.log-config.yaml", ""),
        ("packed.log.gz", ""),
        ("README.md", ""),
        (
            "test-common-config.yml",
            &config.replace("skip:\n  raeson: none\n", ""),
        ),
    ]);
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    let (code, report) = fixtures("check", &[], folder.path());
    assert_eq!(code, 0);
    for warning in [
        "DIR/gone.log-config.yml:1: not used: its input gone.log is missing",
        "DIR/gone.log-expected.json:1: not used: its input gone.log is missing",
        "DIR/a.log-config.yaml:1: not used: the name of a configuration ends with -config.yml",
        "DIR/packed.log.gz:1: not used: unpack it, inputs are plain files",
        "DIR/a.log-config.yml:3: the key `dynamic_feilds` is not used",
        "DIR/a.log-config.yml:5: the key `multiline.first_line` is not used",
        "DIR/test-common-config.yml:2: the key `feilds` is not used",
        "DIR/test-common-config.yml:4: the key `string_number_fields` is not used",
    ] {
        assert_eq!(report.matches(warning).count(), 1, "{warning}: {report}");
    }
    let (_, report) = fixtures("check", &["--format", "github"], folder.path());
    assert!(
        report.contains("::warning file=DIR/a.log-config.yml,line=3,title=no effect::the key `dynamic_feilds` is not used"),
        "{report}"
    );
    // Of a folder, each once for all its inputs; a key of an object, too.
    fs::write(folder.path().join("b.log"), RECORD).expect("written");
    fs::write(folder.path().join("test-common-config.yml"), config).expect("written");
    let (_, report) = fixtures("check", &[], folder.path());
    assert_eq!(
        report.matches("the key `skip.raeson`").count(),
        1,
        "{report}"
    );
    assert_eq!(report.matches("the key `feilds`").count(), 1, "{report}");
}

#[test]
fn a_pattern_that_is_no_text_is_an_error() {
    let folder = folder(&[
        ("a.log", RECORD),
        ("a.log-config.yml", "dynamic_fields:\n  event.created: 5\n"),
    ]);
    let (code, report) = fixtures("regenerate", &[], folder.path());
    assert_eq!(code, 1);
    let told = "DIR/a.log-config.yml:2: event.created: expected a regular expression, found 5";
    assert!(report.contains(told), "{report}");
}

#[test]
fn braces_in_patterns_are_those_of_go() {
    let folder = folder(&[
        ("a.log", r#"{"creationDate":1,"summary":"a{b {c} {d"}"#),
        (
            "a.log-config.yml",
            "multiline:\n  first_line_pattern: '^{\"creation'\ndynamic_fields:\n  event.action: 'a{b {[^}]*} {d$'\n",
        ),
    ]);
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    let path = folder.path().join("a.log-expected.json");
    let golden = fs::read_to_string(&path).expect("there");
    let golden = golden.replacen("\"action\": \"a{b {c} {d\"", "\"action\": \"other\"", 2);
    fs::write(
        &path,
        golden.replacen("\"action\": \"other\"", "\"action\": \"a{b {c} {d\"", 1),
    )
    .expect("written");
    assert_eq!(
        fixtures("check", &[], folder.path()),
        (0, "1 as expected\n".into())
    );
}

/// Files with so many records each, all of which differ from their golden files in the same way.
fn different(records: &[usize]) -> TempDir {
    let inputs: Vec<_> = records
        .iter()
        .enumerate()
        .map(|(at, count)| {
            (
                format!("f{at:02}.log"),
                format!("{RECORD}\n").repeat(*count),
            )
        })
        .collect();
    let files: Vec<_> = inputs
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let folder = folder(&files);
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    for (name, _) in &inputs {
        let path = folder.path().join(format!("{name}-expected.json"));
        let golden = fs::read_to_string(&path).expect("there");
        fs::write(path, golden.replace("\"iam\"", "\"web\"")).expect("written");
    }
    folder
}

/// How many annotations there are of each file, and the lines behind them.
fn annotations(folder: &TempDir) -> (String, String) {
    let (code, report) = fixtures("check", &["--format", "github"], folder.path());
    assert_eq!(code, 1);
    let (mut files, mut rest) = (Vec::new(), String::new());
    for line in report.lines() {
        match line.strip_prefix("::error file=DIR/") {
            Some(annotation) => files.push(annotation[..3].to_owned()),
            None => writeln!(rest, "{line}").expect("memory"),
        }
    }
    (files.join(" "), rest)
}

#[test]
fn at_most_ten_annotations_one_a_file_first() {
    assert_eq!(
        annotations(&different(&[4, 1, 2])),
        (
            "f00 f00 f00 f00 f01 f02 f02".into(),
            "0 as expected, 3 failed\n".into()
        )
    );
    assert_eq!(
        annotations(&different(&[12, 1, 3])),
        (
            "f00 f00 f00 f00 f00 f00 f00 f00 f01 f02".into(),
            "0 as expected, 3 failed\nnot annotated, since GitHub shows 10 a step: 6 more in 2 files; --format pretty prints all\n".into()
        )
    );
    assert_eq!(
        annotations(&different(&[2; 11])),
        (
            "f00 f01 f02 f03 f04 f05 f06 f07 f08 f09".into(),
            "0 as expected, 11 failed\nnot annotated, since GitHub shows 10 a step: 12 more in 11 files; --format pretty prints all\n".into()
        )
    );
}

#[test]
fn a_markdown_report_shows_equal_differences_once() {
    let folder = different(&[2, 30]);
    let path = folder.path().join("f00.log-expected.json");
    let golden = fs::read_to_string(&path).expect("there");
    // One event differs in another way, with backticks.
    fs::write(path, golden.replacen("\"web\"", "\"```\"", 1)).expect("written");
    fs::write(folder.path().join("new.log"), RECORD).expect("written");
    fs::write(folder.path().join("skip`.log"), RECORD).expect("written");
    fs::write(
        folder.path().join("skip`.log-config.yml"),
        "skip: {reason: r}",
    )
    .expect("written");
    let (code, report) = fixtures("check", &["--format", "markdown"], folder.path());
    assert_eq!(code, 1);
    insta::assert_snapshot!(report);
    let good = crate::fixtures::folder(&[("a.log", RECORD)]);
    let (_, report) = fixtures("regenerate", &["--format", "markdown"], good.path());
    assert_eq!(
        report,
        "### Golden files: 0 as expected, 1 written\n\n- `DIR/a.log: written`\n\n"
    );
    let (_, report) = fixtures("check", &["--format", "markdown"], good.path());
    assert_eq!(report, "### Golden files: 1 as expected\n\n");
}

#[test]
fn a_markdown_report_fits_in_a_summary() {
    let mut input = String::new();
    for at in 0..3000 {
        let _ = writeln!(input, "{{\"creationDate\":{at},\"summary\":\"{at}\"}}");
    }
    let folder = folder(&[
        ("a.log", &input),
        ("a.log-expected.json", "{\"expected\":[]}"),
    ]);
    let flags = ["fixtures", "check", "--format", "markdown"];
    let path = folder.path().display().to_string();
    let output = run(flags.into_iter().chain([&*path]), b"");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(output.stdout.len() < 1 << 20, "{}", output.stdout.len());
    let report = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(report.contains("more differences do not fit in here"));
}

#[test]
fn an_input_in_another_format_is_an_error_and_nothing_is_written() {
    let folder = folder(&[]);
    let units = RECORD.encode_utf16().flat_map(u16::to_le_bytes);
    let utf_16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(units).collect();
    let contents = [
        ("a.log", &utf_16[..]),
        ("b.log", &xz(RECORD.as_bytes())),
        ("c.ndjson", b"\x7FELF\x02\x01\x01\n"),
    ];
    for (name, content) in contents {
        fs::write(folder.path().join(name), content).expect("written");
    }
    let (code, report) = fixtures("regenerate", &["--allow-errors"], folder.path());
    assert_eq!(code, 1);
    insta::assert_snapshot!(report);
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 3);
    assert_eq!(fixtures("check", &[], folder.path()).0, 1);
}

#[test]
fn a_pattern_that_no_shell_has_expanded_is_explained_to_fixtures() {
    let output = run(["fixtures", "check", "no-such*.log"], b"");
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout));
}
