//! A keyword responder that needs no key: enough to try the whole service, and honest about what it is.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::domain::{
    chat::Message,
    persona::{DemoLine, Persona},
};

/// The name it goes by in answers and in the log.
pub const NAME: &str = "basic";

/// Words that show what a message is about, and what can be said to it. The first row that matches answers.
const TOPICS: &[(&[&str], &[&str])] = &[
    (
        &["thanks", "thank", "thx", "cheers", "merci", "danke", "gracias"],
        &[
            "You're welcome! Is there anything else you would like to try?",
            "Glad to help. Ask me something else whenever you like.",
            "My pleasure!",
        ],
    ),
    (
        &["bye", "goodbye", "ciao", "farewell"],
        &["Goodbye, and thank you for the chat!", "See you soon!", "Take care. Come back any time."],
    ),
    (
        &["attached", "file", "files", "document", "upload"],
        &[
            "I received your file, but I am only the built-in demo responder and cannot read it. With a language \
             model connected, it would be analysed here.",
            "Your attachment arrived. Once this site's owner connects a language model, I can tell you what is in it.",
        ],
    ),
    (
        &["who", "name", "bot", "robot", "human", "ai", "model", "gpt", "chatgpt", "openai"],
        &[
            "I am the built-in demo responder of AL-Chat: a few rules and no language model. The owner of this site \
             can connect a real one by setting an API key.",
            "I am a small keyword responder that runs without any key, so that the chat can be tried at once. I am \
             not a person, and not a language model either.",
        ],
    ),
    (
        &["help", "how", "can", "support", "problem", "error", "issue"],
        &[
            "I would like to help, but in demo mode I only know a few topics: try a greeting, the weather, a joke, or \
             ask who I am.",
            "Tell me more in a sentence or two. In demo mode my answers are simple; with a language model connected \
             they would be to the point.",
        ],
    ),
    (
        &["price", "prices", "cost", "costs", "pay", "buy", "order", "shipping"],
        &[
            "I have no prices or orders at hand in demo mode. Please look at the site itself or contact its team.",
            "That is a question for the team of this site: the demo responder knows nothing about its offers.",
        ],
    ),
    (
        &["joke", "funny", "laugh"],
        &[
            "Why do programmers mix up Halloween and Christmas? Because OCT 31 equals DEC 25.",
            "There are 10 kinds of people: those who read binary, and those who don't.",
            "I would tell you a joke about UDP, but you might not get it.",
        ],
    ),
    (
        &["weather", "rain", "sunny", "snow", "temperature"],
        &[
            "I cannot see the weather from here, but I hope it is fine where you are.",
            "No window and no forecast on my side. A look outside will tell you more than I can!",
        ],
    ),
    (
        &["time", "date", "day", "today", "clock"],
        &[
            "I don't keep a calendar in demo mode, but the device you are using surely knows the time.",
            "Time flies when one chats. For the exact hour, your own clock is the better source.",
        ],
    ),
    (
        &["hello", "hi", "hey", "hallo", "hola", "bonjour", "greetings", "morning", "evening", "afternoon"],
        &[
            "Hello! I am the built-in demo responder. What would you like to talk about?",
            "Hi there! How can I help you today?",
            "Hey, nice to meet you! Ask me anything, and mind that I am only a demo.",
        ],
    ),
];

const OTHERWISE: &[&str] = &[
    "Interesting! In demo mode I can only answer a few simple things. Connect a language model to hear more from me.",
    "I see. A language model would have more to say about that; I am only the built-in demo responder.",
    "Good point. Could you put it another way? My demo vocabulary is small.",
    "I wish I knew more about that. In demo mode I recognise greetings, jokes, the weather, and a few other topics.",
];

/// A reply to the last message, as this persona gives it, if it has something to say to it. The same conversation gets
/// the same reply; the same words later in it, another one.
#[must_use]
pub fn reply<'a>(conversation: &[Message], persona: Option<&'a Persona>) -> &'a str {
    let last = conversation.last();
    let mut words = words(last.map_or("", |message| message.content.as_str()));
    if last.is_some_and(|message| message.image.is_some()) {
        words.push("attached".to_owned());
    }
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    let start = usize::try_from(hasher.finish() % 1000).unwrap_or_default();
    let one_of = |replies: usize| (start + conversation.len() / 2) % replies.max(1);
    let line = persona.into_iter().flat_map(|persona| &persona.demo).find(|line| fits(line, &words));
    if let Some(reply) = line.and_then(|line| line.replies.get(one_of(line.replies.len()))) {
        return reply;
    }
    let topic = TOPICS.iter().find(|(keys, _)| words.iter().any(|word| keys.contains(&word.as_str())));
    let replies = topic.map_or(OTHERWISE, |(_, replies)| replies);
    replies[one_of(replies.len())]
}

/// Whether one of the line's words or phrases was said; a line without any fits everything.
fn fits(line: &DemoLine, said: &[String]) -> bool {
    let is_said = |phrase: &String| {
        let phrase = words(phrase);
        !phrase.is_empty() && said.windows(phrase.len()).any(|window| window == phrase)
    };
    line.words.is_empty() || line.words.iter().any(is_said)
}

/// Whole words in lower case; a file's content would only add noise after the first thousand characters.
fn words(text: &str) -> Vec<String> {
    let start = text.chars().take(1000).collect::<String>().to_lowercase();
    start.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::{Image, Role};

    fn after(before: usize, said: &str) -> &'static str {
        let message = |content: &str| Message::new(Role::User, content);
        let mut conversation = vec![message("…"); before];
        conversation.push(message(said));
        reply(&conversation, None)
    }

    #[test]
    fn whole_words_choose_the_topic() {
        assert!(TOPICS[9].1.contains(&after(0, "Hi!")));
        assert!(OTHERWISE.contains(&after(0, "Chili whips")), "parts of words are no keywords");
        assert!(TOPICS[6].1.contains(&after(0, "tell me a JOKE")));
        assert!(OTHERWISE.contains(&after(0, "")));
    }

    #[test]
    fn an_image_is_a_file_to_it() {
        let image = Image::parse("https://a.example/cat.png").ok();
        let shown = Message { image, ..Message::new(Role::User, "Who is it?") };
        assert!(TOPICS[2].1.contains(&reply(&[shown], None)));
    }

    #[test]
    fn repeating_oneself_gets_another_reply() {
        assert_eq!(after(0, "hello"), after(0, "hello"));
        assert_ne!(after(0, "hello"), after(2, "hello"));
    }

    #[test]
    fn a_persona_answers_in_its_own_words_as_far_as_it_has_any() {
        let line = |words: &[&str], reply: &str| DemoLine {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            replies: vec![reply.to_owned()],
        };
        let demo = vec![line(&["hi"], "Hi!"), line(&["like you", "c'est la vie"], "Blush.")];
        let mut persona = Persona { demo, ..Persona::default() };
        let said =
            |content: &str, persona: &Persona| reply(&[Message::new(Role::User, content)], Some(persona)).to_owned();
        assert_eq!(said("HI there", &persona), "Hi!");
        assert_eq!(said("I like you.", &persona), "Blush.");
        assert_eq!(said("C\u{27}est la vie", &persona), "Blush.");
        assert!(OTHERWISE.contains(&said("You like chips", &persona).as_str()), "a phrase is in one piece");
        persona.demo.push(line(&[], "Hm."));
        assert_eq!(said("You like chips", &persona), "Hm.");
    }
}
