//! The Content-Security-Policy of the documentation page, whose scripts and styles are inline.

use base64::{Engine, prelude::BASE64_STANDARD};
use poem::http::HeaderValue;
use sha2::{Digest, Sha256};

/// Returns a policy that lets a page run exactly the scripts that are in it, and send requests to this server only.
pub(super) fn policy(page: &str) -> Option<HeaderValue> {
    let hashes =
        inline_scripts(page).map(|script| format!(" 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script))));
    let scripts = hashes.collect::<String>();
    // Swagger UI sets styles by attributes and has its pictures in data URLs.
    let policy = format!(
        "default-src 'none'; script-src{scripts}; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
}

/// Returns the texts of a page's `<script>` elements.
fn inline_scripts(page: &str) -> impl Iterator<Item = &str> {
    let mut rest = page;
    std::iter::from_fn(move || {
        let (_, element) = rest.split_once("<script")?;
        let (_, content) = element.split_once('>')?;
        let (script, after) = content.split_once("</script>")?;
        rest = after;
        Some(script)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_inline_script_is_in_the_policy() {
        let page = "<head><script charset=\"UTF-8\">one(\"<script>\")</script></head><script>two()\n</script>";
        assert_eq!(inline_scripts(page).collect::<Vec<_>>(), ["one(\"<script>\")", "two()\n"]);
        let policy = policy("<script>alert('Hello, world.');</script>").unwrap();
        let hash = "script-src 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='; ";
        assert!(policy.to_str().unwrap().contains(hash), "{policy:?}");
    }
}
