//! Charts of horizontal bars with names, for a few things of very different size.

use std::io;

use plotters::{
    backend::SVGBackend,
    drawing::{DrawingAreaErrorKind, IntoDrawingArea},
    element::{Rectangle, Text},
    style::{Color, IntoFont, RGBColor},
};

use super::palette::{INK, LABEL_SIZE};

/// The height of a bar with its name above it, in pixels.
const ROW: i32 = 44;

/// The offset and the height of the bar in its row.
const BAR: (i32, i32) = (22, 14);

/// The room for a value behind its bar.
const VALUE_WIDTH: u32 = 110;

/// The most characters of a name that fit on a phone.
const NAME_CHARS: usize = 40;

/// A bar with its name and its value as text.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) text: String,
}

/// Draws bars as SVG; empty without bars.
pub(super) fn svg(bars: &[Bar], color: RGBColor, width: u32) -> String {
    let mut svg = String::new();
    match draw(&mut svg, bars, color, width) {
        Ok(()) => svg,
        // Drawing to memory does not fail.
        Err(_) => String::new(),
    }
}

fn draw(svg: &mut String, bars: &[Bar], color: RGBColor, width: u32) -> Result<(), DrawingAreaErrorKind<io::Error>> {
    if bars.is_empty() {
        return Ok(());
    }
    let rows = u32::try_from(bars.len()).unwrap_or_default();
    let root = SVGBackend::with_string(svg, (width, rows * ROW.unsigned_abs())).into_drawing_area();
    let longest = bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
    let style = ("sans-serif", LABEL_SIZE).into_font().color(&INK);
    let tops = (0..).map(|row| row * ROW);
    for (bar, top) in bars.iter().zip(tops) {
        #[expect(clippy::cast_possible_truncation, reason = "a position in the chart")]
        let end = (bar.value / longest * f64::from(width - VALUE_WIDTH)).max(1.0) as i32;
        let (upper, lower) = (top + BAR.0, top + BAR.0 + BAR.1);
        root.draw(&Text::new(shown(&bar.name), (0, top + 3), style.clone()))?;
        root.draw(&Rectangle::new([(0, upper), (end, lower)], color.filled()))?;
        root.draw(&Text::new(bar.text.clone(), (end + 6, upper), style.clone()))?;
    }
    root.present()
}

fn shown(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
