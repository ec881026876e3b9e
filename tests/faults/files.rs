//! The database's file: deleted while the program runs, and used by a second process.

use std::{
    fs,
    os::unix::fs::symlink,
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
    let (database, backup) = (environment.setup.path().join("al-chat.db"), environment.setup.path().join("backup.db"));
    let copied = environment.setup.command(&["backup"]).arg(&backup).output().await.expect("the program runs");
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    load.wait_for(50).await;
    fs::remove_file(&database).expect("a database");
    let deleted = Instant::now();
    environment.wait_for_readiness(503).await;
    let noticed = deleted.elapsed();
    environment.process().terminate();
    let exit = environment.process().exit_code().await;
    for suffix in ["wal", "shm"] {
        // The program may have removed it.
        let _ = fs::remove_file(environment.setup.path().join(format!("al-chat.db-{suffix}")));
    }
    fs::copy(backup, database).expect("a database");
    let restored = Instant::now();
    environment.start().await;
    let seconds = load.recovery(restored).await;
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    figures.expect(noticed < Duration::from_secs(5), format!("noticed after {noticed:?}"));
    figures.expect(exit.is_some(), "the program did not end by itself");
    figures
}
