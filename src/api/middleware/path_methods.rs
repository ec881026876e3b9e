//! The methods of each path.

use poem::http::HeaderValue;

use crate::api::path_pattern::fits;

/// The HTTP methods of a path.
pub(in crate::api) struct PathMethods {
    /// The path as in the contract: a segment in braces matches any segment.
    pub(in crate::api) path: String,
    /// The methods as the value of an `Allow` header.
    pub(in crate::api) methods: HeaderValue,
}

impl PathMethods {
    /// Whether a request's path matches this path.
    pub(super) fn is_of(&self, path: &str) -> bool {
        fits(&self.path, path)
    }
}
