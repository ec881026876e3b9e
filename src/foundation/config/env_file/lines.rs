//! The lines of a `.env` file.
//!
//! `NAME=value`, with or without `export`. A value stands as it is written: nothing is replaced in it, and a comment
//! begins at a `#` behind a blank. In double quotes, `\"`, `\\` and `\$` stand for the second character.

/// One line that assigns, or tries to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::foundation::config) struct Assignment {
    /// The line's number, from 1.
    pub(in crate::foundation::config) line: usize,
    pub(in crate::foundation::config) name: String,
    pub(in crate::foundation::config) value: Result<String, Malformed>,
}

/// What is wrong with an assignment. Worded as what was expected instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::foundation::config) enum Malformed {
    #[error("NAME=value")]
    NoEqualsSign,
    #[error("a closing quote")]
    UnclosedQuote,
    #[error("nothing but a comment behind the closing quote")]
    TextBehindQuote,
    #[error("UTF-8 (save the file in that encoding)")]
    NotUtf8,
}

/// All assignments of a text, in order.
pub(super) fn assignments(text: &str, is_setting: impl Fn(&str) -> bool) -> Vec<Assignment> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = text.split('\n').collect::<Vec<_>>();
    let mut found = Vec::new();
    let mut index = 0;
    while let Some(text) = lines.get(index) {
        let mut taken = 1;
        if let Some((name, rest)) = split(text) {
            let value = rest.ok_or(Malformed::NoEqualsSign).and_then(|rest| {
                let following = if is_setting(name) { &[] } else { &lines[index + 1..] };
                let (value, lines) = value(rest, following);
                taken = lines;
                value
            });
            let value =
                value.and_then(|value| if value.contains('\u{FFFD}') { Err(Malformed::NotUtf8) } else { Ok(value) });
            found.push(Assignment { line: index + 1, name: name.to_owned(), value });
        }
        index += taken;
    }
    found
}

/// A line's name, and what stands behind its equals sign if it has one. `None` for a blank line or a comment.
fn split(line: &str) -> Option<(&str, Option<&str>)> {
    let line = line.trim_matches(is_blank);
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let exported = line.strip_prefix("export").filter(|rest| rest.starts_with(is_blank));
    let line = exported.map_or(line, |rest| rest.trim_start_matches(is_blank));
    let first_word = |text| str::split(text, |c: char| is_blank(c) || c == ':').next().unwrap_or_default();
    match line.split_once('=') {
        Some((name, rest)) if !name.trim_matches(is_blank).contains(is_blank) => {
            Some((name.trim_matches(is_blank), Some(rest)))
        }
        _ => Some((first_word(line), None)),
    }
}

/// White space, and the invisible characters that come along with text copied from elsewhere.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{FEFF}' | '\u{200B}')
}

/// The value that `rest` holds or begins, and over how many lines. It goes on in the `following` lines only in quotes
/// that end there.
fn value(rest: &str, following: &[&str]) -> (Result<String, Malformed>, usize) {
    let rest = rest.trim_matches(is_blank);
    let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
        return (Ok(without_comment(rest).to_owned()), 1);
    };
    let body = &rest[1..];
    if let Some((inside, behind)) = split_at_quote(body, quote) {
        let value = if is_comment(behind) { Ok(unescaped(inside, quote)) } else { Err(Malformed::TextBehindQuote) };
        return (value, 1);
    }
    let end = following.iter().position(|line| line.contains(quote));
    match end.and_then(|end| Some((end, split_at_quote(following[end], quote)?))) {
        Some((end, (inside, behind))) if is_comment(behind) => {
            let lines = [&[body], &following[..end], &[inside]].concat();
            (Ok(unescaped(&lines.join("\n"), quote)), end + 2)
        }
        // The quote is a stray one: what follows is for itself.
        _ => (Err(Malformed::UnclosedQuote), 1),
    }
}

/// What stands before and behind the next quote that isn't escaped.
fn split_at_quote(text: &str, quote: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    let is_end = |(_, c): &(usize, char)| {
        let is_end = !escaped && *c == quote;
        escaped = quote == '"' && *c == '\\' && !escaped;
        is_end
    };
    let (end, _) = text.char_indices().find(is_end)?;
    Some((&text[..end], &text[end + 1..]))
}

fn is_comment(text: &str) -> bool {
    let text = text.trim_matches(is_blank);
    text.is_empty() || text.starts_with('#')
}

