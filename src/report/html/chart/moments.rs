//! Single events over time: a row for each kind of them, a dot for each event.

use std::collections::BTreeMap;

use maud::Markup;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{
    GRID, LABELS, PLAIN, ROW, WIDTH, chart, middle, rows, share, to_pixels, write, write_label,
};
use crate::pipeline::timestamp::Timestamp;
use crate::report::summary::TimeRange;
use crate::report::text::minute;

/// More rows are no picture any more; the table has all events.
const MOST: usize = 20;
const RADIUS: u32 = 6;

/// The kinds with most events, each event a kind and its time; kinds are texts of records. Those outside the range are not
/// drawn: they would be dots in the wrong place.
pub fn moments<'a>(
    name: &str,
    range: &TimeRange,
    events: impl Iterator<Item = (&'a str, &'a str)>,
) -> Markup {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // Times of one form, as texts in the order of time.
    let events = events.filter(|(_, time)| (&*range.from..=&*range.to).contains(time));
    for (kind, time) in events {
        kinds.entry(kind).or_default().push(time);
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, times)| std::cmp::Reverse(times.len()));
    kinds.truncate(MOST);
    let (left, right) = (LABELS + to_pixels(RADIUS), to_pixels(WIDTH - RADIUS) - 2);
    let height = rows(kinds.len() + 1);
    chart(name, height, |canvas| {
        for (row, (kind, times)) in kinds.iter().enumerate() {
            let y = middle(row);
            write_label(canvas, kind, y)?;
            let line = vec![(left, y), (right, y)];
            canvas.draw(&PathElement::new(line, GRID))?;
            for time in times {
                #[expect(clippy::cast_possible_truncation, reason = "within the chart")]
                let along = (place(range, time) * f64::from(right - left)).round() as i32;
                let dot = Circle::new((left + along, y), RADIUS, PLAIN.mix(0.6).filled());
                canvas.draw(&dot)?;
            }
        }
        let y = to_pixels(height - ROW / 2);
        write(canvas, &minute(&range.from), HPos::Left, (LABELS, y))?;
        write(canvas, &minute(&range.to), HPos::Right, (right, y))
    })
}

/// Where in a range a time is, from 0 to 1.
fn place(range: &TimeRange, time: &str) -> f64 {
    let millis = |text| Timestamp::from_text(text).map(Timestamp::millis);
    let (Some(from), Some(to), Some(time)) = (millis(&range.from), millis(&range.to), millis(time))
    else {
        return 0.0;
    };
    let since = |later: i64| u64::try_from(later.saturating_sub(from)).unwrap_or_default();
    share(since(time), since(to)).min(1.0)
}
