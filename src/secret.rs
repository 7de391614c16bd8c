//! What must not be seen: tokens, passwords, client secrets.

use std::fmt;

/// A secret, which shows itself only to who asks for it by [`Secret::expose`]. It has no `Display`
/// and no `Serialize`, so that it gets into no message and no file by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text, so that `Debug` does not show it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for a request or the file that keeps it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_hides_in_debug_output() {
        let secret = Some(Secret::new("hunter2".to_owned()));
        assert_eq!(format!("{secret:?}"), "Some(<secret>)");
        assert!(!format!("{secret:#?}").contains("hunter2"));
    }
}
