//! Closing a connection so that its client receives the last response (RFC 9112, 9.6).
//!
//! A closed socket answers further bytes with a TCP reset, and on a reset the client's system discards received bytes that the
//! client has not read, such as the response that says why the request is refused. So the sending side is closed first, and
//! input is read and discarded until the client closes its side too.

use std::{io, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// The most input that is discarded, in bytes: twice the largest body.
const MAX_DISCARDED_BYTES: usize = 64 << 20;

/// The longest time for discarding input. At 1 MB a second, 30 MB arrive in it.
pub(super) const DISCARD_TIMEOUT: Duration = Duration::from_secs(30);

/// The time without input after which the client is taken to have stopped sending.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);

/// The time for discarding input once the service stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(250);

/// The size of the buffer for discarded input, in bytes.
const BUFFER_BYTES: usize = 16 << 10;

/// Closes `stream`, within `limit`, and within [`SHUTDOWN_TIMEOUT`] once `stop` is cancelled.
pub(super) async fn close(mut stream: TcpStream, limit: Duration, stop: &CancellationToken) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let shutdown = async {
        stop.cancelled().await;
        sleep(SHUTDOWN_TIMEOUT).await;
    };
    tokio::select! {
        _ = timeout(limit, discard_input(&stream)) => {}
        () = shutdown => {}
    }
}

/// Reads and discards input until the client closes, sends nothing for [`IDLE_TIMEOUT`], or has sent
/// [`MAX_DISCARDED_BYTES`].
async fn discard_input(stream: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut left = MAX_DISCARDED_BYTES;
    while left > 0 {
        let Ok(readable) = timeout(IDLE_TIMEOUT, stream.readable()).await else { return Ok(()) };
        readable?;
        match stream.try_read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => left = left.saturating_sub(read),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
