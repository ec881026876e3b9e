//! Numbers of things, as people read them.

/// Returns a number with a comma between each three digits.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Returns a number of things with their name, which is `one` for a single one.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas_and_a_name_in_singular_or_plural() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(count), ["0", "12", "999", "1,000", "1,234,567"]);
        let turns = [0, 1, 2, 1000].map(|number| counted(number, "turn", "turns"));
        assert_eq!(turns, ["0 turns", "1 turn", "2 turns", "1,000 turns"]);
    }
}
