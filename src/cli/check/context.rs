//! The check of the context hook: one question.

use std::time::Instant;

use super::super::output::{print, print_error};
use crate::{
    adapters::hooks::{ContextHook, ContextRequest, HookTurn},
    domain::breaker::CallerHash,
    foundation::config::Config,
};

/// The question.
const QUESTION: &str = "What are your opening hours?";

/// Asks the context hook one question, and prints what it has. Returns whether turns go on: without an answer they do.
pub(super) async fn check_context(config: &Config) -> bool {
    let hook = match ContextHook::new(config) {
        Ok(Some(hook)) => hook,
        Ok(None) => return true,
        Err(failure) => {
            print_error(&failure);
            return false;
        }
    };
    let request = ContextRequest { question: QUESTION, turn: HookTurn::CHECK, language: None };
    let begun = Instant::now();
    let answer = hook.texts(&request, CallerHash::of(&QUESTION), None).await;
    let said = match &answer {
        Ok(texts) => {
            let pages = texts.iter().filter(|text| text.url.is_some()).count();
            let plural = if texts.len() == 1 { "" } else { "s" };
            format!("{} text{plural}, {pages} with the address of a page,", texts.len())
        }
        Err(failure) => format!("no texts; {failure};"),
    };
    let time = begun.elapsed().as_millis();
    print(&format!("Context: {}, asked about \"{QUESTION}\": {said} in {time} ms.\n", hook.url()));
    if answer.is_err() {
        print("  Hint: until that is mended, turns go on without its texts.\n");
    }
    true
}
