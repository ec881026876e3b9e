//! Search for the names that are most similar to a misspelled one.

/// Returns at most `limit` of `names`, the most similar to `wanted` first.
pub(super) fn most_similar<'a>(wanted: &str, names: &'a [String], limit: usize) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut names =
        names.iter().map(|name| (distance(&wanted, &name.to_lowercase()), name.as_str())).collect::<Vec<_>>();
    names.sort_unstable();
    names.into_iter().take(limit).map(|(_, name)| name).collect()
}

/// Returns the distance between two names. A name that contains the wanted one, with a date, a publisher or a tag around it,
/// has a small distance.
fn distance(wanted: &str, name: &str) -> usize {
    if name.contains(wanted) { 1 } else { 2 + strsim::osa_distance(wanted, name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_names_come_first() {
        let names = ["gpt-4o", "gpt-4o-mini", "llama3.2:latest", "text-embedding-3-small"].map(str::to_owned);
        assert_eq!(most_similar("gpt-4o-mni", &names, 1), ["gpt-4o-mini"]);
        assert_eq!(most_similar("llama3.2", &names, 1), ["llama3.2:latest"]);
        assert_eq!(most_similar("LLama3", &names, 1), ["llama3.2:latest"]);
        assert_eq!(most_similar("x", &[], 3), [""; 0]);
    }
}
