//! The syntax of a `.env` file.
//!
//! A line is `NAME=value`, with or without `export`. Nothing is replaced in a value, and a comment begins at a `#` after white
//! space. In double quotes, `\"`, `\\` and `\$` stand for the second character.

/// An assignment in a `.env` file, valid or malformed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::foundation::config) struct Assignment {
    /// The line's number, from 1.
    pub(in crate::foundation::config) line: usize,
    pub(in crate::foundation::config) name: String,
    pub(in crate::foundation::config) value: Result<String, MalformedLine>,
}

/// An error in an assignment. Its text names what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::foundation::config) enum MalformedLine {
    #[error("NAME=value")]
    NoEqualsSign,
    #[error("a closing quote")]
    UnclosedQuote,
    #[error("nothing but a comment behind the closing quote")]
    TextAfterQuote,
    #[error("UTF-8 (save the file in that encoding)")]
    NotUtf8,
}

/// Parses all assignments of a text, in order. `is_setting` says which names are settings: other names may have values of
/// several lines.
pub(super) fn assignments(text: &str, is_setting: impl Fn(&str) -> bool) -> Vec<Assignment> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = text.split('\n').collect::<Vec<_>>();
    let mut found = Vec::new();
    let mut index = 0;
    while let Some(text) = lines.get(index) {
        let mut taken = 1;
        if let Some((name, rest)) = split(text) {
            let value = rest.ok_or(MalformedLine::NoEqualsSign).and_then(|rest| {
                let following = if is_setting(name) { &[] } else { &lines[index + 1..] };
                let (value, lines) = value(rest, following);
                taken = lines;
                value
            });
            let value = value
                .and_then(|value| if value.contains('\u{FFFD}') { Err(MalformedLine::NotUtf8) } else { Ok(value) });
            found.push(Assignment { line: index + 1, name: name.to_owned(), value });
        }
        index += taken;
    }
    found
}

/// Splits a line into its name and the text after its equals sign, if it has one. Returns `None` for a blank line or a
/// comment.
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

/// Whether a character is white space, or an invisible character that copied text may contain.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{FEFF}' | '\u{200B}')
}

/// Parses the value that begins in `rest`, and returns the number of its lines. It continues in the `following` lines only
/// within quotes that are closed there.
fn value(rest: &str, following: &[&str]) -> (Result<String, MalformedLine>, usize) {
    let rest = rest.trim_matches(is_blank);
    let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
        return (Ok(without_comment(rest).to_owned()), 1);
    };
    let body = &rest[1..];
    if let Some((inside, after)) = split_at_quote(body, quote) {
        let value = if is_comment(after) { Ok(unescaped(inside, quote)) } else { Err(MalformedLine::TextAfterQuote) };
        return (value, 1);
    }
    let end = following.iter().position(|line| line.contains(quote));
    match end.and_then(|end| Some((end, split_at_quote(following[end], quote)?))) {
        Some((end, (inside, after))) if is_comment(after) => {
            let lines = [&[body], &following[..end], &[inside]].concat();
            (Ok(unescaped(&lines.join("\n"), quote)), end + 2)
        }
        // The quote is never closed, so it is taken for a part of this line only.
        _ => (Err(MalformedLine::UnclosedQuote), 1),
    }
}

/// Splits a text at the next quote that isn't escaped.
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

/// Removes the comment from a value without quotes. A `#` within a word belongs to the word; at the beginning of the value it
/// does if the value is a single word.
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

    fn one(line: &str) -> (String, Result<String, MalformedLine>) {
        let mut found = assignments(line, |name| name.starts_with("OUR"));
        assert_eq!(found.len(), 1, "{line}");
        let Assignment { name, value, .. } = found.remove(0);
        (name, value)
    }

    #[test]
    fn values_are_read_in_all_usual_forms() {
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
    fn malformed_lines_are_reported() {
        for (line, name, malformed) in [
            ("OUR value", "OUR", MalformedLine::NoEqualsSign),
            ("OUR: value=1", "OUR", MalformedLine::NoEqualsSign),
            ("OUR", "OUR", MalformedLine::NoEqualsSign),
            ("OUR=\"value", "OUR", MalformedLine::UnclosedQuote),
            ("OUR=\"a\" b", "OUR", MalformedLine::TextAfterQuote),
            ("OUR=val\u{FFFD}e", "OUR", MalformedLine::NotUtf8),
        ] {
            assert_eq!(one(line), (name.to_owned(), Err(malformed)), "{line}");
        }
    }

    #[test]
    fn values_that_are_not_settings_can_have_several_lines() {
        let text = "KEY=\"-----BEGIN\nOUR=wrong\nabc==\n-----END\" # done\nOUR=right";
        let found = assignments(text, |name| name == "OUR");
        let found = found.iter().map(|it| (it.line, it.name.as_str())).collect::<Vec<_>>();
        assert_eq!(found, [(1, "KEY"), (5, "OUR")]);
    }

    #[test]
    fn an_unclosed_quote_affects_its_own_line_only() {
        for stray in ["A=\"", "A='it is", "A=\"x\nB=\"y\"", "A='x\nB=it's fine"] {
            let found = assignments(&format!("{stray}\nOUR=right\nC=\"z\"\n"), |name| name == "OUR");
            let ours = found.iter().find(|it| it.name == "OUR").map(|it| it.value.as_deref());
            assert_eq!(ours, Some(Ok("right")), "{stray}");
        }
    }

    #[test]
    fn all_line_endings_are_recognized() {
        let names = |text| assignments(text, |_| true).into_iter().map(|it| (it.line, it.name)).collect::<Vec<_>>();
        let expected = [(1, "A".to_owned()), (3, "B".to_owned())];
        for text in ["A=1\n\nB=2", "A=1\r\n\r\nB=2\r\n", "A=1\r\rB=2"] {
            assert_eq!(names(text), expected, "{text:?}");
        }
    }
}
