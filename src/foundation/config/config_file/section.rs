//! Reading the fields of a table of the configuration file. Mistakes are collected.

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::mistakes::{Line, Mistakes};

/// A table of the file, of whose fields all names are known.
pub(super) struct Section<'a> {
    /// The name before those of its fields: empty, or ending with a dot.
    prefix: String,
    table: &'a DeTable<'a>,
    /// The position of the table in the text.
    at: usize,
    mistakes: &'a Mistakes<'a>,
}

impl<'a> Section<'a> {
    /// Reports the fields of the table that have other names.
    pub(super) fn new(
        prefix: String,
        table: &'a DeTable<'a>,
        at: usize,
        fields: &[&str],
        mistakes: &'a Mistakes<'a>,
    ) -> Self {
        let unknown = table.keys().filter(|name| !fields.contains(&name.get_ref().as_ref()));
        for name in unknown {
            let shown = name.get_ref().chars().filter(|c| !c.is_control()).take(40).collect::<String>();
            let fields = fields.iter().map(|field| format!("{prefix}{field}")).collect::<Vec<_>>().join(", ");
            mistakes.add(name.span().start, format!("one of {fields}, and not {prefix}{shown},"));
        }
        Self { prefix, table, at, mistakes }
    }

    /// Returns the line at which the table begins.
    pub(super) fn line(&self) -> usize {
        self.mistakes.line(self.at)
    }

    /// Returns the line of a field's value, or of the table if it does not have the field.
    pub(super) fn line_of(&self, field: &str) -> Line {
        Line(self.mistakes.line(self.at(field)))
    }

    /// Whether the table has a field.
    pub(super) fn has(&self, field: &str) -> bool {
        self.value(field).is_some()
    }

    /// Returns the number of the table's fields.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Reports a field that the table must have, and does not have.
    pub(super) fn require(&self, field: &str, expected: &str) {
        if !self.has(field) {
            self.report_field(field, expected);
        }
    }

    /// Reports what is wrong with a field, or with the table if it does not have the field.
    pub(super) fn report_field(&self, field: &str, expected: &str) {
        self.mistakes.add(self.at(field), format!("{expected} as {}{field}", self.prefix));
    }

    /// Reports what is wrong with a part of a field, at a position of the text.
    pub(super) fn report_at(&self, at: usize, expected: &str, field: &str) {
        self.mistakes.add(at, format!("{expected} in {}{field}", self.prefix));
    }

    /// Returns the position of a field's value, or of the table if it does not have the field.
    fn at(&self, field: &str) -> usize {
        self.value(field).map_or(self.at, |value| value.span().start)
    }

    fn value(&self, field: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(field)
    }

    /// Returns the value of a field; `None` if it is missing, or invalid, which is reported.
    pub(super) fn read<T>(
        &self,
        field: &str,
        expected: &str,
        parse: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let read = parse(self.value(field)?.get_ref());
        if read.is_none() {
            self.report_field(field, expected);
        }
        read
    }

    /// Returns the parsed text of a field in the same way. The text is trimmed.
    pub(super) fn text<T>(&self, field: &str, expected: &str, parse: impl FnOnce(&'a str) -> Option<T>) -> Option<T> {
        self.read(field, expected, |value| parse(value.as_str()?.trim()))
    }

    /// Returns the entries of a list of texts, each parsed; `None` if the field is missing, or it is no list with at least one
    /// entry, or an entry is invalid: these are reported, each at its place.
    pub(super) fn list<T>(&self, field: &str, expected: &str, parse: impl Fn(&'a str) -> Option<T>) -> Option<Vec<T>> {
        let entries = self.read(field, &format!("a list of {expected}"), |value| {
            value.as_array().filter(|entries| !entries.is_empty())
        })?;
        let entry = |entry: &'a Spanned<DeValue<'a>>| {
            let parsed = entry.get_ref().as_str().and_then(|text| parse(text.trim()));
            if parsed.is_none() {
                self.report_at(entry.span().start, expected, field);
            }
            parsed
        };
        // All entries are read before the first invalid one counts.
        let parsed = entries.iter().map(entry).collect::<Vec<_>>();
        parsed.into_iter().collect()
    }

    /// Returns the table of a field.
    pub(super) fn table(&self, field: &str, fields: &[&str]) -> Option<Section<'a>> {
        let table = self.read(field, "a table", DeValue::as_table)?;
        Some(Section::new(format!("{}{field}.", self.prefix), table, self.at(field), fields, self.mistakes))
    }

    /// Returns the names and values of a field that is a table with any names.
    pub(super) fn entries(&self, field: &str) -> Vec<(&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)> {
        self.read(field, "a table", DeValue::as_table).into_iter().flat_map(DeTable::iter).collect()
    }

    /// Returns the tables of a field that is a list of them.
    pub(super) fn tables(&self, field: &str, fields: &[&str]) -> Vec<Section<'a>> {
        let expected = format!("tables [[{field}]]");
        let entries = self.read(field, &expected, DeValue::as_array).into_iter().flat_map(|entries| entries.iter());
        let table = |entry: &'a Spanned<DeValue<'a>>| {
            let Some(table) = entry.get_ref().as_table() else {
                self.mistakes.add(entry.span().start, &*expected);
                return None;
            };
            Some(Section::new(String::new(), table, entry.span().start, fields, self.mistakes))
        };
        entries.filter_map(table).collect()
    }
}
