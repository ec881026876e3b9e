//! The check of the guard: one question, and one answer if it judges answers.

use std::time::Instant;

use super::super::output::{print, print_error};
use crate::{
    adapters::hooks::{GuardHook, GuardRequest, HookFailure, HookTurn, JudgedKind, Verdict},
    domain::breaker::CallerHash,
    foundation::config::{Config, GuardFail},
};

/// A question that no guard should mind.
const QUESTION: &str = "What are your opening hours?";

/// An answer that no guard should mind.
const ANSWER: &str = "We are open from nine to five.";

/// Asks the guard about harmless texts, and prints what it says. Returns whether a turn would go on.
pub(super) async fn check_guard(config: &Config) -> bool {
    let guard = match GuardHook::new(config) {
        Ok(Some(guard)) => guard,
        Ok(None) => return true,
        Err(failure) => {
            print_error(&failure);
            return false;
        }
    };
    let question = JudgedKind::Question { history: Vec::new() };
    let mut goes_on = check_text(config, &guard, QUESTION, question).await;
    if config.hooks.guard.as_ref().is_some_and(|guard| guard.answers) {
        let answer = JudgedKind::Answer { before: "", part: 1, is_final: true };
        goes_on &= check_text(config, &guard, ANSWER, answer).await;
    }
    goes_on
}

/// Asks the guard about one text, and prints what it says. Returns whether a turn would go on.
async fn check_text(config: &Config, guard: &GuardHook, text: &str, kind: JudgedKind<'_>) -> bool {
    let request = GuardRequest { kind, text, turn: HookTurn::CHECK };
    let begun = Instant::now();
    let verdict = guard.judge(&request, CallerHash::of(&text), None).await;
    let said = format!("{} in {} ms", said(&verdict), begun.elapsed().as_millis());
    print(&format!("Guard: {}, asked about \"{text}\": {said}.\n", guard.url()));
    let goes_on = match verdict {
        Ok(Verdict::Reject { .. }) => false,
        Ok(_) => true,
        Err(_) => config.hooks.guard.as_ref().is_some_and(|guard| guard.fail == GuardFail::Open),
    };
    if verdict.is_err() {
        let consequence = if goes_on { "turns go on with texts that are not judged" } else { "turns are refused" };
        print(&format!("  Hint: until that is mended, {consequence} (GUARD_FAIL).\n"));
    }
    goes_on
}

/// Returns what the guard has said.
fn said(verdict: &Result<Verdict, HookFailure>) -> String {
    match verdict {
        Ok(Verdict::Pass) => "it may go on".to_owned(),
        Ok(Verdict::Mask { .. }) => "another text is to go on instead".to_owned(),
        Ok(Verdict::Reject { .. }) => "it is rejected, which a guard should not do with a harmless text".to_owned(),
        Err(failure) => format!("no verdict; {failure}"),
    }
}
