//! The memory of streams: clients that read nothing are disconnected when it is used up, and nobody else is affected.

use std::{net::SocketAddr, sync::Arc};

use serde_json::Value;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    fakes::model::{Behaviour, FakeModel, Script},
    support::{
        raw_connection::{RawConnection, STREAM_REQUEST},
        service::{TestSetup, wait_until},
    },
};

/// The streams of clients that read.
const READ: usize = 360;

/// The streams of clients that read nothing.
const UNREAD: usize = 40;

/// The number of clients that read at a time.
const READERS: usize = 16;

/// The length of a piece of an answer, and the number of pieces in one that is read.
const PIECE: usize = 4 << 10;
const PIECES: usize = 16;

/// `STREAM_MEMORY`, in bytes.
const BUDGET: usize = 8 << 20;

async fn read_stream(address: SocketAddr, places: Arc<Semaphore>) {
    let _place = places.acquire().await.expect("a place");
    let mut wire = RawConnection::connect(address).await;
    wire.send(STREAM_REQUEST).await;
    let stream = wire.read_to_end().await;
    assert_eq!(stream.matches("event: delta\n").count(), PIECES);
    assert_eq!(stream.matches("event: done\n").count(), 1);
}

fn long_answer(pieces: usize) -> Behaviour {
    Behaviour::Stream(Script { pieces: vec!["x".repeat(PIECE); pieces], ..Script::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_read_nothing_do_not_fill_the_memory() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("STREAM_MEMORY", "8MiB").with("RESUME_GRACE", "0");
    let process = setup.start_process().await;
    process.client.chat("hi").await.assert_ok();
    let before = process.peak_memory();

    model.set_behaviour(Behaviour::Endless("x".repeat(PIECE)));
    let mut unread = Vec::new();
    for _ in 0..UNREAD {
        unread.push(RawConnection::open_narrow_stream(process.address).await);
    }
    model.wait_for_calls(1 + UNREAD).await;
    model.set_behaviour(long_answer(PIECES));
    let places = Arc::new(Semaphore::new(READERS));
    let readers = (0..READ).map(|_| read_stream(process.address, Arc::clone(&places))).collect::<JoinSet<_>>();
    readers.join_all().await;
    let count = |lines: &[Value], finish: &str| lines.iter().filter(|line| line["finish"] == finish).count();
    let cut_off = wait_until("turns of clients that were disconnected", async || {
        let cut_off = count(&setup.log_lines("chat"), "client_gone");
        (cut_off > UNREAD / 2).then_some(cut_off)
    })
    .await;
    let growth = process.peak_memory().saturating_sub(before);
    assert!(growth < 8 * BUDGET, "{} MiB, {cut_off} clients were disconnected", growth >> 20);

    drop(unread);
    let lines = setup.wait_for_log_lines("chat", 1 + READ + UNREAD).await;
    assert_eq!((count(&lines, "complete"), count(&lines, "client_gone")), (1 + READ, UNREAD));
    assert_eq!(lines.len(), 1 + READ + UNREAD);
}

#[tokio::test]
async fn a_client_that_was_too_slow_can_resume_its_stream() {
    const PIECES: usize = 256;
    let model = FakeModel::start().await;
    model.set_behaviour(long_answer(PIECES));
    let setup = TestSetup::for_model(&model).with("STREAM_MEMORY", "1KiB").with("RESUME_GRACE", "1m");
    let mut process = setup.start_process().await;
    let mut wire = RawConnection::open_narrow_stream(process.address).await;
    let head = wire.head().await;
    let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id").to_owned();
    process.wait_for_line("read their streams too slowly").await;
    assert!(!wire.response_or_end().await.contains("event: done\n"));

    let (text, end) = process.client.resume(&id, None).await.text_and_end().await;
    assert_eq!((text.len(), end.name.as_str()), (PIECES * PIECE, "done"));
    let lines = setup.wait_for_log_lines("chat", 1).await;
    assert_eq!((lines.len(), &lines[0]["finish"]), (1, &"complete".into()));
    assert_eq!(model.call_count(), 1);
}
