//! The check of the guard: one question.

use std::time::Instant;

use super::super::output::{print, print_error};
use crate::{
    adapters::hooks::{GuardHook, GuardRequest, HookFailure, JudgedKind, Verdict},
    domain::breaker::CallerHash,
    foundation::config::{Config, GuardFail},
};

/// A question that no guard should mind.
const QUESTION: &str = "What are your opening hours?";

/// Asks the guard about a harmless question, and prints what it says. Returns whether a turn would go on.
pub(super) async fn check_guard(config: &Config) -> bool {
    let guard = match GuardHook::new(config) {
        Ok(Some(guard)) => guard,
        Ok(None) => return true,
        Err(failure) => {
            print_error(&failure);
            return false;
        }
    };
    let request = GuardRequest {
        kind: JudgedKind::Question { history: Vec::new() },
        text: QUESTION,
        request_id: "al-chat check",
        session_id: None,
        site: None,
        persona: None,
    };
    let begun = Instant::now();
    let verdict = guard.judge(&request, CallerHash::of(&QUESTION)).await;
    let said = format!("{} in {} ms", said(&verdict), begun.elapsed().as_millis());
    print(&format!("Guard: {}, asked about \"{QUESTION}\": {said}.\n", guard.url()));
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
        Ok(Verdict::Reject { .. }) => "it is rejected, which a guard should not do with a harmless question".to_owned(),
        Err(failure) => format!("no verdict; {failure}"),
    }
}
