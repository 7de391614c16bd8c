//! The hours of a week, each the redder the more happened in it.

use maud::Markup;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{FAILED, GRID, INK, WIDTH, chart, share, text_style, to_pixels, write};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Of a cell. The hours stand in a row of the same height.
const HEIGHT: i32 = 32;
/// Where the hours begin, to the right of the weekdays.
const LEFT: i32 = 60;

/// By weekday, Monday first, and hour of the day.
pub fn heat_map(name: &str, weekdays: &[[u64; 24]; 7]) -> Markup {
    let most = weekdays.iter().flatten().copied().max().unwrap_or_default();
    let width = (to_pixels(WIDTH) - LEFT) / 24;
    let height = u32::try_from(8 * HEIGHT).unwrap_or_default();
    chart(name, height, |canvas| {
        for hour in 0..24 {
            let at = (LEFT + hour * width + width / 2, HEIGHT / 2);
            write(canvas, &format!("{hour:02}"), HPos::Center, at)?;
        }
        for ((day, hours), top) in WEEKDAYS
            .iter()
            .zip(weekdays)
            .zip((1..).map(|row| row * HEIGHT))
        {
            write(canvas, day, HPos::Left, (0, top + HEIGHT / 2))?;
            for (count, left) in hours.iter().zip((0..).map(|hour| LEFT + hour * width)) {
                let corners = [(left, top), (left + width - 2, top + HEIGHT - 2)];
                canvas.draw(&Rectangle::new(corners, GRID.mix(0.4).filled()))?;
                if *count == 0 {
                    continue;
                }
                let heat = 0.15 + 0.85 * share(*count, most);
                canvas.draw(&Rectangle::new(corners, FAILED.mix(heat).filled()))?;
                let style = text_style(HPos::Center);
                // Light text of the dark page could not be read on a bright cell.
                let style = style.color(if heat > 0.6 { &BLACK } else { &INK });
                let at = (left + width / 2 - 1, top + HEIGHT / 2);
                canvas.draw(&Text::new(short(*count), at, style))?;
            }
        }
        Ok(())
    })
}

/// A number that fits into a cell; the table below the chart has all digits.
fn short(count: u64) -> String {
    match count {
        0..1000 => count.to_string(),
        1000..1_000_000 => format!("{}k", count / 1000),
        _ => format!("{}M", count / 1_000_000),
    }
}
