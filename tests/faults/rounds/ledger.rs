//! What clients have got, compared with the lines of the log, the totals of the database and what `verify` finds.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::time::sleep;

use super::{
    declared::{Declared, Round},
    force::Force,
    line::{Line, lines_of},
    rotation::{files_in, gather},
    site::Site,
    totals,
    verified::{self, Missing, Numbers, numbers},
};
use crate::load::{Asked, Outcome};

/// The number of words in a question, each of which the model counts as a token, and repeats.
const WORDS: u64 = 3;

/// The longest time until counted refusals have their lines.
const REFUSALS_WITHIN: Duration = Duration::from_secs(3);

/// All questions and all lines so far.
#[derive(Default)]
pub struct Ledger {
    /// The request ids of the answered turns.
    pub answered: Vec<String>,
    /// The number of answered turns that have no line, not even one that was removed by force.
    pub lost_answers: usize,
    questions: HashSet<String>,
    refused: u64,
    broken: u64,
    /// The lines that were removed by force.
    lost: Vec<Line>,
    /// The lines that were moved out of the log's folder.
    archived: Vec<Line>,
    archives: usize,
    declared: Declared,
    /// The number of damages that `verify` had to name, and has named.
    named: usize,
    violations: Vec<String>,
}

impl Ledger {
    pub fn take_violations(&mut self) -> Vec<String> {
        std::mem::take(&mut self.violations)
    }

    pub fn summary(&self) -> String {
        let Declared { gaps, lines_refused, turns, .. } = self.declared;
        format!(
            "{} turns answered, {} requests refused, {} answers broken off; {turns} turns with a line, of which lines {} are \
             removed by force; {gaps} gaps declare {lines_refused} lines; verify has named {} damages",
            self.answered.len(),
            self.refused,
            self.broken,
            self.lost.iter().filter(|line| line.event == "chat").count(),
            self.named,
        )
    }

