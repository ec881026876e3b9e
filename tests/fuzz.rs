//! The fuzz targets, for a bounded number of inputs: the corpus in `fuzz/corpus`, and changes of it that are the same in each
//! run. `cargo fuzz` goes on without end; see `fuzz/README.md`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test panics when it fails")]
#![allow(unreachable_pub, reason = "no other crate uses a test program")]

use std::{fs, path::Path};

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

#[path = "../fuzz/targets.rs"]
mod targets;

/// The number of changed inputs for each target.
const INPUTS: u32 = 250;

/// Bytes that mean something in one of the formats.
const SPECIAL: &[u8] = b"\"\\{}[]:,=#'\n\r\t \0\xFF\x80\xEF-+.0e9$;/<";

/// A change of an input.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index, Index),
    Repeat(Index, Index),
    CutOff(Index),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        let range = |one: &Index, other: &Index, bytes: &[u8]| {
            let (one, other) = (place(one, bytes), place(other, bytes));
            one.min(other)..one.max(other)
        };
        match self {
            Self::Replace(at, byte) => {
                let at = place(at, bytes);
                if let Some(there) = bytes.get_mut(at) {
                    *there = *byte;
                }
            }
            Self::Insert(at, byte) => bytes.insert(place(at, bytes), *byte),
            Self::Remove(from, to) => drop(bytes.drain(range(from, to, bytes))),
            Self::Repeat(from, to) => {
                let range = range(from, to, bytes);
                let (end, part) = (range.end, bytes[range].to_vec());
                bytes.splice(end..end, part);
            }
            Self::CutOff(at) => bytes.truncate(place(at, bytes)),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(SPECIAL)].boxed();
    prop_oneof![
        4 => (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        4 => (any::<Index>(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        2 => any::<(Index, Index)>().prop_map(|(from, to)| Change::Remove(from, to)),
        2 => any::<(Index, Index)>().prop_map(|(from, to)| Change::Repeat(from, to)),
        1 => any::<Index>().prop_map(Change::CutOff),
    ]
}

/// Returns the kept inputs of a target, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths = entries.map(|entry| entry.expect("a file").path()).collect::<Vec<_>>();
    paths.sort();
    assert!(paths.len() > 1, "{name} has no corpus");
    paths.into_iter().map(|path| fs::read(path).expect("a file")).collect()
}

fn run(name: &str) {
    let (_, target) = targets::TARGETS.iter().find(|(own, _)| *own == name).expect("a target of this name");
    let corpus = corpus(name);
    for input in &corpus {
        target(input);
    }
    target(b"");
    let config = Config { cases: INPUTS, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let inputs =
        (prop::sample::select(corpus), prop::collection::vec(change(), 1..8)).prop_map(|(mut input, changes)| {
            for change in &changes {
                change.apply(&mut input);
            }
            input.truncate(64 << 10);
            input
        });
    runner
        .run(&inputs, |input| {
            target(&input);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{name}: {failure}"));
}

macro_rules! tests {
    ($($test:ident: $name:literal;)*) => {
        $(#[test]
        fn $test() {
            run($name);
        })*

        #[test]
        fn every_target_is_run() {
            assert_eq!(targets::TARGETS.map(|(name, _)| name).as_slice(), [$($name),*]);
        }
    };
}

tests! {
    any_bearer_is_refused: "bearer";
    any_configuration_file_is_read_or_refused: "config_file";
    any_env_file_is_read_or_refused: "env_file";
    any_bytes_on_a_connection_are_no_failure: "http";
    any_answer_of_a_model_is_read_or_refused: "model_answer";
    any_answer_of_papita_is_read_or_refused: "papita_answer";
    any_persona_file_is_read_or_refused: "persona";
    any_body_of_a_request_is_no_failure: "request_body";
    any_session_log_is_read_by_its_tools_and_a_start: "session_log";
    any_ticket_is_accepted_or_refused: "ticket";
}
