//! The media types that a client accepts, by its `Accept` headers (RFC 9110, 12.5.1).

use mediatype::{MediaType, MediaTypeList, Name, ReadParams, names};
use poem::http::{HeaderMap, header};

/// The media type of event streams.
pub(super) const EVENT_STREAM: MediaType<'static> = MediaType::new(names::TEXT, Name::new_unchecked("event-stream"));

/// The media type of JSON.
pub(super) const JSON: MediaType<'static> = MediaType::new(names::APPLICATION, names::JSON);

/// The media type of plain text.
pub(super) const PLAIN_TEXT: MediaType<'static> = MediaType::new(names::TEXT, names::PLAIN);

/// The media type of metrics in the OpenMetrics text format.
pub(super) const OPEN_METRICS: MediaType<'static> =
    MediaType::new(names::APPLICATION, Name::new_unchecked("openmetrics-text"));

/// Returns the weight (`q`) of a media type in the `Accept` headers, from 0 to 1: 1 if it is listed without a weight, 0 if
/// it is not listed or its weight is malformed. The highest counts if it is listed several times.
///
/// Wildcards are left out: they accept the type, but don't ask for it. Malformed elements of the list are ignored.
pub(super) fn weight(headers: &HeaderMap, media_type: &MediaType<'_>) -> f32 {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let listed = lines.flat_map(MediaTypeList::new).flatten().filter(|listed| listed.essence() == *media_type);
    listed.map(|listed| own_weight(&listed)).fold(0.0, f32::max)
}

fn own_weight(listed: &MediaType<'_>) -> f32 {
    let Some(weight) = listed.get_param(names::Q) else { return 1.0 };
    weight.as_str().parse().ok().filter(|weight: &f32| !weight.is_nan()).map_or(0.0, |weight| weight.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn weight_of_events(lines: &[&str]) -> f32 {
        let headers = lines.iter().map(|line| (header::ACCEPT, HeaderValue::from_str(line).unwrap())).collect();
        weight(&headers, &EVENT_STREAM)
    }

    #[track_caller]
    fn assert_weight(accept: &str, expected: f32) {
        assert!((weight_of_events(&[accept]) - expected).abs() < f32::EPSILON, "{accept}");
    }

    #[test]
    fn listed_types_have_their_weight() {
        assert_weight("text/event-stream", 1.0);
        assert_weight("Text/Event-Stream; Q=0.5", 0.5);
        assert_weight("text/event-stream;charset=utf-8;q=0.25", 0.25);
        assert_weight("application/json, text/event-stream ; q=0.75", 0.75);
        assert_weight("text/plain;a=\"x, text/event-stream\", text/event-stream;q=0.3", 0.3);
        assert_weight("text/event-stream;q=0.1, text/event-stream;q=0.9", 0.9);
        assert!((weight_of_events(&["text/html", "text/event-stream;q=0.5"]) - 0.5).abs() < f32::EPSILON);
    }

    #[test]
    fn excluded_types_and_wildcards_weigh_nothing() {
        for accept in ["", "*/*", "text/*", "text/event-stream;q=0", "text/event-stream;q=0.000", "text/event-streams"]
        {
            assert_weight(accept, 0.0);
        }
        assert_weight("", 0.0);
        assert!(weight_of_events(&[]) < f32::EPSILON);
    }

    #[test]
    fn malformed_elements_are_ignored() {
        assert_weight(",, garbage, text/, /x, text/event-stream,", 1.0);
        for weight in ["x", "nan", "-1", "\"\"", ""] {
            assert_weight(&format!("text/event-stream;q={weight}"), 0.0);
        }
        assert_weight("text/event-stream;q=7", 1.0);
        assert_weight("text/event-stream\\, \"", 0.0);
    }

    proptest! {
        #[test]
        fn every_weight_is_between_0_and_1(accept in "[ -~]{0,40}(text/event-stream)?[ -~]{0,40}") {
            prop_assert!((0.0..=1.0).contains(&weight_of_events(&[&accept])));
        }
    }
}
