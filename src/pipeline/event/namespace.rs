//! The rules of data streams for `data_stream.namespace`
//! (<https://www.elastic.co/guide/en/ecs/8.11/ecs-data_stream.html>).

/// Longest namespace in bytes.
const LONGEST: usize = 100;

/// Why a text cannot be a namespace; none if it can.
#[must_use]
pub(crate) fn namespace_fault(text: &str) -> Option<&'static str> {
    let is_special = |character: char| {
        let listed = r#"\/*?"<>|,#:"#.contains(character);
        listed || character.is_whitespace() || character.is_control()
    };
    if text.is_empty() {
        Some("a namespace is not empty")
    } else if text.len() > LONGEST {
        Some("a namespace has at most 100 bytes")
    } else if text != text.to_lowercase() {
        Some("a namespace is lower case")
    } else if text.contains('-') {
        Some("a namespace has no -, which separates the parts of a data stream's name")
    } else if text.contains(is_special) {
        Some(r#"a namespace has none of \ / * ? " < > | , # : and no blanks"#)
    } else {
        None
    }
}
