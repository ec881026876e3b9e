//! The database's file and the log's folder: deleted, emptied, restored or moved, and used by a second process.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    environment::Environment,
    measurement::Reference,
    table::{Fault, Figures},
};

pub fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "SQLite file deleted, backup restored",
            play: |_| Box::pin(delete_database()),
            seconds: 5.0,
            reason: "a restart",
        },
        Fault {
            name: "SQLite file emptied, put back",
            play: |_| Box::pin(empty_database()),
            seconds: 5.0,
            reason: "a restart",
        },
        Fault {
            name: "backup with waiting records restored",
            play: |_| Box::pin(restore_records()),
            seconds: 5.0,
            reason: "a restart; records are sent again with the same key",
        },
        Fault {
            name: "log's folder moved, second process on it",
            play: |_| Box::pin(move_log()),
            seconds: 1.0,
            reason: "nothing stops",
        },
        Fault {
            name: "second process through a symbolic link",
            play: |_| Box::pin(second_process()),
            seconds: 1.0,
            reason: "nothing stops",
        },
    ]
}

async fn second_process() -> Figures {
    let environment = Environment::running(&[]).await;
    let load = environment.load();
    load.wait_for(50).await;
    let link = environment.setup.path().join("release");
    symlink(environment.setup.path(), &link).expect("a link");
    let mut second = environment.setup.command(&[]);
    second.env("DATABASE_URL", format!("sqlite:///{}", link.join("al-chat.db").display()));
    second.env("SESSION_LOG_DIR", link.join("OtherLog")).env("PORT", "0");
    let tried = Instant::now();
    let status = second.output().await.expect("the program runs").status;
    let seconds = load.recovery(tried).await;
    load.wait_for(50).await;
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    figures.expect(status.code() == Some(1), format!("the second process ended with {status}"));
    figures
}

/// Deletes the database's file, and follows `docs/operations.md`: stop, put a backup in its place, start.
async fn delete_database() -> Figures {
    let mut environment = Environment::running(&[]).await;
    let load = environment.load();
    load.wait_for(50).await;
    let backup = back_up(&environment).await;
    load.wait_for(50).await;
    fs::remove_file(environment.setup.path().join("al-chat.db")).expect("a database");
    let deleted = Instant::now();
    environment.wait_for_readiness(503).await;
    let noticed = deleted.elapsed();
    environment.process().terminate();
    let exit = environment.process().exit_code().await;
    put_in_place(&environment, &backup);
    let restored = Instant::now();
    environment.start().await;
    let seconds = load.recovery(restored).await;
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    figures.expect(noticed < Duration::from_secs(5), format!("noticed after {noticed:?}"));
    figures.expect(exit.is_some(), "the program did not end by itself");
    figures
}

/// Writes a backup of the database. Returns its path.
async fn back_up(environment: &Environment) -> PathBuf {
    let backup = environment.setup.path().join("backup.db");
    let copied = environment.setup.command(&["backup"]).arg(&backup).output().await.expect("the program runs");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    backup
}

/// Puts a backup in the place of the database.
fn put_in_place(environment: &Environment, backup: &Path) {
    for suffix in ["-wal", "-shm"] {
        // The program may have removed it.
        let _ = fs::remove_file(environment.setup.path().join(format!("al-chat.db{suffix}")));
    }
    fs::copy(backup, environment.setup.path().join("al-chat.db")).expect("a database");
}

/// Empties the file of a stopped program, which must not start until the file is back.
async fn empty_database() -> Figures {
    let mut environment = Environment::running(&[]).await;
    let load = environment.load();
    load.wait_for(50).await;
    environment.process().terminate();
    environment.process().exit_code().await;
    let (database, aside) = (environment.setup.path().join("al-chat.db"), environment.setup.path().join("aside.db"));
    fs::rename(&database, &aside).expect("a database");
    File::create(&database).expect("an empty file");
    let status = environment.setup.command(&[]).output().await.expect("the program runs").status;
    fs::rename(aside, database).expect("a database");
    let restored = Instant::now();
    environment.start().await;
    let seconds = load.recovery(restored).await;
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    figures.expect(status.code() == Some(1), format!("on an empty file, the program ended with {status}"));
    figures
}

/// Restores a backup with records that Papita has got meanwhile. A record that comes again counts as doubled unless its
/// key and its body are the same.
async fn restore_records() -> Figures {
    let mut environment = Environment::running(&[]).await;
    let load = environment.load();
    load.wait_for(50).await;
    environment.papita.set_usage_status(503);
    load.wait_for(50).await;
    let backup = back_up(&environment).await;
    environment.papita.set_usage_status(200);
    environment.papita.wait_for_usage(load.answered()).await;
    environment.process().terminate();
    environment.process().exit_code().await;
    put_in_place(&environment, &backup);
    let restored = Instant::now();
    environment.start().await;
    let seconds = load.recovery(restored).await;
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    let (mut first, mut repeated) = (HashMap::new(), 0);
    for (key, record) in environment.papita.usage_keys().into_iter().zip(environment.papita.usage()) {
        let before = first.entry(key).or_insert_with(|| record.clone());
        figures.doubled += usize::from(*before != record);
        repeated += 1;
    }
    figures.expect(repeated > first.len(), "no record was sent again");
    figures
}

async fn move_log() -> Figures {
    let mut environment = Environment::running(&[]).await;
    let load = environment.load();
    load.wait_for(50).await;
    let moved = environment.setup.path().join("moved");
    fs::rename(&environment.log_dir, &moved).expect("a moved folder");
    let seconds = load.recovery(Instant::now()).await;
    let mut second = environment.setup.command(&[]);
    second.env("DATABASE_URL", "sqlite:///other.db").env("SESSION_LOG_DIR", &moved).env("PORT", "0");
    let status = second.output().await.expect("the program runs").status;
    load.wait_for(50).await;
    environment.other_log_dirs.push(moved);
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    figures.expect(status.code() == Some(1), format!("the second process ended with {status}"));
    figures
}
