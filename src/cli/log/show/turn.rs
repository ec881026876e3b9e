//! One turn, for people.

use super::super::{
    event_line::EventLine,
    numbers::{count, dollars, milliseconds},
    palette::{Palette, Role},
    printable::printable_lines,
};
use crate::services::logged_texts::LineTexts;

/// The space before what belongs to a turn.
const INDENT: &str = "    ";

/// Returns a turn with its number among those that are shown: its end, its numbers, and its texts if they are logged.
pub(super) fn text(line: &EventLine, texts: Option<&LineTexts>, number: u64, palette: Palette) -> String {
    let role = if line.is_error() { Role::Bad } else { Role::Good };
    let user = line.text("username").map(|user| format!(" of {user}")).unwrap_or_default();
    let time = palette.paint(Role::Minor, &line.time());
    let outcome = palette.paint(role, &line.outcome());
    let mut text = format!("{time}  turn {number}{user}: {outcome}\n");
    for fact in [
        model(line),
        times(line),
        tokens(line),
        cost(line),
        guard(line),
        context(line),
        request(line),
        content_key(line),
    ]
    .into_iter()
    .flatten()
    {
        text.push_str(&indented(&fact));
    }
    for (call, number) in line.calls().iter().zip(1_u64..) {
        text.push_str(&indented(&format!("call {number:<4} {}", described(call))));
    }
    text.push_str(&quoted_texts(line, texts, palette));
    text
}

fn indented(fact: &str) -> String {
    format!("{INDENT}{fact}\n")
}

fn model(line: &EventLine) -> Option<String> {
    let model = line.text("model")?;
    let other = |field| line.text(field).filter(|other| *other != model);
    let requested = other("requested_model").map(|name| format!(", instead of {name}"));
    let version = other("response_model").map(|name| format!(", answered as {name}"));
    let persona = line.text("persona").map(|name| format!(", persona {name}"));
    let site = line.text("site").map(|name| format!(", site {name}"));
    let attempts = line.count("attempts").filter(|attempts| *attempts > 1).map(|all| format!(", {all} attempts"));
    let notes = [requested, version, persona, site, attempts].into_iter().flatten().collect::<String>();
    Some(format!("model     {model}{notes}"))
}

fn times(line: &EventLine) -> Option<String> {
    let latency = milliseconds(line.number("latency_ms")?);
    let part = |field, name| line.number(field).map(|ms| format!(", {name} {}", milliseconds(ms))).unwrap_or_default();
    Some(format!(
        "latency   {latency}{}{}",
        part("first_word_ms", "first word after"),
        part("model_ms", "waited for the model")
    ))
}

fn tokens(line: &EventLine) -> Option<String> {
    let total = count(line.count("total_tokens")?);
    let parts = line.count("prompt_tokens").zip(line.count("completion_tokens"));
    let parts =
        parts.map(|(prompt, answer)| format!(": {} in the prompt, {} in the answer", count(prompt), count(answer)));
    let is_estimated = line.text("usage_source").is_some_and(|source| source == "estimated");
    Some(format!("tokens    {total}{}{}", parts.unwrap_or_default(), if is_estimated { ", estimated" } else { "" }))
}

fn cost(line: &EventLine) -> Option<String> {
    let cost = match line.number("cost_usd") {
        Some(usd) => dollars(usd),
        None if line.text("usage_source").is_some_and(|source| source == "none") => return None,
        None => line.value("cost_usd").map(|_| "unknown price".to_owned())?,
    };
    let key = line.text("credential_source").filter(|source| source != "none");
    Some(format!("cost      {cost}{}", key.map(|source| format!(", key of {source}")).unwrap_or_default()))
}

