//! Holds the plan of the house: a file uses lower floors only, and rooms on one floor don't know each other, save on
//! floors 0 and 1, where they may use those to their left.

#![allow(clippy::expect_used, reason = "a test may say what it expects")]

use std::{fs, path::Path};

/// The floors from the ground up; on floors 0 and 1 from left to right.
const FLOORS: [&[&str]; 6] = [
    &[
        "secret",
        "clock",
        "tasks",
        "file_access",
        "config",
        "telemetry",
        "http_client",
        "process_lock",
        "redaction",
        "surrogates",
    ],
    &[
        "account",
        "address",
        "public_address",
        "chat",
        "session",
        "cost",
        "known_models",
        "persona",
        "prompt",
        "title",
        "words",
        "log_place",
    ],
    &["credentials", "host_lookup", "model", "personas", "session_log", "storage", "usage"],
    &["turn", "sessions", "accounts", "visitors"],
    &["api"],
    &["app", "cli"],
];

fn place(room: &str) -> Option<(usize, usize)> {
    let on = |floor: &&[&str]| floor.iter().position(|it| *it == room);
    FLOORS.iter().enumerate().find_map(|(number, floor)| Some((number, on(floor)?)))
}

/// Whether code in room `from` may use room `to`.
fn may_use(from: &str, to: &str) -> bool {
    let (Some(from_place), Some(to_place)) = (place(from), place(to)) else { return false };
    let left_of = to_place.0 == from_place.0 && matches!(to_place.0, 0 | 1) && to_place.1 < from_place.1;
    // The command line starts the app.
    from == to || to_place.0 < from_place.0 || left_of || (from, to) == ("cli", "app")
}

fn rust_files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a file names after `crate::`, in use lines and in paths, grouped imports included.
fn rooms_used(code: &str) -> Vec<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    let mut rooms = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let rest = &code[start + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            let mut at_start = true;
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 && at_start && is_name(c) {
                    word.push(c);
                } else if !word.is_empty() {
                    rooms.push(std::mem::take(&mut word));
                    at_start = false;
                }
                if depth == 0 && c == ',' {
                    at_start = true;
                }
            }
        } else {
            rooms.push(rest.chars().take_while(|c| is_name(*c)).collect());
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}

#[test]
fn every_file_uses_lower_floors_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut offences = Vec::new();
    let mut uses = 0;
    for file in files {
        let inside = file.strip_prefix(&src).expect("a file of src");
        let first = inside.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
        let room = first.trim_end_matches(".rs");
        if matches!(room, "lib" | "main") {
            continue;
        }
        let code = fs::read_to_string(&file).expect("a file of src");
        for used in rooms_used(&code) {
            uses += 1;
            if !may_use(room, &used) {
                offences.push(format!("{} uses {used}", inside.display()));
            }
        }
    }
    assert!(uses > 50, "the uses were not found; is the reader of this test at fault?");
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn the_reader_sees_groups_and_paths() {
    let code = "use crate::{\n    chat::{Message, Role},\n    cost,\n    session_log::SessionLog,\n};\nlet x = crate::model::basic::NAME;";
    assert_eq!(rooms_used(code), ["chat", "cost", "session_log", "model"]);
    assert!(!may_use("storage", "model"));
    assert!(!may_use("model", "turn"));
    assert!(may_use("turn", "model"));
}
