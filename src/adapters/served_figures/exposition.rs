//! Prometheus's text format.

use std::collections::BTreeMap;

/// One value with its labels.
#[derive(Debug)]
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    pub(super) labels: BTreeMap<&'a str, String>,
    pub(super) value: f64,
}

impl Sample<'_> {
    /// Returns the value of a counter of whole numbers.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
    pub(super) fn count(&self) -> u64 {
        self.value as u64
    }
}

/// Returns the values in a text, without lines that are none.
pub(super) fn samples(text: &str) -> impl Iterator<Item = Sample<'_>> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample)
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((name, labels)) = series.split_once('{') else {
        return Some(Sample { name: series, labels: BTreeMap::new(), value });
    };
    Some(Sample { name, labels: parse_labels(labels)?, value })
}

/// Parses `name="value",…}`.
fn parse_labels(mut rest: &str) -> Option<BTreeMap<&str, String>> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches(',');
        if rest.starts_with('}') {
            return Some(labels);
        }
        let (name, value) = rest.split_once("=\"")?;
        let (value, length) = unquoted(value)?;
        labels.insert(name, value);
        rest = rest.get(name.len() + 2 + length..)?;
    }
}

/// Returns the text up to the closing quotation mark without its escapes, and its length with the mark.
fn unquoted(text: &str) -> Option<(String, usize)> {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, at + 1)),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}
