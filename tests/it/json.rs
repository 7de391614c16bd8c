//! The JSON reader against `serde_json`: the same texts are JSON, and hold the same values.

use crate::support::records;
use confluence_ecs::pipeline::json::{self, Kind, MAX_DEPTH, Reader, Writer};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// Reads `text` in both ways, which must agree; whether it is JSON.
fn agree(text: &str, reader: &mut Reader) -> bool {
    let ours = reader.read(text);
    // It sees neither too deep nesting, nor numbers too large, nor half surrogate pairs.
    let theirs = serde_json::from_str::<IgnoredAny>(text);
    match (&ours, &theirs) {
        (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
        (Err(_), Ok(_)) if depth(text) > MAX_DEPTH => {}
        _ => panic!("{text:?}: {ours:?} but {theirs:?}"),
    }
    ours.is_ok()
}

/// Levels of arrays and objects in a JSON text.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The tree that the nodes stand for.
fn tree(value: json::Value<'_>) -> Value {
    match value.kind() {
        Kind::Array => value.elements().map(tree).collect(),
        Kind::Object => {
            let members = value.members();
            let members = members
                .map(|(key, value)| (key.as_str().expect("a key").into_owned(), tree(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Kind::String => Value::String(value.as_str().expect("a string").into_owned()),
        Kind::Null | Kind::Boolean | Kind::Integer | Kind::Float => {
            serde_json::from_str(value.raw()).expect("JSON")
        }
    }
}

fn cleaned(value: Value) -> Option<Value> {
    let value = match value {
        Value::Array(list) => Value::Array(list.into_iter().filter_map(cleaned).collect()),
        Value::Object(object) => {
            let members = object.into_iter();
            Value::Object(
                members
                    .filter_map(|(key, value)| Some((key, cleaned(value)?)))
                    .collect(),
            )
        }
        scalar => scalar,
    };
    let empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    (!empty).then_some(value)
}

/// Both readers agree on `text`, on what it holds, and on what is left of it after clean-up.
fn check(text: &str) {
    let mut reader = Reader::default();
    if !agree(text, &mut reader) {
        return;
    }
    let document = reader.read(text).expect("it was read before");
    let root = document.root();
    assert_eq!(root.raw(), text.trim_ascii());
    assert_eq!(
        serde_json::from_str::<String>(&written(|out| out.string_of_document(&document)))
            .expect("JSON"),
        text
    );
    let mut left = false;
    let copy = written(|out| left = json::copy_cleaned(out, root));
    assert_eq!(left, !copy.is_empty());
    assert!(!copy.contains('\n'));
    // Not read by `serde_json`: half surrogate pairs and numbers beyond all.
    let Ok(theirs) = serde_json::from_str::<Value>(text) else {
        return;
    };
    assert_eq!(tree(root), theirs, "{text:?}");
    let copied: Option<Value> = left.then(|| serde_json::from_str(&copy).expect("JSON"));
    assert_eq!(copied, cleaned(theirs), "{text:?}");
}

/// What is appended to a text, which must stay as it is.
fn written(write: impl FnOnce(&mut Writer)) -> String {
    let mut out = Writer::after(b"before".to_vec(), 0);
    write(&mut out);
    let text = String::from_utf8(out.into_bytes()).expect("UTF-8");
    text.strip_prefix("before")
        .expect("what stood there")
        .to_owned()
}

/// JSON with blows to it.
fn mutated() -> impl Strategy<Value = String> {
    let blow = (
        any::<prop::sample::Index>(),
        0_u8..4,
        prop::sample::select(MORSELS),
    );
    let text = prop_oneof![records::any_json(), records::record()];
    (text, prop::collection::vec(blow, 0..4)).prop_map(|(mut text, blows)| {
        for (index, kind, morsel) in blows {
            let mut at = index.index(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match kind {
                0 => text.truncate(at),
                1 if at < text.len() => drop(text.remove(at)),
                _ => text.insert_str(at, morsel),
            }
        }
        text
    })
}

/// Where JSON may break.
const MORSELS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\\"",
    "\\\\",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "\\ud83d\\ude00",
    "\\u0000",
    "\\u00E9",
    "\\x",
    "\\/",
    "0",
    "00",
    "-",
    "-0",
    "1.",
    ".5",
    "1.5",
    "1e",
    "1e5",
    "1E+5",
    "e",
    "+",
    "true",
    "false",
    "null",
    "tru",
    "nul",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\u{b}",
    "\u{1f}",
    "\u{7f}",
    "\u{feff}",
    "é",
    "\"\"",
    "\"a\":",
    "\"a\":1,",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "0123456789abcdefghijklmnopqrstuvwxyz",
];

/// Text out of the bytes that mean something in JSON.
fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(MORSELS), 0..12).prop_map(|morsels| morsels.concat())
}

/// Many cases, and as many more as `PROPTEST_CASES` asks for.
fn at_least(cases: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    ProptestConfig {
        cases: given.cases.max(cases),
        failure_persistence: None,
        ..given
    }
}

proptest! {
    #![proptest_config(at_least(4000))]

    #[test]
    fn records(text in records::record()) {
        check(&text);
    }

    #[test]
    fn any_json(text in records::any_json()) {
        check(&text);
    }

    #[test]
    fn mutated_json(text in mutated()) {
        check(&text);
    }

    #[test]
    fn morsels_of_json(text in soup()) {
        check(&text);
        check(&format!("\"{text}\""));
        check(&format!("[{text}]"));
        check(&format!("{{\"\":{text}}}"));
    }

    #[test]
    fn any_text(text in "\\PC{0,40}", bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        check(&text);
        check(&format!("\"{text}\""));
        check(&String::from_utf8_lossy(&bytes));
    }

    /// Special bytes in every place of the blocks that strings are searched in.
    #[test]
    fn strings(text in "[a\"\\\\\u{0}-\u{1f}é]{0,70}", plain in "[a-z]{0,40}") {
        let json = written(|out| out.string(&text));
        prop_assert_eq!(serde_json::from_str::<String>(&json).expect("JSON"), text.as_str());
        check(&json);
        check(&format!("{{\"{plain}\":\"{plain}\",\"{plain}\":{json}}}"));
    }
}

#[test]
fn nesting() {
    for depth in [1, 124, 125, 126, 127, 128, 1000, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(agree(&text, &mut Reader::default()), depth <= MAX_DEPTH);
            assert!(!agree(&open.repeat(depth), &mut Reader::default()));
        }
    }
}
