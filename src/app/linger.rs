//! Closes a connection so that its client gets the last answer (RFC 9112, 9.6).
//!
//! What a client still sends after a socket is closed is answered with a reset, and a reset takes from the client what
//! it had not read yet: the very answer that says why nothing more is wanted. So the way out is closed first, and what
//! comes in is read and dropped until the client has closed, too.

use std::{io, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How much is still taken in, in bytes: twice the largest body.
const MOST: usize = 64 << 20;

/// How long, at most. At a megabyte a second, 30 MB arrive in this time.
const LONGEST: Duration = Duration::from_secs(30);

/// A client that has sent nothing for this long is not sending.
const SILENCE: Duration = Duration::from_secs(2);

/// How long when the service stops.
const HURRY: Duration = Duration::from_millis(250);

/// What is read at once, in bytes.
const PIECE: usize = 16 << 10;

/// Closes `stream`; in a hurry once `stop` is cancelled.
pub(super) async fn close(mut stream: TcpStream, stop: &CancellationToken) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let in_hurry = async {
        stop.cancelled().await;
        sleep(HURRY).await;
    };
    tokio::select! {
        _ = timeout(LONGEST, drop_input(&stream)) => {}
        () = in_hurry => {}
    }
}

/// Reads until the client has closed, or was silent, or has sent too much.
async fn drop_input(stream: &TcpStream) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let mut left = MOST;
    while left > 0 {
        let Ok(readable) = timeout(SILENCE, stream.readable()).await else { return Ok(()) };
        readable?;
        match stream.try_read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => left = left.saturating_sub(read),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
