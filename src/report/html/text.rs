//! Texts of records in a page: whoever writes a log line writes nothing but text.

use std::borrow::Cow;

use maud::{Markup, Render, html};

use crate::process::shown::{is_unprintable, write_escape};

/// A text of a record. It is escaped, and what is invisible in it or turns the direction of what stands around it is
/// shown as on a terminal, `\x09` or `\u{202e}`. Nothing of a record comes into a page but through this, [`Lines`],
/// [`visible`] in charts, and [`super::data`].
#[derive(Debug, Clone, Copy)]
pub struct Text<'a>(pub &'a str);

impl Render for Text<'_> {
    fn render_to(&self, page: &mut String) {
        visible(self.0).render_to(page);
    }
}

/// A text of several lines, such as a whole record: line breaks and tabs stay, where they do no harm.
#[derive(Debug, Clone, Copy)]
pub struct Lines<'a>(pub &'a str);

impl Render for Lines<'_> {
    fn render_to(&self, page: &mut String) {
        let is_hidden = |character| is_unprintable(character) && !matches!(character, '\n' | '\t');
        escaped(self.0, is_hidden).render_to(page);
    }
}

/// A time, to the second.
pub fn moment(time: &str) -> Markup {
    let shown = time.get(..19).unwrap_or(time).replace('T', " ");
    html! {
        time datetime=(Text(time)) { (Text(&shown)) }
    }
}

/// A text whose characters can all be seen.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, is_unprintable)
}

fn escaped(text: &str, is_hidden: fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            // A string takes everything.
            let _ = write_escape(&mut shown, character);
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> String {
        Text(text).render().into_string()
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            rendered("</script><b title=\"&\">"),
            "&lt;/script&gt;&lt;b title=&quot;&amp;&quot;&gt;"
        );
    }

    #[test]
    fn what_is_hidden_is_shown_as_on_a_terminal() {
        assert_eq!(
            rendered("a\u{202e}b\0\t\u{200b}\u{2800}\n"),
            "a\\u{202e}b\\x00\\x09\\u{200b}\\u{2800}\\x0a"
        );
        assert_eq!(rendered("Zoë עברית 日本"), "Zoë עברית 日本");
        let lines = Lines("{\n\t1\0}").render().into_string();
        assert_eq!(lines, "{\n\t1\\x00}");
    }
}
