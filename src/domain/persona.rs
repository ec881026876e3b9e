//! Personas: the character in which a model answers, with its prompt, its model settings and its built-in replies.

use serde::Deserialize;

/// The line before and after the front matter of a persona's file.
const DELIMITER: &str = "+++";

/// A persona as defined by a Markdown file: front matter in TOML between two lines `+++`, then the prompt.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// The id that clients send: the name of the persona's file without `.md`.
    #[serde(skip)]
    pub id: String,
    /// The display name.
    pub name: String,
    /// The first message of a conversation, shown by the chat window; empty for the window's default.
    #[serde(default)]
    pub greeting: String,
    /// The URL of the avatar image: a path on this server, or an `https` URL.
    pub avatar: Option<String>,
    /// The model that answers as this persona, unless a request names another model.
    pub model: Option<String>,
    /// The sampling temperature of the model, from 0 to 2.
    pub temperature: Option<f64>,
    /// The maximum length of an answer, in tokens.
    pub max_tokens: Option<u32>,
    /// The maximum number of earlier turns sent to the model; `None` for as many as fit into its context window.
    pub turns: Option<usize>,
    /// The replies of the built-in responder; the first entry that matches a message is used.
    #[serde(default)]
    pub demo: Vec<DemoLine>,
    /// The system prompt that describes the persona to the model. Clients never receive it.
    #[serde(skip)]
    pub prompt: String,
}

/// Replies of the built-in responder to messages that contain one of some words.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoLine {
    /// Words and phrases that a message is searched for, as whole words without regard to case. An empty list matches
    /// every message.
    #[serde(default)]
    pub words: Vec<String>,
    /// The possible replies, one of which is chosen.
    pub replies: Vec<String>,
}

/// The reason why a persona's file is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPersona {
    /// The front matter does not begin or does not end.
    #[error("a persona begins with a line +++ (not ---), then come its settings in TOML, another line +++, its prompt")]
    NoFrontMatter,
    /// The front matter is not TOML, has unknown settings, or has invalid values.
    #[error("its settings are not as they should be: {0}")]
    Settings(String),
    /// The prompt below the front matter is missing.
    #[error("there is no prompt below its settings")]
    NoPrompt,
    /// The file's name is not a valid id.
    #[error("its file's name may have letters, digits, hyphens and underscores before the .md")]
    Name,
}

impl Persona {
    /// Parses the text of a persona's file. `id` is the file's name without `.md`: ASCII letters, digits, `-` and `_`.
    pub fn parse(id: &str, text: &str) -> Result<Self, InvalidPersona> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || !id.bytes().all(is_plain) {
            return Err(InvalidPersona::Name);
        }
        let (settings, prompt) = split_front_matter(text).ok_or(InvalidPersona::NoFrontMatter)?;
        let persona: Self = toml::from_str(&settings).map_err(|error| {
            // The front matter begins on the second line.
            let line = error.span().map_or(1, |span| settings[..span.start].lines().count().max(1) + 1);
            invalid(&format!("{} (line {line})", error.message()))
        })?;
        persona.check()?;
        if prompt.is_empty() {
            return Err(InvalidPersona::NoPrompt);
        }
        Ok(Self { id: id.to_owned(), prompt, ..persona })
    }

    fn check(&self) -> Result<(), InvalidPersona> {
        self.check_settings()?;
        self.demo.iter().try_for_each(DemoLine::check)
    }

    fn check_settings(&self) -> Result<(), InvalidPersona> {
        if self.name.trim().is_empty() {
            return Err(invalid("name is blank"));
        }
        if self.model.as_ref().is_some_and(|model| model.trim().is_empty()) {
            return Err(invalid("model is blank"));
        }
        if self.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
            return Err(invalid("temperature is not between 0 and 2"));
        }
        if self.max_tokens == Some(0) {
            return Err(invalid("max_tokens is 0"));
        }
        let is_url = |url: &String| url.starts_with('/') || url.starts_with("https://");
        if self.avatar.as_ref().is_some_and(|avatar| !is_url(avatar)) {
            return Err(invalid("avatar begins neither with / nor with https://"));
        }
        Ok(())
    }
}

