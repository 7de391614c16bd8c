//! JSON text, written by hand so that keys stand in the order of the source.

#[derive(Default)]
pub struct Json(String);

impl Json {
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    /// Text that is JSON already.
    pub fn raw(&mut self, json: &str) {
        self.0.push_str(json);
    }

    /// A string: quoted, escaped as Jackson escapes.
    pub fn text(&mut self, text: &str) {
        self.0.push('"');
        for char in text.chars() {
            match char {
                '"' => self.raw("\\\""),
                '\\' => self.raw("\\\\"),
                '\n' => self.raw("\\n"),
                '\r' => self.raw("\\r"),
                '\t' => self.raw("\\t"),
                '\0'..='\x1f' => self.raw(&format!("\\u{:04X}", u32::from(char))),
                ' '.. => self.0.push(char),
            }
        }
        self.0.push('"');
    }

    /// A string, or `null`.
    pub fn text_or_null(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.raw("null"),
        }
    }

    /// `"key":"value",…` of those that are there, without braces.
    pub fn members(&mut self, members: &[(&str, Option<&str>)]) {
        let mut comma = "";
        for (key, value) in members {
            if value.is_some() {
                self.raw(comma);
                self.text(key);
                self.raw(":");
                self.text_or_null(*value);
                comma = ",";
            }
        }
    }

    /// An object of those members that are there.
    pub fn object(&mut self, members: &[(&str, Option<&str>)]) {
        self.raw("{");
        self.members(members);
        self.raw("}");
    }

    /// An object of all members, `null` for those that are not there.
    pub fn object_with_nulls(&mut self, members: &[(&str, Option<&str>)]) {
        let mut before = "{";
        for (key, value) in members {
            self.raw(before);
            self.text(key);
            self.raw(":");
            self.text_or_null(*value);
            before = ",";
        }
        self.raw("}");
    }

    pub fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        let mut before = "[";
        for item in items {
            self.raw(before);
            write(self, item);
            before = ",";
        }
        self.raw(if items.is_empty() { "[]" } else { "]" });
    }
}
