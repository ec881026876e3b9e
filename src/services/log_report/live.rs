//! Today's figures and new lines of the log, for pages that show them while they are open.
//!
//! One task reads the log for all pages: today's lines once, then what is appended. It ends some time after the last page was
//! closed.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::civil::Date;
use tokio::{
    sync::{broadcast, watch},
    time::sleep,
};

use super::{
    day::{DayFigures, DaySummary, query_of},
    own_log::MAX_GROUPS,
    reading::each_line,
    turn_line::LiveLine,
};
use crate::{
    adapters::log_files::{FindFailure, Followed, Follower, find_in},
    foundation::{blocking::run_blocking, clock::Clock, tasks::Tasks},
};

/// The time between two looks at the log.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// The least time between two summaries of figures.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(1);

/// For how long figures are kept up to date without a page, so that one that is loaded again need not wait.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// The number of new lines that a slow page may lag behind. It misses older ones.
const LINES_AHEAD: usize = 1024;

/// Follows the log while a page is open. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LiveLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: Arc<Path>,
    clock: Clock,
    tasks: Tasks,
    /// What the task sends; `None` while no task runs.
    feeds: Mutex<Option<Feeds>>,
}

#[derive(Clone, Debug)]
struct Feeds {
    day: watch::Sender<Option<Arc<DaySummary>>>,
    lines: broadcast::Sender<Arc<LiveLine>>,
}

/// What one page receives.
#[derive(Debug)]
pub struct LiveView {
    /// The figures of today; `None` until today's lines were read.
    pub day: watch::Receiver<Option<Arc<DaySummary>>>,
    /// The lines of turns and sessions that are appended from now on.
    pub lines: broadcast::Receiver<Arc<LiveLine>>,
}

/// A day whose lines were read, and the place up to which they were.
struct FollowedDay {
    day: Date,
    figures: DayFigures,
    follower: Follower,
    /// Whether there is something new since the last summary.
    has_changed: bool,
    summarized: Option<Instant>,
}

/// What a look at the log has found.
struct Step {
    followed: Result<FollowedDay, FindFailure>,
    /// The lines of turns and sessions that were appended.
    lines: Vec<LiveLine>,
    /// The figures, if it is time for them.
    summary: Option<DaySummary>,
}

impl LiveLog {
    /// Returns the log in a folder. Nothing is read yet.
    #[must_use]
    pub fn new(folder: &Path, clock: Clock, tasks: Tasks) -> Self {
        Self(Arc::new(Inner { folder: folder.into(), clock, tasks, feeds: Mutex::default() }))
    }

    /// Returns a view for a page, and starts the task that reads the log unless it runs.
    #[must_use]
    pub fn view(&self) -> LiveView {
        let mut feeds = self.0.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let feeds = feeds.get_or_insert_with(|| {
            let feeds = Feeds { day: watch::Sender::new(None), lines: broadcast::Sender::new(LINES_AHEAD) };
            self.0.tasks.spawn("live log", self.clone().follow(feeds.clone()));
            feeds
        });
        LiveView { day: feeds.day.subscribe(), lines: feeds.lines.subscribe() }
    }

    async fn follow(self, feeds: Feeds) {
        let stopping = self.0.tasks.stopping();
        let (mut followed, mut used, mut is_failing) = (None, Instant::now(), false);
        loop {
            let this = self.clone();
            let step = run_blocking(move || this.step(followed));
            let Some(Some(Step { followed: next, lines, summary })) = stopping.run_until_cancelled(step).await else {
                return;
            };
            if let Err(failure) = &next
                && !is_failing
            {
                tracing::warn!(%failure, "the session log cannot be read for the operator's page; it is tried again");
                feeds.day.send_replace(Some(Arc::new(self.unreadable_day())));
            }
            is_failing = next.is_err();
            followed = next.ok();
            for line in lines {
                // Fails if no page is open.
                let _ = feeds.lines.send(Arc::new(line));
            }
            if let Some(summary) = summary {
                feeds.day.send_replace(Some(Arc::new(summary)));
            }
            if feeds.day.receiver_count() > 0 {
                used = Instant::now();
            } else if used.elapsed() > IDLE_TIME && self.ends(&feeds) {
                return;
            }
            if stopping.run_until_cancelled(sleep(POLL_INTERVAL)).await.is_none() {
                return;
            }
        }
    }

    /// Returns whether there is no page, after which the next one starts a new task.
    fn ends(&self, feeds: &Feeds) -> bool {
        let mut current = self.0.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let is_unused = feeds.day.receiver_count() == 0;
        if is_unused {
            *current = None;
        }
        is_unused
    }

    /// Reads what is new, or all lines of a day that has just begun.
    fn step(&self, mut followed: Option<FollowedDay>) -> Step {
        let today = self.today();
        let (lines, is_whole) = followed.as_mut().map(FollowedDay::read_appended).unwrap_or_default();
        // After a failure, and at midnight, the day is read from its start.
        let followed = followed.filter(|followed| is_whole && followed.day == today);
        let mut followed = followed.map_or_else(|| self.read_day(today), Ok);
        let summary = followed.as_mut().ok().and_then(FollowedDay::summary_if_due);
        Step { followed, lines, summary }
    }

    fn today(&self) -> Date {
        self.0.clock.local(self.0.clock.now()).1
    }

    /// Returns the figures of today while the log cannot be read: there are none, and files are missing.
    fn unreadable_day(&self) -> DaySummary {
        let today = self.today();
        let mut figures = DayFigures::new(query_of(today, self.0.clock.zone()), MAX_GROUPS);
        figures.add_unreadable_file();
        figures.summary(today)
    }

    fn read_day(&self, day: Date) -> Result<FollowedDay, FindFailure> {
        let query = query_of(day, self.0.clock.zone());
        match find_in(&self.0.folder) {
            Ok(_) | Err(FindFailure::NoLog(_)) => {}
            Err(failure) => return Err(failure),
        }
        let (follower, mut files) = Follower::start(&[self.0.folder.to_path_buf()])?;
        files.retain(|file| file.date.is_none_or(|day| query.may_cover_day(day)));
        let mut figures = DayFigures::new(query, MAX_GROUPS);
        let stopping = self.0.tasks.stopping();
        each_line(
            &files,
            || !stopping.is_cancelled(),
            |line| match line {
                Some((line, end)) => drop(figures.add(line, end)),
                None => figures.add_unreadable_file(),
            },
        );
        Ok(FollowedDay { day, figures, follower, has_changed: true, summarized: None })
    }
}

impl FollowedDay {
    /// Returns the lines of turns and sessions that were appended, and whether all could be read.
    fn read_appended(&mut self) -> (Vec<LiveLine>, bool) {
        let Self { figures, follower, has_changed, .. } = self;
        let (mut lines, mut is_whole) = (Vec::new(), true);
        follower.poll(|followed| {
            *has_changed = true;
            match followed {
                Followed::Line { bytes, end, .. } if figures.add(bytes, end) => lines.extend(LiveLine::parse(bytes)),
                Followed::Line { .. } => {}
                Followed::Failure(..) => is_whole = false,
            }
        });
        (lines, is_whole)
    }

    /// Returns the figures if they have changed and the last summary is old enough.
    fn summary_if_due(&mut self) -> Option<DaySummary> {
        let is_due = self.summarized.is_none_or(|at| at.elapsed() >= SUMMARY_INTERVAL);
        if !self.has_changed || !is_due {
            return None;
        }
        (self.has_changed, self.summarized) = (false, Some(Instant::now()));
        Some(self.figures.summary(self.day))
    }
}
