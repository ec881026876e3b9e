//! Fields that clients may send under more than one name.

use super::problem::Problem;
use crate::domain::chat::Image;
use crate::domain::errors::requests;

/// Returns the text of the first field that isn't blank. Fails if another of the fields has a different text, since that
/// text would be ignored.
pub(super) fn single_value<const N: usize>(
    fields: [(&'static str, Option<String>); N],
) -> Result<Option<String>, Problem> {
    let mut value: Option<(&str, String)> = None;
    for (name, text) in fields {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { continue };
        match &value {
            Some((first, before)) if before.trim() != text.trim() => return Err(conflict(first, name)),
            Some(_) => {}
            None => value = Some((name, text)),
        }
    }
    Ok(value.map(|(_, text)| text))
}

/// Reads the image from the field `image_url` or `image`.
pub(super) fn image(image_url: Option<String>, image: Option<String>) -> Result<Option<Image>, Problem> {
    let value = single_value([("image_url", image_url), ("image", image)])?;
    Ok(value.as_deref().map(Image::read).transpose()?)
}

/// Returns the error of two fields with different texts.
fn conflict(first: &str, second: &str) -> Problem {
    let sentence = format!("{first} and {second} are two names of one field, and must not differ");
    Problem::new(&requests::INVALID_REQUEST).with_sentence(sentence).with_field(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_may_be_in_any_of_the_fields() {
        let value = |a: &str, b: &str| single_value([("a", Some(a.to_owned())), ("b", Some(b.to_owned()))]);
        assert_eq!(value("x ", "").unwrap().as_deref(), Some("x "));
        assert_eq!(value(" ", "x").unwrap().as_deref(), Some("x"));
        assert_eq!(value("x ", " x").unwrap().as_deref(), Some("x "));
        assert_eq!(value("", " ").unwrap(), None);
        assert_eq!(value("x", "y").unwrap_err().error, "a and b are two names of one field, and must not differ");
    }
}
