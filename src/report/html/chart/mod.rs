//! Charts, as SVG.
//!
//! Colours are attributes of the shapes. Those that are not the same in the light and in the dark, [`INK`] and [`GRID`],
//! are named again in `style.css`, which puts the page's own colours in their place.

mod bars;
mod heat_map;
mod moments;
mod timeline;

pub use bars::bars;
pub use heat_map::heat_map;
pub use moments::moments;
pub use timeline::{category_color, timeline};

use std::io;

use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::text::visible;
use crate::process::width::cut;

/// Text and axes.
pub const INK: RGBColor = RGBColor(0x11, 0x11, 0x11);
/// Lines behind a chart.
pub const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// Bars and dots without a meaning of their own.
const PLAIN: RGBColor = RGBColor(0x42, 0x69, 0xd0);
/// What failed.
const FAILED: RGBColor = RGBColor(0xff, 0x72, 0x5c);

/// The width of every chart: they stand below each other.
const WIDTH: u32 = 900;
/// The size of texts.
const FONT: u32 = 17;
/// The height of a row with a label.
const ROW: u32 = 26;
/// Where rows begin, to the right of their labels.
const LABELS: i32 = 250;
/// Labels have so many columns of text.
const LABEL_COLUMNS: usize = 30;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<io::Error>>;

/// A chart of that height, with a name for those who cannot see it.
fn chart(name: &str, height: u32, draw: impl FnOnce(&Canvas<'_>) -> Drawn) -> Markup {
    html! {
        div.chart role="img" aria-label=(name) { (svg((WIDTH, height), draw)) }
    }
}

/// A drawing of that width and height.
fn svg(size: (u32, u32), draw: impl FnOnce(&Canvas<'_>) -> Drawn) -> Markup {
    let mut svg = String::new();
    {
        let canvas = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        // Drawing into memory does not fail.
        let _ = draw(&canvas).and_then(|()| canvas.present());
    }
    PreEscaped(svg)
}

/// A patch of a colour, for a legend.
pub fn swatch(color: RGBColor) -> Markup {
    let RGBColor(red, green, blue) = color;
    let color = format!("#{red:02X}{green:02X}{blue:02X}");
    html! {
        svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect width="10" height="10" fill=(color) {} }
    }
}

/// How text in a chart looks, and which of its sides stands at its place.
fn text_style(side: HPos) -> TextStyle<'static> {
    let style = ("sans-serif", FONT).into_font().color(&INK);
    style.pos(Pos::new(side, VPos::Center))
}

/// Writes a text, vertically centred, with that side of it at a place.
fn write(canvas: &Canvas<'_>, text: &str, side: HPos, at: (i32, i32)) -> Drawn {
    canvas.draw(&Text::new(text, at, text_style(side)))
}

/// The label of the row whose middle is at `y`.
fn write_label(canvas: &Canvas<'_>, label: &str, y: i32) -> Drawn {
    write(
        canvas,
        &cut(&visible(label), LABEL_COLUMNS),
        HPos::Left,
        (0, y),
    )
}

/// The middle of a row.
fn middle(row: usize) -> i32 {
    to_pixels(row) * to_pixels(ROW) + to_pixels(ROW / 2)
}

/// The height of so many rows.
fn rows(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).saturating_mul(ROW)
}

/// A number that is small, as the place of something in a chart.
fn to_pixels<T: TryInto<i32>>(number: T) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// Which part of a whole something is.
#[expect(clippy::cast_precision_loss, reason = "a pixel is never off by that")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_has_the_colors_that_change_in_the_dark() {
        let style = include_str!("../style.css");
        for RGBColor(red, green, blue) in [INK, GRID] {
            for attribute in ["fill", "stroke"] {
                let selector = format!("[{attribute}=\"#{red:02X}{green:02X}{blue:02X}\"]");
                assert!(style.contains(&selector), "{selector}");
            }
        }
    }
}
