//! Who speaks: what a model is told of who it is, how it is asked, and what is said in its place where there is none.

use serde::Deserialize;

/// What stands above and below the settings.
const FENCE: &str = "+++";

/// A persona, as a Markdown file describes it: settings in TOML between two lines of `+++`, then the prompt.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// The name of its file without `.md`, by which clients ask for it.
    #[serde(skip)]
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it says first; nothing leaves that to the chat window.
    #[serde(default)]
    pub greeting: String,
    /// The address of its picture: a path of this server's, or https.
    pub avatar: Option<String>,
    /// The model that speaks for it, unless the client names another.
    pub model: Option<String>,
    /// How freely the model chooses its words, from 0 to 2.
    pub temperature: Option<f64>,
    /// How long an answer may be, in tokens.
    pub max_tokens: Option<u32>,
    /// So many of the last turns the model is told; all that it can read where nothing is said.
    pub turns: Option<usize>,
    /// What it says without a model. The first of these that fits is said.
    #[serde(default)]
    pub demo: Vec<DemoLine>,
    /// What the model is told of who it is. No client is shown it.
    #[serde(skip)]
    pub prompt: String,
}

/// What a persona says without a model, when one of these is said to it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoLine {
    /// Words and phrases, found as whole words without regard to case; none fit everything.
    #[serde(default)]
    pub words: Vec<String>,
    /// Answers, of which one is said.
    pub replies: Vec<String>,
}

/// A persona's file cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPersona {
    /// The settings don't begin or don't end.
    #[error("a persona begins with a line +++ (not ---), then come its settings in TOML, another line +++, its prompt")]
    NoFence,
    /// The settings are not TOML, or not those of a persona.
    #[error("its settings are not as they should be: {0}")]
    Settings(String),
    /// There is no prompt.
    #[error("there is no prompt below its settings")]
    NoPrompt,
    /// The name of the file is no name for a persona.
    #[error("its file's name may have letters, digits, hyphens and underscores before the .md")]
    Name,
}

impl Persona {
    /// Reads the persona of this name from its file's text.
    pub fn parse(id: &str, text: &str) -> Result<Self, InvalidPersona> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || !id.bytes().all(is_plain) {
            return Err(InvalidPersona::Name);
        }
        let (settings, prompt) = parts(text).ok_or(InvalidPersona::NoFence)?;
        let persona: Self = toml::from_str(&settings).map_err(|error| {
            // The fence is the first line.
            let line = error.span().map_or(1, |place| settings[..place.start].lines().count().max(1) + 1);
            wrong(&format!("{} (line {line})", error.message()))
        })?;
        persona.check()?;
        if prompt.is_empty() {
            return Err(InvalidPersona::NoPrompt);
        }
        Ok(Self { id: id.to_owned(), prompt, ..persona })
    }

    fn check(&self) -> Result<(), InvalidPersona> {
        if self.name.trim().is_empty() {
            return Err(wrong("name is blank"));
        }
        if self.model.as_ref().is_some_and(|model| model.trim().is_empty()) {
            return Err(wrong("model is blank"));
        }
        if self.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
            return Err(wrong("temperature is not between 0 and 2"));
        }
        if self.max_tokens == Some(0) {
            return Err(wrong("max_tokens is 0"));
        }
        let is_web = |address: &String| address.starts_with('/') || address.starts_with("https://");
        if self.avatar.as_ref().is_some_and(|avatar| !is_web(avatar)) {
            return Err(wrong("avatar begins neither with / nor with https://"));
        }
        let is_blank = |text: &String| text.trim().is_empty();
        if self.demo.iter().any(|line| line.replies.is_empty() || line.replies.iter().any(is_blank)) {
            return Err(wrong("a demo line has no replies, or a blank one"));
        }
        let has_no_letters = |word: &String| !word.contains(char::is_alphanumeric);
        if self.demo.iter().any(|line| line.words.iter().any(has_no_letters)) {
            return Err(wrong("a word of a demo line has neither letters nor digits"));
        }
        Ok(())
    }
}

fn wrong(what: &str) -> InvalidPersona {
    InvalidPersona::Settings(what.to_owned())
}

/// The settings, and the prompt without the blanks around it.
fn parts(text: &str) -> Option<(String, String)> {
    // Some editors begin a file with a mark of its encoding.
    let mut lines = text.trim_start_matches('\u{feff}').trim_start().lines();
    let is_fence = |line: &&str| line.trim_end() == FENCE;
    lines.next().filter(is_fence)?;
    let lines = lines.collect::<Vec<_>>();
    let end = lines.iter().position(is_fence)?;
    Some((lines[..end].join("\n"), lines[end + 1..].join("\n").trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_settings_and_a_prompt() {
        let text = "+++\nname = \"Eva\"\ntemperature = 0.5\n+++\n\nYou are Eva.\n\n+++\n\nBe kind.\n";
        let eva = Persona::parse("eva", text).unwrap();
        assert_eq!((eva.id.as_str(), eva.name.as_str(), eva.temperature), ("eva", "Eva", Some(0.5)));
        assert_eq!(eva.prompt, "You are Eva.\n\n+++\n\nBe kind.");
        for saved in [text.replace('\n', "\r\n"), format!("\u{feff}{text}"), format!("\n{text}")] {
            assert_eq!(Persona::parse("eva", &saved).unwrap(), eva);
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let parse = |text: &str| Persona::parse("eva", text).unwrap_err();
        for text in ["You are Eva.", "+++\nname = \"Eva\"\n", "---\nname: Eva\n---\nYou are Eva."] {
            assert_eq!(parse(text), InvalidPersona::NoFence, "{text}");
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