/// A value without quotes. A `#` within a word belongs to it; one at the very beginning does if it begins a single word.
fn without_comment(text: &str) -> &str {
    if text.starts_with('#') && (text.len() == 1 || text.contains(is_blank)) {
        return "";
    }
    let comment = text.match_indices('#').find(|(at, _)| text[..*at].ends_with(is_blank));
    comment.map_or(text, |(at, _)| text[..at].trim_end_matches(is_blank))
}

fn unescaped(text: &str, quote: char) -> String {
    if quote != '"' {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let escaped = if c == '\\' { rest.next_if(|next| matches!(next, '"' | '\\' | '$')) } else { None };
        out.push(escaped.unwrap_or(c));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> (String, Result<String, Malformed>) {
        let mut found = assignments(line, |name| name.starts_with("OUR"));
        assert_eq!(found.len(), 1, "{line}");
        let Assignment { name, value, .. } = found.remove(0);
        (name, value)
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        for (line, value) in [
            ("A=b", "b"),
            ("  export A = b ", "b"),
            ("export\tA=b", "b"),
            ("\u{FEFF}A=b", "b"),
            ("A=", ""),
            ("A=sk-a$b$$c${d}", "sk-a$b$$c${d}"),
            ("A=one two  three", "one two  three"),
            ("A=one # two", "one"),
            ("A=one\t# two", "one"),
            ("A=one#two", "one#two"),
            ("A= # two", ""),
            ("A=# put it here", ""),
            ("A=#one", "#one"),
            ("A=\"one # two\" # three", "one # two"),
            ("A='one $two \\n'#three", "one $two \\n"),
            ("A=`it's \"one\"`", "it's \"one\""),
            (r#"A="a\"b\\c\$d""#, r#"a"b\c$d"#),
            (r#"A="C:\temp\new""#, r"C:\temp\new"),
            (r"A=C:\temp\new", r"C:\temp\new"),
            ("A=a=b==", "a=b=="),
            ("A=it's", "it's"),
            ("A='one\" # two'", "one\" # two"),
            ("A=\"\"", ""),
        ] {
            assert_eq!(one(line), ("A".to_owned(), Ok(value.to_owned())), "{line}");
        }
    }

    #[test]
    fn what_is_malformed_is_named() {
        for (line, name, malformed) in [
            ("OUR value", "OUR", Malformed::NoEqualsSign),
            ("OUR: value=1", "OUR", Malformed::NoEqualsSign),
            ("OUR", "OUR", Malformed::NoEqualsSign),
            ("OUR=\"value", "OUR", Malformed::UnclosedQuote),
            ("OUR=\"a\" b", "OUR", Malformed::TextBehindQuote),
            ("OUR=val\u{FFFD}e", "OUR", Malformed::NotUtf8),
        ] {
            assert_eq!(one(line), (name.to_owned(), Err(malformed)), "{line}");
        }
    }

    #[test]
    fn values_of_other_programs_may_have_several_lines() {
        let text = "KEY=\"-----BEGIN\nOUR=wrong\nabc==\n-----END\" # done\nOUR=right";
        let found = assignments(text, |name| name == "OUR");
        let found = found.iter().map(|it| (it.line, it.name.as_str())).collect::<Vec<_>>();
        assert_eq!(found, [(1, "KEY"), (5, "OUR")]);
    }

    #[test]
    fn a_stray_quote_swallows_nothing() {
        for stray in ["A=\"", "A='it is", "A=\"x\nB=\"y\"", "A='x\nB=it's fine"] {
            let found = assignments(&format!("{stray}\nOUR=right\nC=\"z\"\n"), |name| name == "OUR");
            let ours = found.iter().find(|it| it.name == "OUR").map(|it| it.value.as_deref());
            assert_eq!(ours, Some(Ok("right")), "{stray}");
        }
    }

    #[test]
    fn every_line_ending_is_one() {
        let names = |text| assignments(text, |_| true).into_iter().map(|it| (it.line, it.name)).collect::<Vec<_>>();
        let expected = [(1, "A".to_owned()), (3, "B".to_owned())];
        for text in ["A=1\n\nB=2", "A=1\r\n\r\nB=2\r\n", "A=1\r\rB=2"] {
            assert_eq!(names(text), expected, "{text:?}");
        }
    }
}
