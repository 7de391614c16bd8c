//! What the browser brings back from the login, in the URL that it was sent to.

use url::form_urlencoded;

use crate::secret::Secret;

/// Longest text of the server that is quoted in a message.
const QUOTED: usize = 300;

/// What the browser brought back.
#[derive(Debug, PartialEq, Eq)]
pub enum Callback {
    /// The code to exchange.
    Code(Secret),
    /// Access was denied; the text is what the server says.
    Denied(String),
    /// Somebody else's: its `state` is not ours.
    Foreign,
    /// Neither code nor error.
    Nothing,
}

impl Callback {
    /// Reads the query of the URL that the browser was sent back to.
    #[must_use]
    pub fn read(query: &str, state: &str) -> Self {
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let value = pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()));
            value.filter(|value| !value.is_empty())
        };
        let (code, error) = (value("code"), value("error"));
        if code.is_none() && error.is_none() {
            return Self::Nothing;
        }
        if !value("state").is_some_and(|given| is_same(&given, state)) {
            return Self::Foreign;
        }
        match (error, code) {
            (Some(error), _) => {
                Self::Denied(describe(&error, value("error_description").as_deref()))
            }
            (None, Some(code)) => Self::Code(Secret::new(code)),
            (None, None) => Self::Nothing,
        }
    }

    /// Parses a pasted callback: the URL, or only its query.
    #[must_use]
    pub fn read_pasted(text: &str, state: &str) -> Self {
        let text = text.trim().trim_matches(['"', '\'', '<', '>']);
        let query = match text.split_once('?') {
            Some((_, query)) => query,
            None => text,
        };
        let query = query.split('#').next().unwrap_or_default();
        Self::read(query, state)
    }
}

/// In a time that does not tell where they differ.
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let differences = one.iter().zip(other).map(|(one, other)| one ^ other);
    one.len() == other.len() && differences.fold(0, |all, one| all | one) == 0
}

/// What the server says, on one line: anybody could have written it.
fn describe(error: &str, description: Option<&str>) -> String {
    let text = match description {
        Some(description) => format!("{description} ({error})"),
        None => error.to_owned(),
    };
    let line = text.replace(char::is_control, " ");
    line.chars().take(QUOTED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "x-Y_1";

    fn code(text: &str) -> Callback {
        Callback::Code(Secret::new(text.to_owned()))
    }

    #[test]
    fn a_callback_is_ours_by_its_state() {
        let read = |query| Callback::read(query, STATE);
        assert_eq!(read("code=a%2Bb&state=x-Y_1"), code("a+b"));
        assert_eq!(read("state=x-Y_1&code=a"), code("a"));
        for foreign in [
            "code=a",
            "code=a&state=",
            "code=a&state=x-Y_2",
            "code=a&state=x-Y_",
            "code=a&state=x-Y_11",
            "error=access_denied&state=other",
        ] {
            assert_eq!(read(foreign), Callback::Foreign, "{foreign}");
        }
        for nothing in ["", "state=x-Y_1", "code=&state=x-Y_1"] {
            assert_eq!(read(nothing), Callback::Nothing, "{nothing}");
        }
    }

    #[test]
    fn a_refusal_is_told_on_one_line() {
        let query =
            "error=access_denied&error_description=User+did%0Anot%1b[31m+authorize&state=x-Y_1";
        let Callback::Denied(said) = Callback::read(query, STATE) else {
            panic!("no refusal");
        };
        assert_eq!(said, "User did not [31m authorize (access_denied)");
    }

    #[test]
    fn what_is_pasted_is_a_url_or_its_query() {
        for pasted in [
            "http://127.0.0.1:8917/callback?code=a&state=x-Y_1\r\n",
            " 'http://127.0.0.1:8917/callback?state=x-Y_1&code=a#' ",
            "<https://example.com/?code=a&state=x-Y_1>",
            "?code=a&state=x-Y_1",
            "code=a&state=x-Y_1",
        ] {
            assert_eq!(Callback::read_pasted(pasted, STATE), code("a"), "{pasted}");
        }
        for nothing in ["", "a", "http://127.0.0.1:8917/callback"] {
            assert_eq!(Callback::read_pasted(nothing, STATE), Callback::Nothing);
        }
    }
}