impl DemoLine {
    fn check(&self) -> Result<(), InvalidPersona> {
        if self.replies.is_empty() || self.replies.iter().any(|reply| reply.trim().is_empty()) {
            return Err(invalid("a demo line has no replies, or a blank one"));
        }
        if self.words.iter().any(|word| !word.contains(char::is_alphanumeric)) {
            return Err(invalid("a word of a demo line has neither letters nor digits"));
        }
        Ok(())
    }
}

fn invalid(problem: &str) -> InvalidPersona {
    InvalidPersona::Settings(problem.to_owned())
}

/// Splits a persona's file into front matter and prompt. White space around the prompt is removed.
fn split_front_matter(text: &str) -> Option<(String, String)> {
    // Some editors write a byte order mark at the start of a file.
    let mut lines = text.trim_start_matches('\u{feff}').trim_start().lines();
    let is_delimiter = |line: &&str| line.trim_end() == DELIMITER;
    lines.next().filter(is_delimiter)?;
    let lines = lines.collect::<Vec<_>>();
    let end = lines.iter().position(is_delimiter)?;
    Some((lines[..end].join("\n"), lines[end + 1..].join("\n").trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_front_matter_and_a_prompt() {
        let text = "+++\nname = \"Eva\"\ntemperature = 0.5\n+++\n\nYou are Eva.\n\n+++\n\nBe kind.\n";
        let eva = Persona::parse("eva", text).unwrap();
        assert_eq!((eva.id.as_str(), eva.name.as_str(), eva.temperature), ("eva", "Eva", Some(0.5)));
        assert_eq!(eva.prompt, "You are Eva.\n\n+++\n\nBe kind.");
        for saved in [text.replace('\n', "\r\n"), format!("\u{feff}{text}"), format!("\n{text}")] {
            assert_eq!(Persona::parse("eva", &saved).unwrap(), eva);
        }
    }

    #[test]
    fn invalid_files_are_refused_with_their_reason() {
        let parse = |text: &str| Persona::parse("eva", text).unwrap_err();
        for text in ["You are Eva.", "+++\nname = \"Eva\"\n", "---\nname: Eva\n---\nYou are Eva."] {
            assert_eq!(parse(text), InvalidPersona::NoFrontMatter, "{text}");
        }
        assert_eq!(parse("+++\nname = \"Eva\"\n+++\n \n"), InvalidPersona::NoPrompt);
        let settings = [
            "",
            "name = \" \"",
            "name = Eva",
            "temperature = 3",
            "temper = 1",
            "prompt = \"\"",
            "max_tokens = 0",
            "avatar = \"javascript:alert(1)\"",
        ];
        for (index, settings) in settings.into_iter().enumerate() {
            let name = if index < 3 { "" } else { "name = \"Eva\"\n" };
            let text = format!("+++\n{name}{settings}\n+++\nYou are Eva.");
            assert!(matches!(parse(&text), InvalidPersona::Settings(_)), "{settings}");
        }
        let of_demo = |demo: &str| parse(&format!("+++\nname = \"Eva\"\n[[demo]]\n{demo}\n+++\nYou are Eva."));
        for demo in ["words = [\"hi\"]", "replies = []", "replies = [\" \"]", "words = [\"♡\"]\nreplies = [\"Hm\"]"] {
            assert!(matches!(of_demo(demo), InvalidPersona::Settings(_)), "{demo}");
        }
        let at = parse("+++\nname = \"Eva\"\n\ntemperature = warm\n+++\nYou are Eva.").to_string();
        assert!(at.ends_with("(line 4)"), "{at}");
        assert_eq!(Persona::parse("../eva", "").unwrap_err(), InvalidPersona::Name);
    }
}
