//! Disks that are full or stand still. Root gets a real one, a file that is mounted as a disk; others a limit on file sizes
//! for the full disk, and a full pipe in place of the log for the one that stands still.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat},
    process::geteuid,
};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    environment::Environment,
    load::Load,
    measurement::Reference,
    support::{file_limit::limit_file_size, service::day_file},
    table::{Fault, Figures, Scale},
};

/// The time after which the model must no longer be asked: a write counts as standing still after 1.5 s.
const STALL_KNOWN_AFTER: Duration = Duration::from_millis(2500);

pub fn faults(reason: &'static str) -> Vec<Fault> {
    vec![
        Fault { name: "disk full", play: |scale| Box::pin(full(scale)), seconds: 2.0, reason },
        Fault {
            name: "disk of the log frozen",
            play: |scale| Box::pin(freeze(scale, &["SESSION_LOG_DIR"])),
            seconds: 1.0,
            reason: "waiting turns are answered at once",
        },
        Fault {
            name: "disk of the database frozen",
            play: |scale| Box::pin(freeze(scale, &["DATABASE_URL"])),
            seconds: 2.0,
            reason: "the transaction must end",
        },
    ]
}

/// A small file system of its own, removed when this is dropped.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Mounts a new disk; `None` without the permission or the programs.
    fn mount() -> Option<Self> {
        let disk = Self::unmounted();
        let image = disk.folder.path().join("image");
        File::create(&image).and_then(|image| image.set_len(64 << 20)).expect("an image");
        let is_mounted = geteuid().is_root()
            && succeeds("mkfs.ext4", &["-q"], &[&image])
            && succeeds("mount", &["-o", "loop"], &[&image, &disk.path()]);
        is_mounted.then_some(disk)
    }

    /// Mounts a new disk in memory; `None` without the permission.
    pub fn mount_in_memory() -> Option<Self> {
        let disk = Self::unmounted();
        let options = ["-t", "tmpfs", "-o", "size=64m", "tmpfs"];
        let is_mounted = geteuid().is_root() && succeeds("mount", &options, &[&disk.path()]);
        is_mounted.then_some(disk)
    }

    fn unmounted() -> Self {
        let disk = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(disk.path()).expect("a folder");
        disk
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// Freezes the disk until the returned value is dropped or this program ends.
    fn freeze(&self) -> Frozen {
        let script = "fsfreeze -f \"$0\" && echo; read -r line; fsfreeze -u \"$0\"";
        let mut shell = Command::new("/bin/sh");
        let shell = shell.args(["-c", script]).arg(self.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = shell.spawn().expect("a shell");
        let mut frozen = [0];
        shell.stdout.as_mut().expect("its output").read_exact(&mut frozen).expect("a frozen disk");
        Frozen(shell)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may not be mounted.
        succeeds("umount", &["-l"], &[&self.path()]);
    }
}

/// Returns whether a program succeeds.
fn succeeds(program: &str, arguments: &[&str], paths: &[&Path]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).args(paths).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

struct Frozen(Child);

impl Drop for Frozen {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Returns the settings that put the log or the database on a disk.
pub fn settings_on(path: &Path, names: &[&str]) -> Vec<(String, String)> {
    let value = |name: &str| match name {
        "DATABASE_URL" => format!("sqlite:///{}", path.join("al-chat.db").display()),
        _ => path.join("SessionLog").display().to_string(),
    };
    names.iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

async fn environment_on(path: &Path, names: &[&str]) -> Environment {
    let settings = settings_on(path, names);
    let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>();
    Environment::running(&settings).await
}

async fn full(scale: Scale) -> Figures {
    let Some(disk) = Disk::mount() else { return full_by_limit(scale).await };
    let environment = environment_on(&disk.path(), &["SESSION_LOG_DIR", "DATABASE_URL"]).await;
    let load = environment.load();
    let mut seconds = 0_f64;
    for _ in 0..scale.rounds(2, 10) {
        load.wait_for(50).await;
        let filler = disk.path().join("filler");
        fill(&filler);
        sleep(scale.duration() / 2).await;
        fs::remove_file(filler).expect("a filler");
        seconds = seconds.max(load.recovery(Instant::now()).await);
    }
    load.wait_for(50).await;
    environment.measure(load, seconds, Reference::Log).await
}

/// Writes a file until the disk is full, also for the smallest write.
pub fn fill(path: &Path) {
    let mut file = File::create(path).expect("a file");
    for size in [1 << 20, 4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

async fn full_by_limit(scale: Scale) -> Figures {
    let mut environment = Environment::new(&[]).await;
    environment.start_ignoring("XFSZ").await;
    let id = environment.process().child.id().expect("an id");
    let load = environment.load();
    let mut seconds = 0_f64;
    for _ in 0..scale.rounds(2, 10) {
        load.wait_for(50).await;
        limit_file_size(id, Some(fs::metadata(day_file(&environment.log_dir)).expect("a log").len()));
        sleep(scale.duration() / 2).await;
        limit_file_size(id, None);
        seconds = seconds.max(load.recovery(Instant::now()).await);
    }
    load.wait_for(50).await;
    environment.measure(load, seconds, Reference::Log).await
}

async fn freeze(scale: Scale, names: &[&str]) -> Figures {
    let Some(disk) = Disk::mount() else { return stall_by_pipe(scale).await };
    let environment = environment_on(&disk.path(), names).await;
    let load = environment.load();
    load.wait_for(50).await;
    let frozen = disk.freeze();
    let in_vain = calls_during_standstill(&environment, scale).await;
    drop(frozen);
    judge_standstill(environment, load, in_vain).await
}

async fn stall_by_pipe(scale: Scale) -> Figures {
    let environment = Environment::running(&[]).await;
    let load = environment.load();
    load.wait_for(50).await;
    let file = day_file(&environment.log_dir);
    let aside = environment.setup.path().join("aside");
    fs::rename(&file, &aside).expect("a renamed file");
    let mut pipe = full_pipe(&file);
    let in_vain = calls_during_standstill(&environment, scale).await;
    fs::rename(aside, &file).expect("a renamed file");
    let log = File::options().append(true).open(file).expect("a log");
    // The lines that were on the way to the disk.
    let mut written = Vec::new();
    let read = pipe.read_to_end(&mut written);
    assert!(read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "the service still holds the pipe");
    written.retain(|byte| *byte != b'\0');
    (&log).write_all(&written).expect("lines");
    judge_standstill(environment, load, in_vain).await
}

/// Makes a pipe whose buffer is full.
fn full_pipe(path: &Path) -> File {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).expect("a flag");
    let mut pipe = File::options().read(true).write(true).custom_flags(flags).open(path).expect("a pipe");
    while pipe.write(&[b'\0'; 4096]).is_ok() {}
    pipe
}

/// Waits, and returns how often the model was asked when the standstill was known.
async fn calls_during_standstill(environment: &Environment, scale: Scale) -> usize {
    sleep(STALL_KNOWN_AFTER).await;
    let known = environment.model.call_count();
    environment.wait_for_readiness(503).await;
    sleep(scale.duration().saturating_sub(STALL_KNOWN_AFTER).max(Duration::from_secs(1))).await;
    environment.model.call_count() - known
}

async fn judge_standstill(environment: Environment, load: Load, in_vain: usize) -> Figures {
    let seconds = load.recovery(Instant::now()).await;
    load.wait_for(50).await;
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    figures.expect(in_vain == 0, format!("the model was asked {in_vain} times while nothing could be recorded"));
    figures
}
