//! The JSON documents of an input: one a line, or over several lines, or in an array, as `jq` writes events.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};

use crate::pipeline::dialect::{PAGE_KEYS, RECORD_KEYS};

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// A document, or text that is none.
#[derive(Debug, PartialEq)]
pub struct Document {
    /// The line that it begins in, or that the error is in; from 1.
    pub line: u64,
    /// The value, or why it is no JSON.
    pub value: Result<Value, String>,
}

/// Reads the documents of an input in their order. Text that is no JSON is one document; reading goes on behind it.
#[derive(Debug)]
pub struct Documents<R> {
    reader: R,
    /// Lines that were read, but belong to no document yet.
    lines: VecDeque<Vec<u8>>,
    /// How many lines are behind us.
    line: u64,
    found: VecDeque<Document>,
}

impl<R: BufRead> Documents<R> {
    /// The documents of an input.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            lines: VecDeque::new(),
            line: 0,
            found: VecDeque::new(),
        }
    }

    /// The next document; none at the end.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn next_document(&mut self) -> io::Result<Option<Document>> {
        while self.found.is_empty() {
            let Some(line) = self.next_line()? else {
                return Ok(None);
            };
            if !line.trim_ascii().is_empty() {
                self.read_from(line)?;
            }
        }
        Ok(self.found.pop_front())
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = match self.lines.pop_front() {
            Some(line) => line,
            None => match self.read_line()? {
                Some(line) => line,
                None => return Ok(None),
            },
        };
        self.line += 1;
        if self.line == 1 && line.starts_with(MARK) {
            return Ok(Some(line[MARK.len()..].to_vec()));
        }
        Ok(Some(line))
    }

    fn read_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        Ok((!line.is_empty()).then_some(line))
    }

    /// Finds the documents that begin in the line just read, and takes the lines that they go on in.
    fn read_from(&mut self, first: Vec<u8>) -> io::Result<()> {
        let begin = self.line;
        let mut text = first;
        let mut documents = Vec::new();
        let Err(error) = parse(&text, begin, &mut documents) else {
            self.found.extend(documents);
            return Ok(());
        };
        let opens = matches!(text.trim_ascii_start().first(), Some(b'{' | b'['));
        if !(error.is_eof() && opens) {
            self.found.extend(documents);
            self.found.push_back(not_json(begin, &error));
            return Ok(());
        }

        let mut nesting = Nesting::default();
        nesting.add(&text);
        // Parsing at every line would take quadratic time: only where brackets are closed, and each time that the
        // text has doubled, so that a line cut short does not take the rest of the input with it.
        let (mut starts, mut next_try) = (vec![0], 2);
        let mut last = error;
        while last.is_eof() {
            let Some(line) = self.next_line()? else {
                break;
            };
            starts.push(text.len());
            nesting.add(&line);
            text.extend_from_slice(&line);
            if nesting.is_closed() || starts.len() >= next_try {
                next_try = 2 * starts.len();
                documents.clear();
                match parse(&text, begin, &mut documents) {
                    Ok(()) => {
                        self.found.extend(documents);
                        return Ok(());
                    }
                    Err(error) => last = error,
                }
            }
        }
        self.give_up(&text, &starts, &last, documents);
        Ok(())
    }

    /// What began in the first line is no document: reports it, and goes on with the next line that may begin one.
    fn give_up(
        &mut self,
        text: &[u8],
        starts: &[usize],
        error: &serde_json::Error,
        documents: Vec<Document>,
    ) {
        let begin = self.line + 1 - starts.len() as u64;
        let begins_document = |start: &usize| {
            let inside = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'}' | b']');
            !text.get(*start).is_none_or(inside)
        };
        let resume = (1..starts.len()).find(|line| begins_document(&starts[*line]));
        let resume = resume.unwrap_or(starts.len());
        let resume_line = begin + resume as u64;
        self.found.extend(
            documents
                .into_iter()
                .filter(|known| known.line < resume_line),
        );
        let first_line = &text[..starts.get(1).copied().unwrap_or(text.len())].trim_ascii_end();
        let at = begin + (error.line() as u64).saturating_sub(1);
        // An error in a line that begins a document of its own says that the one before it was cut short.
        let is_inside = at < resume_line && !error.is_eof();
        self.found
            .push_back(match parse(first_line, begin, &mut Vec::new()) {
                Err(cut_short) if !is_inside => not_json(begin, &cut_short),
                Ok(()) | Err(_) => not_json(at, error),
            });
        for line in (resume..starts.len()).rev() {
            let end = starts.get(line + 1).copied().unwrap_or(text.len());
            self.lines.push_front(text[starts[line]..end].to_vec());
            self.line -= 1;
        }
    }
}

