//! Tables of a page.

use maud::{Markup, html};

/// A table with that head, the cells of each row given.
pub fn table(head: &[&str], rows: impl Iterator<Item = Markup>) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for name in head { th scope="col" { (name) } } } }
                tbody { @for row in rows { tr { (row) } } }
            }
        }
    }
}

/// A table behind a click, for what a chart shows already.
pub fn as_table(head: &[&str], rows: impl Iterator<Item = Markup>) -> Markup {
    html! {
        details.table {
            summary { "As a table" }
            (table(head, rows))
        }
    }
}
