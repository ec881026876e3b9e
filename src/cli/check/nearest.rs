//! The names that are nearest to a mistaken one.

/// At most so many of these names, the nearest first.
pub(super) fn nearest<'a>(wanted: &str, names: &'a [String], most: usize) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut names =
        names.iter().map(|name| (distance(&wanted, &name.to_lowercase()), name.as_str())).collect::<Vec<_>>();
    names.sort_unstable();
    names.into_iter().take(most).map(|(_, name)| name).collect()
}

/// How many slips lie between the two names. What a name has beyond the wanted one, such as a date, a publisher or a
/// tag, counts little.
fn distance(wanted: &str, name: &str) -> usize {
    if name.contains(wanted) { 1 } else { 2 + strsim::osa_distance(wanted, name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_names_come_first() {
        let names = ["gpt-4o", "gpt-4o-mini", "llama3.2:latest", "text-embedding-3-small"].map(str::to_owned);
        assert_eq!(nearest("gpt-4o-mni", &names, 1), ["gpt-4o-mini"]);
        assert_eq!(nearest("llama3.2", &names, 1), ["llama3.2:latest"]);
        assert_eq!(nearest("LLama3", &names, 1), ["llama3.2:latest"]);
        assert_eq!(nearest("x", &[], 3), [""; 0]);
    }
}
