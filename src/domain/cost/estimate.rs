//! Estimates of the tokens of prompts and answers: to fit a prompt into a context window, and for turns without reported
//! usage.

use super::token_count::tokens;
use crate::domain::chat::{Message, MessageText};

/// The number of bytes of a prompt that are counted; the rest is extrapolated. Attached files may have megabytes, and a file
/// is much the same throughout.
const SAMPLE_BYTES: usize = 256 << 10;

/// The number of bytes that are counted where an estimate must cost little.
const SMALL_SAMPLE_BYTES: usize = 2 << 10;

/// The tokens around the text of a message: its role and its delimiters.
const MESSAGE_FRAME: u64 = 4;

/// The tokens that begin the reply, at the end of each prompt.
const REPLY_START: u64 = 3;

/// Estimates the tokens of a conversation as a prompt: the texts, `MESSAGE_FRAME` for each message, and `REPLY_START`.
/// `image` is the number of tokens of an image; `None` for a model without vision, which gets a line of text instead.
#[must_use]
pub fn prompt_tokens<'a>(messages: impl IntoIterator<Item = &'a Message>, image: Option<u64>) -> u64 {
    sampled_prompt_tokens(messages, image, SAMPLE_BYTES)
}

/// Estimates the tokens of a conversation and of the texts beside it, such as the system message, from their first kilobytes, in
/// some microseconds. For `image` see [`prompt_tokens`].
#[must_use]
pub fn rough_prompt_tokens<'a>(
    beside: impl IntoIterator<Item = &'a str>,
    messages: &[Message],
    image: Option<u64>,
) -> u64 {
    let beside = beside.into_iter().map(|text| sampled_text_tokens(text, SMALL_SAMPLE_BYTES));
    beside.fold(sampled_prompt_tokens(messages, image, SMALL_SAMPLE_BYTES), u64::saturating_add)
}

fn sampled_prompt_tokens<'a>(
    messages: impl IntoIterator<Item = &'a Message>,
    image: Option<u64>,
    most_bytes: usize,
) -> u64 {
    let (mut frames, mut bytes, mut sample_bytes, mut sample_tokens) = (REPLY_START, 0_usize, 0_usize, 0_u64);
    for message in messages {
        let text = message.content.as_str();
        let sample = &text[..text.floor_char_boundary(most_bytes - sample_bytes)];
        frames = frames.saturating_add(MESSAGE_FRAME).saturating_add(image_tokens(message, image));
        bytes += text.len();
        sample_bytes += sample.len();
        sample_tokens = sample_tokens.saturating_add(tokens(sample));
    }
    extrapolated(sample_tokens, sample_bytes, bytes).saturating_add(frames)
}

/// Estimates the tokens that a message adds to a prompt. For `image` see [`prompt_tokens`].
#[must_use]
pub fn message_tokens(message: &Message, image: Option<u64>) -> u64 {
    instruction_tokens(&message.content).saturating_add(image_tokens(message, image))
}

/// Estimates the tokens that a system message adds to a prompt.
#[must_use]
pub fn instruction_tokens(text: &str) -> u64 {
    sampled_text_tokens(text, SAMPLE_BYTES)
}

fn sampled_text_tokens(text: &str, most_bytes: usize) -> u64 {
    let sample = &text[..text.floor_char_boundary(most_bytes)];
    extrapolated(tokens(sample), sample.len(), text.len()).saturating_add(MESSAGE_FRAME)
}

fn image_tokens(message: &Message, image: Option<u64>) -> u64 {
    let each = || image.unwrap_or_else(|| tokens(MessageText::IMAGE_PLACEHOLDER));
    match message.images.len() as u64 {
        0 => 0,
        images => images.saturating_mul(each()),
    }
}

/// Extrapolates from the tokens of a sample to those of the whole text.
fn extrapolated(sample_tokens: u64, sample_bytes: usize, bytes: usize) -> u64 {
    if sample_bytes < bytes {
        sample_tokens.saturating_mul(bytes as u64) / (sample_bytes.max(1) as u64)
    } else {
        sample_tokens
    }
}

/// Estimates the tokens of an answer that was streamed in this many pieces.
///
/// Most servers send one piece per token, and then the number of pieces is more accurate than an estimate. Others combine
/// several tokens in a piece, or send all at once. So the number of pieces is used if it is between 0.6 and 1.6 times the
/// estimate: the estimate is hardly ever further off, and with two tokens or more per piece the number is below that range.
#[must_use]
pub fn answer_tokens(text: &str, pieces: usize) -> u64 {
    // White space at the end of an incomplete text would have been part of the next word's token.
    let estimate = tokens(text.trim_end()).max(u64::from(!text.is_empty()));
    let pieces = u64::try_from(pieces).unwrap_or(u64::MAX);
    let (least, most) = (estimate.saturating_mul(6).div_ceil(10), estimate.saturating_mul(16) / 10);
    if (least..=most).contains(&pieces) { pieces } else { estimate }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::{Image, Role};

    #[test]
    fn a_prompt_has_the_tokens_of_texts_and_frames() {
        let hello = Message::new(Role::User, "Hello");
        assert_eq!(prompt_tokens([], None), 3);
        assert_eq!(prompt_tokens([&hello, &Message::new(Role::Assistant, "")], None), 3 + 4 + 1 + 4);
        assert_eq!(message_tokens(&hello, None), 4 + 1);
    }

    #[test]
    fn each_image_has_the_models_figure_or_those_of_a_line() {
        let images = vec![Image::parse("https://a.example/cat.png").unwrap(); 2];
        let shown = Message::new(Role::User, "Hello").with_images(images);
        assert_eq!(message_tokens(&shown, Some(1500)), 4 + 1 + 3000);
        assert_eq!(prompt_tokens([&shown], Some(1500)), 3 + 4 + 1 + 3000);
        let in_words = Message::new(Role::User, shown.as_text().to_string());
        assert!(message_tokens(&shown, None).abs_diff(message_tokens(&in_words, None)) <= 4);
    }

    #[test]
    fn a_long_text_is_extrapolated_from_its_beginning() {
        let text = "word ".repeat(SAMPLE_BYTES / 5);
        let long = Message::new(Role::User, text.repeat(4));
        let expected = tokens(&text) * 4;
        assert!(message_tokens(&long, None).abs_diff(expected) <= expected / 1000);
        assert_eq!(message_tokens(&long, None) + 3, prompt_tokens([&long], None));
    }

    #[test]
    fn a_rough_estimate_is_near_the_whole_one() {
        let messages =
            ["another word ".repeat(100), "another word ".repeat(4000)].map(|text| Message::new(Role::User, text));
        let instruction = "Answer in one sentence. ".repeat(500);
        let whole = prompt_tokens(&messages, None) + instruction_tokens(&instruction);
        let rough = rough_prompt_tokens([instruction.as_str()], &messages, None);
        assert!(rough.abs_diff(whole) <= whole / 10, "{rough} {whole}");
        assert_eq!(rough_prompt_tokens([], &messages[..0], None), prompt_tokens([], None));
    }

    #[test]
    fn pieces_are_counted_if_they_can_be_tokens() {
        let text = "one two three four five six seven eight nine ten";
        assert_eq!(tokens(text), 10);
        for (pieces, expected) in [(0, 10), (1, 10), (5, 10), (6, 6), (11, 11), (16, 16), (17, 10), (usize::MAX, 10)] {
            assert_eq!(answer_tokens(text, pieces), expected, "{pieces}");
        }
        assert_eq!(answer_tokens("Yes", 0), 1);
        assert_eq!(answer_tokens("", 3), 0);
    }
}
