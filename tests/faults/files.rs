//! A second process on the database's file.

use std::{os::unix::fs::symlink, time::Instant};

use crate::{
    table::{Fault, Figures},
    verdict::Witness,
    world::World,
};

pub fn faults() -> Vec<Fault> {
    vec![Fault {
        name: "second process through a symbolic link",
        play: |_| Box::pin(second_process()),
        seconds: 1.0,
        reason: "nothing stops",
    }]
}

async fn second_process() -> Figures {
    let world = World::running(&[]).await;
    let load = world.load();
    load.wait_for(50).await;
    let link = world.setup.path().join("release");
    symlink(world.setup.path(), &link).expect("a link");
    let mut second = world.setup.command(&[]);
    second.env("DATABASE_URL", format!("sqlite:///{}", link.join("al-chat.db").display()));
    second.env("SESSION_LOG_DIR", link.join("OtherLog")).env("PORT", "0");
    let tried = Instant::now();
    let status = second.output().await.expect("the program runs").status;
    let seconds = load.recovery(tried).await;
    load.wait_for(50).await;
    let mut figures = world.judge(load, seconds, Witness::Log).await;
    figures.expect(status.code() == Some(1), format!("the second process ended with {status}"));
    figures
}
