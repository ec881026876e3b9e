//! Charts of columns over time or over latencies.

use std::{io, ops::Range};

use plotters::{
    backend::SVGBackend,
    chart::ChartBuilder,
    coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged},
    drawing::{DrawingAreaErrorKind, IntoDrawingArea},
    element::Rectangle,
    style::{Color, IntoFont, RGBColor},
};

use super::palette::{GRID, INK, LABEL_SIZE};

/// The number of columns from which on they have no gaps.
const MANY: usize = 60;

/// A chart of columns that stand side by side.
pub(super) struct ColumnChart {
    pub(super) columns: Vec<Column>,
    /// Positions of labels on the horizontal axis, with their texts.
    pub(super) ticks: Vec<(f64, String)>,
    /// Formats a value of the vertical axis.
    pub(super) value: fn(f64) -> String,
}

/// A column from one position to another, of parts that stand on each other.
pub(super) struct Column {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) parts: Vec<(f64, RGBColor)>,
}

impl Column {
    fn height(&self) -> f64 {
        self.parts.iter().map(|(value, _)| value).sum()
    }

    fn rectangles(&self, gap: f64) -> impl Iterator<Item = Rectangle<(f64, f64)>> {
        let margin = (self.to - self.from) * gap / 2.0;
        let mut below = 0.0;
        self.parts.iter().filter(|(value, _)| *value > 0.0).map(move |(value, color)| {
            let corners = [(self.from + margin, below), (self.to - margin, below + value)];
            below += value;
            Rectangle::new(corners, color.filled())
        })
    }
}

impl ColumnChart {
    /// Draws the chart as SVG; empty without columns.
    pub(super) fn svg(&self, size: (u32, u32)) -> String {
        let mut svg = String::new();
        match self.draw(&mut svg, size) {
            Ok(()) => svg,
            // Drawing to memory does not fail.
            Err(_) => String::new(),
        }
    }

    fn draw(&self, svg: &mut String, size: (u32, u32)) -> Result<(), DrawingAreaErrorKind<io::Error>> {
        let (Some(first), Some(last)) = (self.columns.first(), self.columns.last()) else { return Ok(()) };
        let height = self.columns.iter().map(Column::height).fold(f64::MIN_POSITIVE, f64::max);
        let root = SVGBackend::with_string(svg, size).into_drawing_area();
        let positions = self.ticks.iter().map(|(position, _)| *position).collect::<Vec<_>>();
        let across = Across { from: first.from, to: last.to, labelled: positions };
        let mut builder = ChartBuilder::on(&root);
        builder.margin(6).margin_right(18).x_label_area_size(26).y_label_area_size(62);
        let mut chart = builder.build_cartesian_2d(across, 0.0..height * 1.05)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh().light_line_style(GRID.mix(0.0)).bold_line_style(GRID).axis_style(GRID);
        mesh.label_style(("sans-serif", LABEL_SIZE).into_font().color(&INK));
        mesh.x_labels(self.ticks.len()).y_labels(5);
        let label = |position: &f64| self.label(*position);
        let value = |value: &f64| (self.value)(*value);
        mesh.x_label_formatter(&label).y_label_formatter(&value).draw()?;
        let gap = if self.columns.len() < MANY { 0.2 } else { 0.0 };
        chart.draw_series(self.columns.iter().flat_map(|column| column.rectangles(gap)))?;
        root.present()
    }

    fn label(&self, position: f64) -> String {
        let found = self.ticks.iter().find(|(tick, _)| (tick - position).abs() < 1e-9);
        found.map(|(_, text)| text.clone()).unwrap_or_default()
    }
}

/// The horizontal axis, which has labels at given positions.
struct Across {
    from: f64,
    to: f64,
    labelled: Vec<f64>,
}

impl Ranged for Across {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "a position in the chart")]
    fn map(&self, value: &f64, (left, right): (i32, i32)) -> i32 {
        let share = (value - self.from) / (self.to - self.from);
        left + (share * f64::from(right - left)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.labelled.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}
