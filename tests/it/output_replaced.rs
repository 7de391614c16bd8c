//! A copy takes the place of the output under the running program.

use std::fs;

use crate::support::told::told;
use confluence_ecs::sink::FileSink;

/// What stands in an output, and what is told, if its first line is saved, and a copy that has so many
/// of the others, which are not, takes its place.
fn replaced(others: &[&str], copied: usize) -> (String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    // In a directory that has none beside it, where other tests' outputs would be found.
    let folder = folder.path().join("output");
    fs::create_dir(&folder).expect("created");
    let (out, copy) = (folder.join("out.ndjson"), folder.join("new"));
    let write = |sink: &mut FileSink, lines: &[&str]| {
        let text = lines.concat();
        sink.write(text.as_bytes(), &|| false).expect("written");
    };
    told(|| {
        let mut sink = FileSink::open(&out).expect("opened");
        write(&mut sink, &["one\n"]);
        sink.sync().expect("synced");
        write(&mut sink, &others[..copied]);
        fs::copy(&out, &copy).expect("copied");
        write(&mut sink, &others[copied..]);
        fs::rename(&copy, &out).expect("renamed");
        sink.sync().expect("synced");
        sink.reopen().expect("opened");
        fs::read_to_string(&out).expect("read")
    })
}

#[test]
fn what_the_copy_lacks_is_written_again() {
    for copied in 0..=2 {
        let (text, told) = replaced(&["two\n", "three\n"], copied);
        assert_eq!(text, "one\ntwo\nthree\n", "{copied}: {told}");
        assert!(!told.contains("may be in no file"), "{copied}: {told}");
    }
}