/// Parses all documents of a text that begins in that line.
fn parse(text: &[u8], line: u64, documents: &mut Vec<Document>) -> serde_json::Result<()> {
    let mut values = Deserializer::from_slice(text).into_iter::<&RawValue>();
    // Lines are counted once, on the way.
    let (mut counted, mut line) = (0, line);
    let mut line_of = |start: usize| {
        let ends = text[counted..start].iter().filter(|byte| **byte == b'\n');
        line += ends.count() as u64;
        counted = start;
        line
    };
    while let Some(value) = values.next() {
        let raw = value?;
        let start = values.byte_offset() - raw.get().len();
        for element in elements(raw)? {
            let inside = element.get().as_ptr().addr() - raw.get().as_ptr().addr();
            let line = line_of(start + inside);
            let value = serde_json::from_str(element.get());
            documents.push(match value {
                Ok(value) => Document {
                    line,
                    value: Ok(value),
                },
                Err(error) => not_json(line, &error),
            });
        }
    }
    Ok(())
}

/// A golden file, as `fixtures regenerate` writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoldenFile<'a> {
    #[serde(borrow)]
    expected: Vec<Option<&'a RawValue>>,
}

/// The events of a value: an array, as `jq --slurp` writes it, is its elements, a golden file those that
/// it expects.
fn elements(raw: &RawValue) -> serde_json::Result<Vec<&RawValue>> {
    if raw.get().starts_with('[') {
        return serde_json::from_str(raw.get());
    }
    let golden: Option<GoldenFile<'_>> = serde_json::from_str(raw.get()).ok();
    Ok(match golden {
        Some(golden) => golden.expected.into_iter().flatten().collect(),
        None => vec![raw],
    })
}

/// Whether a value is the line of a bulk request that stands before an event.
#[must_use]
pub fn is_bulk_action(value: &Value) -> bool {
    let Value::Object(members) = value else {
        return false;
    };
    let mut members = members.iter();
    let is_action =
        |(name, of): (&String, &Value)| matches!(&**name, "create" | "index") && of.is_object();
    members.next().is_some_and(is_action) && members.next().is_none()
}

/// The position is that in its line: serde's lines are those of the document.
fn not_json(line: u64, error: &serde_json::Error) -> Document {
    let text = error.to_string();
    let problem = text
        .rsplit_once(" at line ")
        .map_or(&*text, |(problem, _)| problem);
    Document {
        line,
        value: Err(format!("not JSON: {problem} at column {}", error.column())),
    }
}

/// Whether a value is a record as Confluence writes it, or a page of them, and no event of one.
#[must_use]
pub fn raw_record(value: &Value) -> Option<&'static str> {
    let has = |name: &str| value.get(name).is_some();
    let is_list = |name: &str| value.get(name).is_some_and(Value::is_array);
    if ["@timestamp", "ecs", "event"].into_iter().any(has) {
        None
    } else if RECORD_KEYS.into_iter().any(has) {
        Some("a raw audit record, not an event")
    } else if PAGE_KEYS.into_iter().any(is_list) {
        Some("a page of raw audit records, not an event")
    } else {
        None
    }
}

/// How deep a text is in brackets.
#[derive(Debug, Default)]
struct Nesting {
    depth: i64,
    in_string: bool,
    is_escaped: bool,
}

