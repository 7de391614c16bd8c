//! Events over time, by category.

use maud::Markup;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{FONT, GRID, INK, chart, text_style};
use crate::report::summary::Timeline;

const HEIGHT: u32 = 300;

/// Colours that can be told apart, on white and on black. Categories that are rare share one with others.
const COLORS: [(&str, RGBColor); 9] = [
    ("authentication", RGBColor(0x42, 0x69, 0xd0)),
    ("configuration", RGBColor(0xef, 0xb1, 0x18)),
    ("email", RGBColor(0xff, 0x8a, 0xb7)),
    ("file", RGBColor(0x6c, 0xc5, 0xb0)),
    ("iam", RGBColor(0xff, 0x72, 0x5c)),
    ("none", RGBColor(0x94, 0x98, 0xa0)),
    ("package", RGBColor(0xa4, 0x63, 0xf2)),
    ("session", RGBColor(0x97, 0xbb, 0xf5)),
    ("web", RGBColor(0x3c, 0xa9, 0x51)),
];
const OTHER: RGBColor = RGBColor(0x9c, 0x6b, 0x4e);

/// The colour of a category.
pub fn category_color(category: &str) -> RGBColor {
    let found = COLORS.iter().find(|(name, _)| *name == category);
    found.map_or(OTHER, |(_, color)| *color)
}

/// A bar for each bucket, its categories upon each other.
pub fn timeline(name: &str, timeline: &Timeline) -> Markup {
    let buckets = &timeline.buckets;
    let most = buckets.iter().map(|bucket| bucket.count).max();
    let most = most.unwrap_or_default().max(1);
    let count = f64::from(u32::try_from(buckets.len()).unwrap_or(u32::MAX));
    let label = |place: &f64| label_at(timeline, *place);
    chart(name, HEIGHT, |canvas| {
        let mut chart = ChartBuilder::on(canvas)
            .margin_top(12)
            .margin_right(24)
            .set_label_area_size(LabelAreaPosition::Left, 64)
            .set_label_area_size(LabelAreaPosition::Bottom, 32)
            .build_cartesian_2d(0.0..count, 0..most)?;
        let text = ("sans-serif", FONT).into_font().color(&INK);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(INK)
            .x_labels(7)
            .y_labels(5)
            .x_label_formatter(&label)
            .x_label_style(text)
            .y_label_style(text_style(HPos::Right))
            .draw()?;
        for (bucket, left) in buckets.iter().zip((0..).map(f64::from)) {
            let mut low = 0;
            for (category, count) in &bucket.categories {
                let corners = [(left + 0.06, low), (left + 0.94, low + count)];
                low += count;
                let style = category_color(category).filled();
                chart.draw_series([Rectangle::new(corners, style)])?;
            }
        }
        Ok(())
    })
}

/// When the bucket at a place on the axis begins, if one does there: its day, or day and hour.
fn label_at(timeline: &Timeline, place: f64) -> String {
    let bucket = (timeline.buckets.iter().zip((0..).map(f64::from)))
        .find_map(|(bucket, left)| ((left - place).abs() < 1e-6).then_some(bucket));
    let Some(start) = bucket.map(|bucket| &bucket.start) else {
        return String::new();
    };
    let is_by_day = timeline.bucket_seconds >= 24 * 60 * 60;
    let shown = start.get(if is_by_day { 0..10 } else { 5..16 });
    shown.unwrap_or(start).replace('T', " ")
}