    fn expect(&mut self, holds: bool, violation: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(violation());
        }
    }

    /// Checks everything after a round, when nothing is asked.
    pub async fn check(&mut self, site: &mut Site, round: Round) {
        self.lost.extend(site.take_lost());
        for archive in &site.archives[self.archives..] {
            self.archived.extend(files_in(archive).iter().flat_map(|path| lines_of(path)));
        }
        let (present, lines_refused) = self.declared_lines(site, &round).await;
        let counted = totals(&site.environment.client()).await;
        let lines = self.archived.iter().chain(&self.lost).chain(&present).cloned().collect::<Vec<_>>();
        self.check_numbers(&lines);
        self.check_turns(&lines, &round);
        self.check_sessions(&lines, &round.sessions, lines_refused);
        self.check_days(&lines, &round);
        let folded = fold(&lines, self.declared.lines_refused);
        self.expect(counted == folded, || {
            format!("the database has the totals {counted:?}, the lines have {folded:?}")
        });
        let all = numbers(lines.iter());
        let missing = self.verify(site, &site.log_dir(), &all, &numbers(present.iter())).await;
        self.named += missing.len();
        if let Some(archive) = site.archives.get(self.archives) {
            self.verify_together(site, [archive.as_path(), &site.log_dir()].into_iter(), &all).await;
        }
        self.archives = site.archives.len();
        self.refused += round.refused();
        self.broken += round.broken();
        self.answered.extend(round.asked.iter().filter_map(|asked| asked.outcome.answered()).map(str::to_owned));
    }

    /// Verifies the files of all rounds together.
    pub async fn check_all(&mut self, site: &Site) {
        let present = site.present();
        let all = numbers(self.archived.iter().chain(&self.lost).chain(&present));
        let log_dir = site.log_dir();
        let folders = site.archives.iter().map(PathBuf::as_path).chain([log_dir.as_path()]);
        self.verify_together(site, folders, &all).await;
    }

    /// Verifies the files of several folders as one log.
    async fn verify_together<'a>(&mut self, site: &Site, folders: impl Iterator<Item = &'a Path>, all: &Numbers) {
        let together = TempDir::new().expect("a folder");
        gather(folders, together.path());
        let lines = files_in(together.path()).iter().flat_map(|path| lines_of(path)).collect::<Vec<_>>();
        let missing = self.verify(site, together.path(), all, &numbers(lines.iter())).await;
        self.named += missing.len();
    }

    /// Compares what `verify` finds in a folder with the lines that are missing there. Returns these.
    async fn verify(&mut self, site: &Site, folder: &Path, all: &Numbers, present: &Numbers) -> Vec<Missing> {
        let expected = verified::expected(all, present);
        match verified::found(&site.environment.setup, folder).await {
            Ok(found) => self.expect(found == expected, || format!("verify finds {found:?} instead of {expected:?}")),
            Err(output) => self.violations.push(output),
        }
        expected
    }

    /// Waits until the requests that were refused in a round have their lines. Returns the lines in the log's folder, and the
    /// number of those that could not be written.
    async fn declared_lines(&mut self, site: &Site, round: &Round) -> (Vec<Line>, u64) {
        let started = Instant::now();
        let (before, refused) = (self.declared, round.refused());
        loop {
            let present = site.present();
            let now = Declared::of(self.archived.iter().chain(&self.lost).chain(&present));
            if now.since(before).refused < refused && started.elapsed() < REFUSALS_WITHIN {
                sleep(Duration::from_millis(50)).await;
                continue;
            }
            self.declared = now;
            let changed = now.since(before);
            self.violations.extend(changed.violations(round));
            return (present, changed.lines_refused);
        }
    }

    /// Checks that each number of each process is there once.
    fn check_numbers(&mut self, lines: &[Line]) {
        let numbers = numbers(lines.iter());
        let count = numbers.values().map(BTreeSet::len).sum::<usize>();
        self.expect(count == lines.len(), || format!("{} lines are doubled", lines.len() - count));
        for (instance, seqs) in &numbers {
            let last = *seqs.last().expect("a number");
            let found = seqs.len() as u64;
            self.expect(last == found, || format!("process {instance} has {found} of its {last} lines"));
        }
    }

    /// Checks that each answered turn has one line, and each line of a turn a question.
    fn check_turns(&mut self, lines: &[Line], round: &Round) {
        self.questions.extend(round.asked.iter().map(|asked| asked.question.clone()));
        let mut turns = HashMap::<&str, Vec<&Line>>::new();
        for line in lines {
            if let Some(question) = line.question() {
                turns.entry(question).or_default().push(line);
            }
        }
        for (question, lines) in &turns {
            let is_asked = self.questions.contains(*question);
            self.expect(is_asked && lines.len() == 1, || {
                format!("{question} has the lines {lines:?}, asked: {is_asked}")
            });
        }
        for Asked { question, outcome, .. } in &round.asked {
            let line = turns.get(question.as_str()).map(|lines| lines[0]);
            let fits = match outcome {
                Outcome::Answered(id) => {
                    line.is_some_and(|line| line.request_id.as_deref() == Some(id.as_str()) && line.status == Some(200))
                }
                Outcome::Refused(status, _) => line.is_none_or(|line| line.status == Some(*status)),
                Outcome::Broken => true,
            };
            self.lost_answers += usize::from(!fits && line.is_none());
            self.expect(fits, || format!("{question} has got {outcome:?} and has the line {line:?}"));
        }
    }

    /// Checks the lines of a round's sessions. A turn whose line could not be written counts in its session, too.
    fn check_sessions(&mut self, lines: &[Line], sessions: &[String], lines_refused: u64) {
        let mut unlogged = 0;
        for session in sessions {
            let own = lines.iter().filter(|line| line.session_id.as_ref() == Some(session)).collect::<Vec<_>>();
            let count = |event: &str| own.iter().filter(|line| line.event == event).count() as u64;
            let found = ["session_start", "metric", "session_stop"].map(count);
            self.expect(found == [1, 1, 1], || format!("{session} has {found:?} lines"));
            let turns = own.iter().filter_map(|line| line.server_metrics.as_ref()).map(|metrics| metrics.turns);
            unlogged += turns.sum::<u64>().wrapping_sub(count("chat"));
        }
        let text = || format!("{unlogged} turns of sessions have no line, {lines_refused} are declared");
        self.expect(unlogged == lines_refused, text);
    }

    /// Checks that a midnight has divided the turns of its round.
    fn check_days(&mut self, lines: &[Line], round: &Round) {
        let questions = round.asked.iter().map(|asked| asked.question.as_str()).collect::<HashSet<_>>();
        let own = lines.iter().filter(|line| line.question().is_some_and(|question| questions.contains(question)));
        let days = own.map(|line| line.date.as_str()).collect::<HashSet<_>>();
        let is_divided = round.force != Force::Midnight || days.len() > 1;
        self.expect(is_divided, || format!("midnight was not played: {days:?}"));
    }
}

/// Returns the totals that the database must have: answered turns, and tokens of prompts and answers. It has the tokens of
/// turns whose lines could not be written, too.
fn fold(lines: &[Line], lines_refused: u64) -> (u64, u64, u64) {
    let unlogged = lines_refused * WORDS;
    let turns = lines.iter().filter(|line| line.event == "chat");
    turns.fold((0, unlogged, unlogged), |(answered, prompt, completion), line| {
        (
            answered + u64::from(line.status == Some(200)),
            prompt + line.prompt_tokens.unwrap_or_default(),
            completion + line.completion_tokens.unwrap_or_default(),
        )
    })
}
