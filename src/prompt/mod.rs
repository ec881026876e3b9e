//! From what a client sends to what the model reads.

mod fitting;

pub use self::fitting::{Fitting, budget};
use crate::{
    chat::{Message, Role},
    persona::Persona,
};

/// A text file the visitor attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedFile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub content: String,
}

/// Neither a message nor a file was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Message or attachment is required")]
pub struct NothingAsked;

/// The conversation for the model: who it is, the history, then one user message made of the files and the text. Blank
/// entries of the history are left out: they say nothing, and some providers refuse them.
pub fn conversation(
    persona: Option<&Persona>,
    mut history: Vec<Message>,
    files: &[AttachedFile],
    message: &str,
) -> Result<Vec<Message>, NothingAsked> {
    let content = question(files, message)?;
    history.retain(|message| !message.is_blank());
    let from = persona.and_then(|persona| persona.turns).map_or(0, |turns| last_turns(&history, turns));
    let mut messages = Vec::with_capacity(history.len() - from + 2);
    messages.extend(persona.map(Persona::instruction));
    messages.extend(history.drain(from..));
    messages.push(Message::new(Role::User, content));
    Ok(messages)
}

/// Where so many last turns of a history begin. A turn begins with what the visitor said.
fn last_turns(history: &[Message], turns: usize) -> usize {
    let begins = |(_, message): &(usize, &Message)| message.role == Role::User;
    let beginnings = history.iter().enumerate().rev().filter(begins).take(turns);
    beginnings.last().map_or(history.len(), |(place, _)| place)
}

/// What a model is asked to see whether it answers: as little as possible, for it costs.
#[must_use]
pub fn test() -> Message {
    Message::new(Role::User, "Reply with the single word OK.")
}

/// Files and message as one text, set apart by lines of `---`.
fn question(files: &[AttachedFile], message: &str) -> Result<String, NothingAsked> {
    let text = match (files.len(), message.trim().is_empty()) {
        (0, true) => return Err(NothingAsked),
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
    fn a_persona_comes_first_and_is_told_its_last_turns() {
        let said = |role, content: &str| Message::new(role, content);
        let history = || {
            vec![
                said(Role::User, "One?"),
                said(Role::Assistant, "One."),
                said(Role::User, " "),
                said(Role::User, "Two?"),
                said(Role::Assistant, "Two."),
            ]
        };
        let asked = |turns| {
            let eva = Persona { prompt: "You are Eva.".to_owned(), turns, ..Persona::default() };
            let messages = conversation(Some(&eva), history(), &[], "Three?").unwrap();
            assert_eq!((messages[0].role, messages[0].content.as_str()), (Role::System, "You are Eva."));
            messages[1..].iter().map(|message| message.content.clone()).collect::<Vec<_>>()
        };
        assert_eq!(asked(None), ["One?", "One.", "Two?", "Two.", "Three?"]);
        assert_eq!(asked(Some(9)), asked(None));
        assert_eq!(asked(Some(1)), ["Two?", "Two.", "Three?"]);
        assert_eq!(asked(Some(0)), ["Three?"]);
        assert_eq!(conversation(None, history(), &[], "Three?").unwrap().len(), 5);
    }

    #[test]
    fn a_message_alone_is_passed_on_untouched() {
        assert_eq!(question(&[], " hi\n").unwrap(), " hi\n");
        assert_eq!(question(&[], " \n"), Err(NothingAsked));
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
