//! The report as one HTML page with charts. It needs no other file and no script, and prints.

mod bars;
mod columns;
mod figure;
mod palette;
mod timeline;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::figure::{Figure, figures};
use super::{
    Output,
    numbers::{count, dollars, estimate, milliseconds, percent},
    printable,
    table::{Table, tables},
    text::{accuracy, lines},
};
use crate::services::log_report::TurnSummary;

/// The styles. Charts get their colours here, so that they follow the theme.
const STYLES: &str = include_str!("page.css");

/// Forbids every request, whatever the log contains.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

pub(super) fn format(output: &Output<'_>) -> String {
    let period = output.summary.period.as_ref();
    let period = period.map(|(first, last)| format!("{} to {}", day(first), day(last))).unwrap_or_default();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { "AL-Chat report " (printable(&period)) }
                style { (PreEscaped(STYLES)) }
            }
            body {
                header {
                    h1 { "AL-Chat report" }
                    p { (printable(&period)) }
                    @if let Some(filters) = filters(output) { p { (printable(&filters)) } }
                }
                main {
                    (key_figures(&output.summary.turns))
                    @for figure in figures(output.summary) { (figure_markup(&figure)) }
                    (all_figures(output))
                    @for table in tables(output) { (table_markup(&table)) }
                }
                footer { p { (accuracy(&output.summary.accuracy)) } }
            }
        }
    };
    page.into_string() + "\n"
}

fn day(timestamp: &str) -> &str {
    timestamp.get(..10).unwrap_or(timestamp)
}

/// Returns what was left out, as far as something was.
fn filters(output: &Output<'_>) -> Option<String> {
    let query = output.query;
    let time = |bound: &Option<_>| bound.as_ref().map(ToString::to_string);
    let filters = [
        ("since", time(&query.since)),
        ("until", time(&query.until)),
        ("site", query.site.clone()),
        ("model", query.model.clone()),
        ("user", query.user.clone()),
        ("persona", query.persona.clone()),
    ];
    let shown = filters.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?)));
    let shown = shown.collect::<Vec<_>>();
    (!shown.is_empty()).then(|| format!("Only {}", shown.join(", ")))
}

fn key_figures(turns: &TurnSummary) -> Markup {
    let latency = turns.latency_ms.p95.map_or_else(|| "none".to_owned(), milliseconds);
    let figures = [
        ("turns", count(turns.turns)),
        ("errors", percent(turns.errors, turns.turns)),
        ("visitors", estimate(turns.visitor_count())),
        ("cost", dollars(turns.cost_usd)),
        ("latency, p95", latency),
    ];
    html! {
        ul class="key-figures" {
            @for (name, figure) in figures { li { strong { (figure) } " " span { (name) } } }
        }
    }
}

fn figure_markup(figure: &Figure) -> Markup {
    html! {
        section class="chart" {
            h2 { (figure.title) }
            @if let Some(legend) = figure.legend {
                p class="legend" { @for (class, name) in legend { span class=(class) { (name) } } }
            }
            div class="wide" role="img" aria-label=(figure.title) { (PreEscaped(&figure.wide)) }
            div class="narrow" role="img" aria-label=(figure.title) { (PreEscaped(&figure.narrow)) }
        }
    }
}

fn all_figures(output: &Output<'_>) -> Markup {
    html! {
        section {
            h2 { "Figures" }
            dl { @for (name, figures) in lines(output) { dt { (name) } dd { (printable(&figures)) } } }
        }
    }
}

fn table_markup(table: &Table) -> Markup {
    html! {
        section {
            h2 { (table.title) }
            div class="scrolled" tabindex="0" role="region" aria-label=(table.title) {
                table {
                    thead { tr { @for column in &table.columns { th scope="col" { (column) } } } }
                    tbody {
                        @for row in &table.rows { tr { @for cell in row { td { (printable(cell)) } } } }
                    }
                }
            }
            @if !table.note.is_empty() { p { (table.note) } }
        }
    }
}