/// Returns what the owner's guard has said, if it was asked.
fn guard(line: &EventLine) -> Option<String> {
    let said = |subject: &str, verdict: &str, time: &str| {
        let verdict = line.text(verdict)?;
        let time = line.number(time).map(|ms| format!(" in {}", milliseconds(ms))).unwrap_or_default();
        Some(format!("{subject} {verdict}{time}"))
    };
    let question = said("question", "guard_question", "guard_question_ms");
    let answer = said("answer", "guard_answer", "guard_answer_ms");
    let all = [question, answer].into_iter().flatten().collect::<Vec<_>>();
    (!all.is_empty()).then(|| format!("guard     {}", all.join(", ")))
}

/// Returns what came of asking the context hook, if it was asked.
fn context(line: &EventLine) -> Option<String> {
    let outcome = line.text("context")?;
    let time = line.number("context_ms").map(|ms| format!(" in {}", milliseconds(ms))).unwrap_or_default();
    let of = |field, what| line.count(field).map(|number| format!(", {} {what}", count(number))).unwrap_or_default();
    Some(format!("context   {outcome}{time}{}{}", of("context_texts", "texts"), of("context_sources", "sources")))
}

/// Returns a call to a model, of which a turn with retries has several.
fn described(call: &EventLine) -> String {
    let outcome = call.text("code").unwrap_or_else(|| "answered".to_owned());
    let waited = call.number("waited_ms").map(|ms| format!(", after a wait of {}", milliseconds(ms)));
    let duration = call.number("ms").map(|ms| format!(", took {}", milliseconds(ms)));
    let model = call.text("model").unwrap_or_default();
    [format!("{model}: {outcome}"), waited.unwrap_or_default(), duration.unwrap_or_default()].concat()
}

fn request(line: &EventLine) -> Option<String> {
    Some(format!("request   {}", line.text("request_id")?))
}

/// Returns the id of the key that has sealed the texts, by which they can be erased.
fn content_key(line: &EventLine) -> Option<String> {
    Some(format!("sealed    content_key {}", line.text("content_key")?))
}

fn quoted_texts(line: &EventLine, texts: Option<&LineTexts>, palette: Palette) -> String {
    let open = |field| line.lines(field);
    let (question, answer) = match texts {
        Some(LineTexts::NotLogged) => (open("message"), open("answer")),
        Some(LineTexts::Readable(texts)) => {
            (Some(printable_lines(&texts.message)), Some(printable_lines(&texts.answer)))
        }
        _ => return unread(texts).unwrap_or_default(),
    };
    let quote = |name, words: Option<String>| words.map(|words| quoted(name, &words, palette)).unwrap_or_default();
    quote("question", question) + &quote("answer", answer)
}

/// Returns the comment of feedback, or why it cannot be read; empty without a comment.
pub(super) fn comment(line: &EventLine, texts: Option<&LineTexts>, palette: Palette) -> String {
    let comment = match texts {
        Some(LineTexts::NotLogged) => line.lines("comment"),
        Some(LineTexts::Comment(comment)) => Some(printable_lines(comment)),
        _ => return unread(texts).unwrap_or_default(),
    };
    comment.map(|words| quoted("comment", &words, palette)).unwrap_or_default()
}

/// Returns why the texts of a line cannot be read; `None` if they can, or are not logged.
fn unread(texts: Option<&LineTexts>) -> Option<String> {
    match texts {
        Some(LineTexts::NotLogged | LineTexts::Readable(_) | LineTexts::Comment(_)) => None,
        Some(LineTexts::Altered) => Some(indented("texts     altered: their key is there, but does not open them")),
        Some(LineTexts::NoKey) => {
            Some(indented("texts     sealed with a key that is not in this database: erased, or made by another one"))
        }
        None => Some(indented("texts     sealed; the database with their key could not be read")),
    }
}

fn quoted(name: &str, words: &str, palette: Palette) -> String {
    let mark = palette.paint(Role::Minor, "|");
    let lines = words.split('\n').map(|words| format!("{INDENT}{mark} {words}\n"));
    format!("{INDENT}{}\n{}", palette.paint(Role::Minor, name), lines.collect::<String>())
}
