//! The charts of the page.

use plotters::style::RGBColor;

use super::{
    bars::{self, Bar},
    columns::{Column, ColumnChart},
    palette::{ERRORS, NARROW, TURNS, WIDE},
    timeline::{Timeline, number, turns_label},
};
use crate::{
    cli::log::{
        numbers::{count, milliseconds},
        printable::printable,
    },
    services::log_report::{Bucket, Summary},
};

/// The number of labels along a wide and a narrow chart.
const LABELS: [usize; 2] = [8, 4];

/// The most bars of a chart.
const MAX_BARS: usize = 8;

/// A chart in two sizes, of which the page shows one.
pub(super) struct Figure {
    pub(super) title: String,
    /// The styles and names of the colours, where there are several.
    pub(super) legend: Option<&'static [(&'static str, &'static str)]>,
    pub(super) wide: String,
    pub(super) narrow: String,
}

/// Returns the charts that have something to show.
pub(super) fn figures(summary: &Summary) -> Vec<Figure> {
    let timeline = Timeline::of(&summary.hours);
    let models = summary.models.iter().filter_map(|tally| Some((tally.name.clone()?, tally.turns)));
    let models = models.collect::<Vec<_>>();
    let mut figures = vec![turns(&timeline)];
    figures.extend(timeline.has_cost().then(|| cost(&timeline)));
    figures.push(latencies(&summary.latencies));
    figures.push(named("Errors by code", &summary.turns.errors_by_code.0, ERRORS));
    figures.push(named("Turns by model", &models, TURNS));
    figures.retain(|figure| !figure.wide.is_empty());
    figures
}

fn turns(timeline: &Timeline) -> Figure {
    let legend: &[_] = &[("turns", "answered"), ("errors", "errors")];
    let chart = |labels| timeline.turns(labels);
    Figure { legend: Some(legend), ..columns(format!("Turns by {}", timeline.unit_name()), chart) }
}

fn cost(timeline: &Timeline) -> Figure {
    columns(format!("Cost by {} in US dollars", timeline.unit_name()), |labels| timeline.cost(labels))
}

fn columns(title: String, chart: impl Fn(usize) -> ColumnChart) -> Figure {
    let [wide, narrow] = [(LABELS[0], WIDE), (LABELS[1], NARROW)].map(|(labels, size)| chart(labels).svg(size));
    Figure { title, legend: None, wide, narrow }
}

fn latencies(buckets: &[Bucket]) -> Figure {
    columns("Turns by latency".to_owned(), |labels| {
        let positions = buckets.iter().zip(0_u32..);
        let column = |(bucket, position): (&Bucket, u32)| {
            let from = f64::from(position);
            Column { from, to: from + 1.0, parts: vec![(number(bucket.turns), TURNS)] }
        };
        let every = buckets.len().div_ceil(labels).max(1);
        let tick = |(bucket, position): (&Bucket, u32)| (f64::from(position), milliseconds(bucket.from_ms));
        ColumnChart {
            columns: positions.clone().map(column).collect(),
            ticks: positions.step_by(every).map(tick).collect(),
            value: turns_label,
        }
    })
}

fn named(title: &str, names: &[(String, u64)], color: RGBColor) -> Figure {
    let bar = |(name, turns): &(String, u64)| Bar {
        name: printable(name).into_owned(),
        value: number(*turns),
        text: count(*turns),
    };
    let bars = names.iter().take(MAX_BARS).map(bar).collect::<Vec<_>>();
    let [wide, narrow] = [WIDE, NARROW].map(|(width, _)| bars::svg(&bars, color, width));
    Figure { title: title.to_owned(), legend: None, wide, narrow }
}
