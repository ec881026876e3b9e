//! Prompts: the messages that a model gets, built from a client's question, files, images and history.

mod builder;
mod context;
mod voice_transcript;

pub use self::{
    builder::PromptBuilder,
    context::{ContextText, PromptContext, Source},
    voice_transcript::with_voice,
};
use crate::domain::{
    chat::{Image, Message, Role},
    errors::resources,
};

/// A text file that is attached to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedFile {
    /// The name of the file.
    pub name: String,
    /// The text of the file.
    pub content: String,
}

/// The error of a question without a message, a file or an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", resources::MESSAGE_REQUIRED.sentence)]
pub struct EmptyQuestion;

/// Builds the conversation for a model: the history, then one user message with the files, the text and the images. Blank
/// messages of the history are left out, as some providers refuse them.
pub fn conversation(
    history: Vec<Message>,
    files: &[AttachedFile],
    message: &str,
    images: Vec<Image>,
) -> Result<Vec<Message>, EmptyQuestion> {
    let content = match question(files, message) {
        Err(EmptyQuestion) if !images.is_empty() => String::new(),
        content => content?,
    };
    let mut messages = history;
    messages.retain(|message| !message.is_blank());
    messages.push(Message { role: Role::User, content, images });
    Ok(messages)
}

/// Removes all but the last `turns` turns before the question from a conversation. The result begins with a message of the
/// visitor's.
pub fn keep_last_turns(messages: &mut Vec<Message>, turns: usize) {
    let question = messages.len().saturating_sub(1);
    let begins = |(_, message): &(usize, &Message)| message.role == Role::User;
    let beginnings = messages.iter().enumerate().take(question).rev().filter(begins).take(turns);
    let first = beginnings.last().map_or(question, |(index, _)| index);
    messages.drain(..first);
}

/// Returns the question for a test of the model. It is short, as it costs tokens.
#[must_use]
pub fn test() -> Message {
    Message::new(Role::User, "Reply with the single word OK.")
}

/// Joins the files and the message to one text, separated by lines of `---`.
fn question(files: &[AttachedFile], message: &str) -> Result<String, EmptyQuestion> {
    let text = match (files.len(), message.trim().is_empty()) {
        (0, true) => return Err(EmptyQuestion),
        (0, false) => return Ok(message.to_owned()),
        (_, false) => message,
        (1, true) => "Please analyze the attached file.",
        (_, true) => "Please compare and analyze the attached files.",
    };
    let size = files.iter().map(|file| file.name.len() + file.content.len() + 40).sum::<usize>();
    let mut question = String::with_capacity(size + text.len());
    for (index, file) in files.iter().enumerate() {
        let number = (index + 1).to_string();
        for part in ["[Attached file ", &number, ": ", &file.name, "]\n\n", &file.content, "\n\n---\n\n"] {
            question.push_str(part);
        }
    }
    question.push_str(text);
    Ok(question)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str) -> AttachedFile {
        AttachedFile { name: name.to_owned(), content: content.to_owned() }
    }

    #[test]
    fn the_last_turns_begin_with_a_question() {
        let said = [(Role::Assistant, "Hi!"), (Role::User, "One?"), (Role::User, "Or two?"), (Role::Assistant, "Two.")];
        let kept = |turns| {
            let mut messages = said.map(|(role, content)| Message::new(role, content)).to_vec();
            messages.push(Message::new(Role::User, "Three?"));
            keep_last_turns(&mut messages, turns);
            messages.iter().map(|message| message.content.clone()).collect::<Vec<_>>()
        };
        assert_eq!(kept(9), ["One?", "Or two?", "Two.", "Three?"]);
        assert_eq!(kept(1), ["Or two?", "Two.", "Three?"]);
        assert_eq!(kept(0), ["Three?"]);
        keep_last_turns(&mut Vec::new(), 1);
    }

    #[test]
    fn a_message_alone_is_not_changed() {
        assert_eq!(question(&[], " hi\n").unwrap(), " hi\n");
        assert_eq!(question(&[], " \n"), Err(EmptyQuestion));
    }

    #[test]
    fn images_come_with_the_question_or_alone() {
        let images = vec![Image::parse("https://a.example/cat.png").unwrap(); 2];
        let question = |message, images| conversation(Vec::new(), &[], message, images).map(|mut all| all.remove(0));
        let shown = question("Who is it?", images.clone()).unwrap();
        assert_eq!((shown.content.as_str(), &shown.images), ("Who is it?", &images));
        assert_eq!(question(" ", images.clone()).unwrap(), Message::new(Role::User, "").with_images(images));
        assert_eq!(question(" ", Vec::new()), Err(EmptyQuestion));
    }

    #[test]
    fn files_come_first_and_are_set_apart() {
        let two = [file("a.txt", "one"), file("b.txt", "two")];
        assert_eq!(
            question(&two, "Which is longer?").unwrap(),
            "[Attached file 1: a.txt]\n\none\n\n---\n\n[Attached file 2: b.txt]\n\ntwo\n\n---\n\nWhich is longer?"
        );
        assert!(question(&two, "").unwrap().ends_with("---\n\nPlease compare and analyze the attached files."));
        assert!(question(&two[..1], " ").unwrap().ends_with("---\n\nPlease analyze the attached file."));
    }
}
