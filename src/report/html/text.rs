//! Texts of records in a page: whoever writes a log line writes nothing but text.

use std::borrow::Cow;

use maud::{Markup, Render, html};

use crate::process::shown::is_unprintable;

/// A text of a record. It is escaped, and what is invisible in it or turns the direction of what stands around it is
/// shown by its number, `\u{202e}`. Nothing of a record comes into a page but through this, [`visible`] in charts, and
/// [`super::data`].
#[derive(Debug, Clone, Copy)]
pub struct Text<'a>(pub &'a str);

impl Render for Text<'_> {
    fn render_to(&self, page: &mut String) {
        visible(self.0).render_to(page);
    }
}

/// A time, to the second.
pub fn moment(time: &str) -> Markup {
    let shown = time.get(..19).unwrap_or(time).replace('T', " ");
    html! {
        time datetime=(Text(time)) { (Text(&shown)) }
    }
}

/// A text whose characters can all be seen; line breaks and tabs, which do no harm in a page, stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |character| is_unprintable(character) && !matches!(character, '\n' | '\t');
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_unicode());
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
    fn what_is_hidden_is_shown_by_its_number() {
        assert_eq!(
            rendered("a\u{202e}b\u{0}\u{200b}"),
            "a\\u{202e}b\\u{0}\\u{200b}"
        );
        assert_eq!(rendered("Zoë\tעברית\n日本"), "Zoë\tעברית\n日本");
    }
}
