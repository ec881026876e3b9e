//! Combination of a typed text with the transcript of a voice recording.

/// Appends a transcript to a typed text, as `TEXT [Voice: TRANSCRIPT]`. If one of them is blank, the result is the other.
#[must_use]
pub fn with_voice(text: String, voice: Option<String>) -> String {
    match voice.filter(|voice| !voice.trim().is_empty()) {
        None => text,
        Some(voice) if text.trim().is_empty() => voice,
        Some(voice) => format!("{text} [Voice: {voice}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_is_appended_or_alone() {
        let text = |text: &str, voice: Option<&str>| with_voice(text.to_owned(), voice.map(str::to_owned));
        assert_eq!(text("Look", Some("at this")), "Look [Voice: at this]");
        assert_eq!(text(" ", Some("at this")), "at this");
        assert_eq!(text("Look", Some(" ")), "Look");
        assert_eq!(text("Look", None), "Look");
        assert_eq!(text("", None), "");
    }
}
