//! Bars with labels: who or what comes how often.

use maud::Markup;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{LABELS, PLAIN, ROW, chart, middle, rows, share, to_pixels, write, write_label};

/// More bars are no picture any more; the table has them all.
const MOST: usize = 20;
/// The longest bar, which leaves room for its number.
const LONGEST: f64 = 550.0;

/// A bar for each label and its count; labels are texts of records.
pub fn bars(name: &str, counts: &[(String, u64)]) -> Markup {
    let shown = &counts[..counts.len().min(MOST)];
    let most = shown.iter().map(|(_, count)| *count).max();
    chart(name, rows(shown.len()), |canvas| {
        for (row, (label, count)) in shown.iter().enumerate() {
            let y = middle(row);
            write_label(canvas, label, y)?;
            #[expect(clippy::cast_possible_truncation, reason = "at most LONGEST")]
            let length = (share(*count, most.unwrap_or_default()) * LONGEST).round() as i32;
            let half = to_pixels(ROW / 2) - 4;
            let end = LABELS + length.max(1);
            let corners = [(LABELS, y - half), (end, y + half)];
            canvas.draw(&Rectangle::new(corners, PLAIN.filled()))?;
            write(canvas, &count.to_string(), HPos::Left, (end + 6, y))?;
        }
        Ok(())
    })
}
