//! Tables as text, in columns of equal width.

/// Returns a table's lines. The first `left` columns are left-aligned, the others are right-aligned. A character is taken for one
/// place on the screen.
pub(super) fn lines(rows: &[Vec<String>], left: usize) -> impl Iterator<Item = String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths = (0..columns).map(|column| width(column).unwrap_or_default()).collect::<Vec<_>>();
    rows.iter().map(move |row| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(
            |(column, (cell, &width))| {
                if column < left { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            },
        );
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_longest_cell_has_characters() {
        let rows = [["name", "turns"], ["Zoë", "1"], ["größer", "1,000"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(lines(&rows, 1).collect::<Vec<_>>(), ["name    turns", "Zoë         1", "größer  1,000"]);
        assert_eq!(lines(&rows, 2).collect::<Vec<_>>(), ["name    turns", "Zoë     1", "größer  1,000"]);
    }
}
