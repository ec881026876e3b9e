//! Paths of the contract as patterns of requests' paths.

/// Returns whether a path fits a path of the contract, in which a segment in braces stands for any segment.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let (own, asked) = (pattern.split('/'), path.split('/'));
    own.clone().count() == asked.clone().count() && own.zip(asked).all(|(own, it)| own == it || own.starts_with('{'))
}
