//! The parts of a provider's error in a JSON value.

use serde_json::Value;

/// The longest text of an error that is read, in bytes.
pub(super) const MAX_TEXT: usize = 4 << 10;

/// Fields of an error that repeat the request. Their texts are not read.
const REQUEST_FIELDS: [&str; 6] = ["input", "ctx", "body", "messages", "prompt", "request"];

/// Fields that hold an error in a response without an answer: FastAPI's `detail`, problem details (RFC 9457), Baidu's
/// and others'.
const ERROR_FIELDS: [&str; 7] = ["detail", "errors", "message", "msg", "error_msg", "title", "error_code"];

/// Fields that hold a status, as a number or as a string.
const STATUS_FIELDS: [&str; 5] = ["code", "status", "status_code", "http_status", "error_code"];

/// Returns the error in a JSON value: the value itself, or the one in its `error` or `detail` or in its first choice.
pub(super) fn error_within(value: &Value) -> Option<&Value> {
    if let Value::Array(values) = value {
        return values.first().filter(|first| first.is_object()).and_then(error_within);
    }
    let choices = value.get("choices").and_then(Value::as_array);
    let first = choices.and_then(|choices| choices.first());
    let has_answer = first.is_some() || value.get("usage").is_some();
    let is_named = value.get("object").or_else(|| value.get("type")).and_then(Value::as_str) == Some("error");
    let in_error_field =
        not_blank(value.get("error")).or_else(|| not_blank(first.and_then(|choice| choice.get("error"))));
    // A `message` that is an object is an answer in another format.
    let holds_error =
        |field: &&str| not_blank(value.get(*field)).is_some_and(|value| !value.is_object() || *field != "message");
    let is_bare = !has_answer && (ERROR_FIELDS.iter().any(holds_error) || status_within(value).is_some());
    let in_detail = not_blank(value.get("detail")).filter(|detail| !has_answer && detail.is_object());
    in_error_field.or(in_detail).or((is_named || is_bare).then_some(value))
}

/// Returns a field unless it is null, false or blank.
fn not_blank(field: Option<&Value>) -> Option<&Value> {
    field.filter(|value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    })
}

/// Returns the HTTP status of an error, from 400 to 599, in one of its fields.
pub(super) fn status_within(error: &Value) -> Option<u16> {
    let number = |field: &Value| match field {
        Value::String(text) => text.trim().parse::<u64>().ok(),
        field => field.as_u64(),
    };
    let statuses = STATUS_FIELDS.iter().filter_map(|name| number(error.get(*name)?));
    statuses.filter_map(|status| u16::try_from(status).ok()).find(|status| (400..600).contains(status))
}

/// Appends the strings in a value, in its lists and in its objects to `text`, except those that repeat the request.
pub(super) fn collect_texts(value: &Value, text: &mut String) {
    match value {
        Value::String(string) if text.len() < MAX_TEXT => {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&string[..string.floor_char_boundary(MAX_TEXT)]);
        }
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, text)),
        Value::Object(fields) => {
            let own_fields = fields.iter().filter(|(name, _)| !REQUEST_FIELDS.contains(&name.as_str()));
            own_fields.for_each(|(_, value)| collect_texts(value, text));
        }
        _ => {}
    }
}
