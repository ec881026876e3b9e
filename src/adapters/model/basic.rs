//! The built-in responder, which answers by keywords and needs no API key, so that the service can be tried at once.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::domain::{
    chat::Message,
    persona::{DemoLine, Persona},
};

/// The model name of the built-in responder in answers and in the log.
pub const NAME: &str = "basic";

/// The keywords of each topic with the replies to it. The first row with a keyword of the message is used.
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

/// The replies to a message without keywords.
const DEFAULT_REPLIES: &[&str] = &[
    "Interesting! In demo mode I can only answer a few simple things. Connect a language model to hear more from me.",
    "I see. A language model would have more to say about that; I am only the built-in demo responder.",
    "Good point. Could you put it another way? My demo vocabulary is small.",
    "I wish I knew more about that. In demo mode I recognise greetings, jokes, the weather, and a few other topics.",
];

/// Returns a reply to the last message: one of the persona's, if one of its lines matches, or one of the topic's. The
/// same conversation always has the same reply; a message that is repeated later in it has another one.
#[must_use]
pub fn reply<'a>(conversation: &[Message], persona: Option<&'a Persona>) -> &'a str {
    let last = conversation.last();
    let mut words = words(last.map_or("", |message| message.content.as_str()));
    if last.is_some_and(|message| !message.images.is_empty()) {
        words.push("attached".to_owned());
    }
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    let start = usize::try_from(hasher.finish() % 1000).unwrap_or_default();
    let choose = |replies: usize| (start + conversation.len() / 2) % replies.max(1);
    let line = persona.into_iter().flat_map(|persona| &persona.demo).find(|line| matches(line, &words));
    if let Some(reply) = line.and_then(|line| line.replies.get(choose(line.replies.len()))) {
        return reply;
    }
    let topic = TOPICS.iter().find(|(keys, _)| words.iter().any(|word| keys.contains(&word.as_str())));
    let replies = topic.map_or(DEFAULT_REPLIES, |(_, replies)| replies);
    replies[choose(replies.len())]
}

/// Whether the message contains one of the line's words or phrases. A line without any matches every message.
fn matches(line: &DemoLine, message: &[String]) -> bool {
    let contains = |phrase: &String| {
        let phrase = words(phrase);
        !phrase.is_empty() && message.windows(phrase.len()).any(|window| window == phrase)
    };
    line.words.is_empty() || line.words.iter().any(contains)
}

/// Returns the words of the first thousand characters, in lower case. A file that follows the message has no keywords.
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
        assert!(DEFAULT_REPLIES.contains(&after(0, "Chili whips")), "parts of words are no keywords");
        assert!(TOPICS[6].1.contains(&after(0, "tell me a JOKE")));
        assert!(DEFAULT_REPLIES.contains(&after(0, "")));
    }

    #[test]
    fn an_image_counts_as_a_file() {
        let shown = Message::new(Role::User, "Who is it?").with_images(Image::parse("https://a.example/cat.png"));
        assert!(TOPICS[2].1.contains(&reply(&[shown], None)));
    }

    #[test]
    fn a_repeated_message_gets_another_reply() {
        assert_eq!(after(0, "hello"), after(0, "hello"));
        assert_ne!(after(0, "hello"), after(2, "hello"));
    }

    #[test]
    fn a_personas_own_lines_come_first() {
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
        assert!(DEFAULT_REPLIES.contains(&said("You like chips", &persona).as_str()), "a phrase is in one piece");
        persona.demo.push(line(&[], "Hm."));
        assert_eq!(said("You like chips", &persona), "Hm.");
    }
}
