//! The methods of each path.

use poem::http::HeaderValue;

/// The methods that a path takes.
pub(in crate::api) struct PathMethods {
    /// As in the contract: a segment in braces stands for any.
    pub(in crate::api) path: String,
    /// As an `Allow` header says them.
    pub(in crate::api) methods: HeaderValue,
}

impl PathMethods {
    pub(super) fn is_of(&self, path: &str) -> bool {
        let (own, asked) = (self.path.split('/'), path.split('/'));
        own.clone().count() == asked.clone().count()
            && own.zip(asked).all(|(own, it)| own == it || own.starts_with('{'))
    }
}
