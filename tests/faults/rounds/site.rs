//! The service under force, and the places where lines of its log are kept or get lost.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rand::{RngExt, rngs::StdRng};
use rustix::process::geteuid;
use tokio::time::{sleep, sleep_until};

use super::{
    force::Force,
    line::{Line, lines_of},
    rotation::{copy_days, empty, files_in, gather, rotate},
    stopped::while_stopped,
};
use crate::{
    clocks::zone_with_midnight_in,
    disks::{Disk, fill, settings_on},
    environment::Environment,
    fakes::model::{Behaviour, Pace, Script},
    load::Load,
    support::{file_limit::limit_file_size, service::day_file},
};

/// The time for which turns are refused, after the first one was.
const OUTAGE: Duration = Duration::from_millis(300);

/// The time from a restart to midnight, in which the program must be running again.
const UNTIL_MIDNIGHT: Duration = Duration::from_secs(3);

/// The time after which a change of the files must be in the diagnostics.
const NOTICED_WITHIN: Duration = Duration::from_secs(1);

pub struct Site {
    pub environment: Environment,
    /// The folders with files that were moved out of the log's folder, the oldest first.
    pub archives: Vec<PathBuf>,
    /// A folder on the disk of the log.
    aside: PathBuf,
    /// The lines that truncations have removed since they were taken.
    truncated: Vec<Line>,
    /// Links to the files of removed folders.
    removed: Vec<PathBuf>,
    zone: String,
    midnights: usize,
    disk: Option<Disk>,
}

impl Site {
    pub async fn start() -> Self {
        let disk = Disk::mount_in_memory();
        let folder = disk.as_ref().map(Disk::path);
        let mut settings = folder.as_deref().map(|folder| settings_on(folder, &["SESSION_LOG_DIR", "DATABASE_URL"]));
        let settings = settings.iter_mut().flatten().map(|(name, value)| (name.as_str(), value.as_str()));
        let fixed = [("SESSION_LOG_TIMEZONE", ""), ("SESSION_LOG_CONTENT", "plain")];
        let environment = Environment::new(&settings.chain(fixed).collect::<Vec<_>>()).await;
        let aside = folder.unwrap_or_else(|| environment.setup.path().to_owned()).join("aside");
        fs::create_dir(&aside).expect("a folder");
        let (archives, truncated, removed, zone) = (Vec::new(), Vec::new(), Vec::new(), "UTC0".to_owned());
        let mut site = Self { environment, archives, aside, truncated, removed, zone, midnights: 0, disk };
        site.start_program().await;
        site
    }

    pub fn log_dir(&self) -> PathBuf {
        self.environment.log_dir.clone()
    }

    /// Returns the lines that are in the log's folder.
    pub fn present(&self) -> Vec<Line> {
        files_in(&self.environment.log_dir).iter().flat_map(|path| lines_of(path)).collect()
    }

    /// Returns and forgets the lines that were lost in this round. To be called when no more are written.
    pub fn take_lost(&mut self) -> Vec<Line> {
        let mut lost = std::mem::take(&mut self.truncated);
        for path in std::mem::take(&mut self.removed) {
            lost.extend(lines_of(&path));
            fs::remove_file(path).expect("a file");
        }
        lost
    }

    /// Starts the program without the rights of root, which ignore the permissions of folders, and without the signal by
    /// which a limit on file sizes would kill it.
    async fn start_program(&mut self) {
        let rights = if geteuid().is_root() { "setpriv --bounding-set=-all --inh-caps=-all" } else { "" };
        let script = format!("trap '' XFSZ; export TZ='{}'; exec {rights} \"$0\"", self.zone);
        self.environment.start_by_script(&script).await;
    }

    async fn stop_program(&mut self) {
        self.environment.process().terminate();
        assert_eq!(self.environment.process().exit_code().await, Some(0), "the exit code");
    }

    /// Applies a force under load. Returns the time of its end.
    pub async fn apply(&mut self, force: Force, load: &Load, rng: &mut StdRng) -> Instant {
        match force {
            Force::Kill => self.kill(rng.random()).await,
            Force::Terminate => {
                self.stop_program().await;
                let stopped = Instant::now();
                self.start_program().await;
                stopped
            }
            Force::FillDisk => self.fill_disk(load).await,
            Force::ForbidWrites => self.forbid_writes(load).await,
            Force::RemoveFolder => self.remove_folder(load).await,
            Force::Rename => {
                self.forget_diagnostics();
                rotate(&self.environment.log_dir);
                self.expect_notice("was moved or deleted").await
            }
            Force::CopyAndTruncate => self.copy_and_truncate().await,
            Force::Midnight => self.midnight().await,
        }
    }

