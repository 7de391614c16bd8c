//! JSON on one line.

/// Appends a JSON text on one line: as it is if it stands on one, else without the white space between
/// its values.
pub fn one_line(out: &mut Vec<u8>, text: &[u8]) {
    if memchr::memchr2(b'\n', b'\r', text).is_none() {
        out.extend(text);
        return;
    }
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in text {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' if !in_string => continue,
            b'"' if !is_escaped => in_string = !in_string,
            _ => {}
        }
        is_escaped = in_string && *byte == b'\\' && !is_escaped;
        out.push(*byte);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_what_stands_on_several_lines_is_changed() {
        let line = |text: &str| {
            let mut out = Vec::new();
            super::one_line(&mut out, text.as_bytes());
            String::from_utf8(out).unwrap()
        };
        assert_eq!(line(r#"{ "a" : 1 }"#), r#"{ "a" : 1 }"#);
        assert_eq!(
            line("{\n  \"a \\\" b\\\\\" : [ 1,\r\n2 ]\n}"),
            r#"{"a \" b\\":[1,2]}"#
        );
    }
}
