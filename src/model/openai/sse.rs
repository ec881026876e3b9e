//! Reads the data of Server-Sent Events (HTML Living Standard, 9.2) from pieces of a body. Names and ids of events
//! play no part in what models send.

/// Takes in bytes, gives out the data of whole events.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    /// Up to here the bytes have been given out.
    taken: usize,
    /// Up to here there is no further end of a line.
    searched: usize,
    /// The data of the event at hand.
    data: Vec<u8>,
    /// Whether `data` has been given out.
    is_given: bool,
}

impl Decoder {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.searched -= self.taken;
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes that wait for the rest of their event.
    pub(super) fn pending(&self) -> usize {
        self.bytes.len() - self.taken + self.data.len()
    }

    /// The data of the next event that is there as a whole.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        if std::mem::take(&mut self.is_given) {
            self.data.clear();
        }
        while let Some(length) = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n') {
            let end = self.searched + length;
            let line = &self.bytes[self.taken..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            (self.taken, self.searched) = (end + 1, end + 1);
            if line.is_empty() && !self.data.is_empty() {
                self.is_given = true;
                // Each line of data ends in a line feed, and the last one is not part of it.
                return self.data.strip_suffix(b"\n");
            }
            if let Some(data) = line.strip_prefix(b"data:") {
                self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
                self.data.push(b'\n');
            }
        }
        self.searched = self.bytes.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for piece in pieces {
            decoder.feed(piece);
            while let Some(data) = decoder.next() {
                events.push(String::from_utf8_lossy(data).into_owned());
            }
        }
        events
    }

    #[test]
    fn what_servers_send_is_understood() {
        let text = ": hello\n\ndata: one\n\nevent: x\r\ndata:two\r\ndata: three\r\n\r\nretry: 5\n\n\ndata: [DONE]\n\ndata: tail";
        assert_eq!(decode([text.as_bytes()]), ["one", "two\nthree", "[DONE]"]);
    }

    proptest! {
        #[test]
        fn it_makes_no_difference_where_the_pieces_end(lines in "(data: ?[a-zé]{0,3}|:|\r?|event: y|\n){0,40}",
                                                       cuts in prop::collection::vec(0_usize..200, 0..10)) {
            let text = lines.as_bytes();
            let mut cuts = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect::<Vec<_>>();
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|ends| &text[ends[0]..ends[1]]);
            prop_assert_eq!(decode(pieces), decode([text]));
        }
    }
}