    /// Kills the program, also when streams have run for long enough to be on record.
    async fn kill(&mut self, cut_streams: bool) -> Instant {
        if cut_streams {
            let pace = Pace::Every(Duration::from_millis(100));
            let words = Script { pieces: vec!["word ".to_owned(); 60], pace, ..Script::default() };
            for _ in 0..6 {
                self.environment.model.behave_once(Behaviour::Stream(words.clone()));
            }
            sleep(Duration::from_secs(2)).await;
        }
        let killed = Instant::now();
        self.environment.process().kill().await;
        self.start_program().await;
        killed
    }

    async fn fill_disk(&mut self, load: &Load) -> Instant {
        let filler = self.disk.as_ref().map(|disk| disk.path().join("filler"));
        let id = self.environment.process().child.id().expect("an id");
        if let Some(filler) = &filler {
            fill(filler);
        } else {
            limit_file_size(id, Some(fs::metadata(day_file(&self.environment.log_dir)).expect("a log").len()));
        }
        load.wait_for_refusals().await;
        sleep(OUTAGE).await;
        if let Some(filler) = filler {
            fs::remove_file(filler).expect("a filler");
        } else {
            limit_file_size(id, None);
        }
        Instant::now()
    }

    async fn forbid_writes(&mut self, load: &Load) -> Instant {
        let folder = self.log_dir();
        let set_mode = |mode| fs::set_permissions(&folder, Permissions::from_mode(mode)).expect("permissions");
        while_stopped(self.environment.process(), || {
            rotate(&folder);
            set_mode(0o500);
        })
        .await;
        load.wait_for_refusals().await;
        sleep(OUTAGE).await;
        set_mode(0o700);
        Instant::now()
    }

    /// Removes the folder with the lines of a moment; the files before are moved to an archive.
    async fn remove_folder(&mut self, load: &Load) -> Instant {
        let archive = self.environment.setup.path().join(format!("archive-{}", self.archives.len()));
        let folder = self.log_dir();
        fs::create_dir(&archive).expect("a folder");
        let moved = self.aside.join("moved");
        fs::create_dir(&moved).expect("a folder");
        for file in files_in(&folder) {
            fs::rename(&file, moved.join(file.file_name().expect("a name"))).expect("a moved file");
        }
        load.wait_for(20).await;
        gather([moved.as_path()].into_iter(), &archive);
        fs::remove_dir_all(&moved).expect("a folder");
        self.archives.push(archive);
        self.forget_diagnostics();
        self.unlink(&folder);
        self.expect_notice("was moved or deleted").await
    }

    /// Removes a folder as `rm -r` does, but keeps a link to each file, to which the program may still write.
    fn unlink(&mut self, folder: &Path) {
        loop {
            for entry in fs::read_dir(folder).expect("the log's folder").flatten() {
                if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                    let link = self.aside.join(format!("removed-{}", self.removed.len()));
                    fs::hard_link(entry.path(), &link).expect("a link");
                    self.removed.push(link);
                }
                fs::remove_file(entry.path()).expect("a file");
            }
            // The program may have made a file meanwhile.
            if fs::remove_dir(folder).is_ok() {
                return;
            }
        }
    }

    /// Copies the files while the program writes, and empties them while it stands still, so that the lines which are only
    /// in the emptied file are known.
    async fn copy_and_truncate(&mut self) -> Instant {
        self.forget_diagnostics();
        let copies = copy_days(&self.environment.log_dir);
        let empty_days = || copies.iter().flat_map(|(day, copy)| empty(day, copy)).collect::<Vec<_>>();
        let truncated = while_stopped(self.environment.process(), empty_days).await;
        self.truncated.extend(truncated);
        self.expect_notice("was truncated").await
    }

    /// Starts the program with a time zone in which it is nearly midnight, and waits for the next day.
    async fn midnight(&mut self) -> Instant {
        let midnight = loop {
            self.stop_program().await;
            self.zone = zone_with_midnight_in(UNTIL_MIDNIGHT, self.midnights.is_multiple_of(2));
            let latest = Instant::now() + UNTIL_MIDNIGHT;
            self.start_program().await;
            // The zone has whole seconds, so midnight comes up to a second earlier.
            if Instant::now() + Duration::from_millis(1200) < latest {
                break latest;
            }
        };
        self.midnights += 1;
        sleep_until(midnight.into()).await;
        midnight
    }

    fn forget_diagnostics(&mut self) {
        while self.environment.process().diagnostics.try_recv().is_ok() {}
    }

    /// Waits until the program has noticed a change of its files.
    async fn expect_notice(&mut self, words: &str) -> Instant {
        let changed = Instant::now();
        self.environment.process().wait_for_line(words).await;
        assert!(changed.elapsed() < NOTICED_WITHIN, "noticed after {:?}: {words}", changed.elapsed());
        changed
    }
}