impl Nesting {
    fn add(&mut self, text: &[u8]) {
        for byte in text {
            if self.in_string {
                let is_escaped = std::mem::take(&mut self.is_escaped);
                match byte {
                    b'\\' => self.is_escaped = !is_escaped,
                    b'"' if !is_escaped => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
        }
    }

    fn is_closed(&self) -> bool {
        self.depth <= 0 && !self.in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The documents as `LINE:JSON` or `LINE:error`.
    fn documents(text: &str) -> Vec<String> {
        let mut documents = Documents::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(Document { line, value }) = documents.next_document().unwrap() {
            found.push(match value {
                Ok(value) => format!("{line}:{value}"),
                Err(error) => format!("{line}:{error}"),
            });
        }
        found
    }

    #[test]
    fn documents_on_lines_over_lines_and_in_arrays() {
        let expected = [r#"1:{"a":1}"#, r#"3:{"b":{"c":[]}}"#, r#"9:{"d":2}"#];
        let text = "\u{FEFF}{\"a\":1}\n\n{\n \"b\": {\n  \"c\": [\n  ]\n }\n}\n{\"d\":2}";
        assert_eq!(documents(text), expected);
        let text = "[\n {\"a\":1},\n\n {\"b\":\n {}}]\n{}\n";
        assert_eq!(documents(text), [r#"2:{"a":1}"#, r#"4:{"b":{}}"#, "6:{}"]);
        assert_eq!(documents("{} {}\n[]\n7\n"), ["1:{}", "1:{}", "3:7"]);
        assert_eq!(documents("{}{\n}{}"), ["1:{}", "1:{}", "2:{}"]);
        assert_eq!(documents("{\"]\\\"\":\n1}"), [r#"1:{"]\"":1}"#]);
    }

    #[test]
    fn what_is_no_json_is_named_once_and_the_rest_is_read() {
        let cut = "not JSON: EOF while parsing";
        for (text, expected) in [
            (
                "x\n{}\n",
                vec!["1:not JSON: expected value at column 1", "2:{}"],
            ),
            (
                "{\"a\":1\n{}\n",
                vec![&*format!("1:{cut} an object at column 6"), "2:{}"],
            ),
            (
                "{\"a\":{\nx\n{}\n",
                vec![
                    &*format!("1:{cut} an object at column 6"),
                    "2:not JSON: expected value at column 1",
                    "3:{}",
                ],
            ),
            (
                "{\n \"a\": 1\n \"b\": 2\n}\n{}\n",
                vec!["3:not JSON: expected `,` or `}` at column 2", "5:{}"],
            ),
            (
                "{}\n{\n \"a\": 1,\n",
                vec!["1:{}", &*format!("2:{cut} an object at column 1")],
            ),
            (
                "{} {\n{}\n",
                vec!["1:{}", &*format!("1:{cut} an object at column 4"), "2:{}"],
            ),
        ] {
            assert_eq!(documents(text), expected, "{text}");
        }
    }

    #[test]
    fn nesting_without_end_is_an_error() {
        let text = format!("{}\n{{}}\n", "[".repeat(100_000));
        let found = documents(&text);
        assert_eq!(found.last().map(String::as_str), Some("2:{}"));
        let closed = "[".repeat(1000) + &"]".repeat(1000);
        let found = documents(&format!("{closed}\n{{}}\n"));
        assert!(
            found[0].starts_with("1:not JSON: recursion limit exceeded"),
            "{found:?}"
        );
        assert_eq!(found[1], "2:{}");
    }

    #[test]
    fn a_line_cut_short_does_not_take_long() {
        let text = "{\"a\":[\n".to_owned() + &"{\"b\":1}\n".repeat(100_000);
        assert_eq!(documents(&text).len(), 100_001);
        let pretty = format!("[\n{}\n 0\n]", " 0,\n".repeat(200_000));
        assert_eq!(documents(&pretty).len(), 200_001);
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "[\\[\\]{}\"\\\\,:1 \n]{0,60}") {
            let lines = text.lines().count() as u64;
            for document in documents(&text) {
                let (line, _) = document.split_once(':').expect("a line");
                prop_assert!((1..=lines).contains(&line.parse().expect("a number")));
            }
        }
    }
}
