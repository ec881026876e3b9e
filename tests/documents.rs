//! Checks that the documents name files that exist, and the files of `ops/` metrics that exist.

#![allow(clippy::expect_used, reason = "a test may say what it expects")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders whose files the documents name in code spans.
const FOLDERS: [&str; 11] = [
    "src/",
    "tests/",
    "web/",
    "chat-window/",
    "clients/",
    "migrations/",
    "openapi/",
    "ops/",
    "docs/",
    "benches/",
    ".ci/",
];

/// Returns the documents in the root folder and in `docs/`. Decision records are left out: they are dated, and hold the paths
/// of their day. So is the list of changes.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_folder = |folder: PathBuf| {
        let entries = fs::read_dir(folder).expect("a folder of documents");
        entries.map(|entry| entry.expect("a document").path()).collect::<Vec<_>>()
    };
    let mut documents = [in_folder(root.to_owned()), in_folder(root.join("docs"))].concat();
    documents.push(root.join("docs/decisions/README.md"));
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    documents.retain(|path| !path.ends_with("CHANGELOG.md"));
    documents
}

/// Returns the paths in code spans, from the root of the repository. `RESOURCE` and the like stand for any name.
fn paths_in_code(text: &str) -> impl Iterator<Item = &str> {
    let spans = text.split('`').skip(1).step_by(2);
    let paths = spans.filter(|span| FOLDERS.iter().any(|folder| span.starts_with(folder)));
    paths.filter(|path| !path.contains([' ', '*']) && !path.contains("RESOURCE"))
}

/// Returns the targets of Markdown links to files, without the part after `#`.
fn linked_files(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let files = targets.map(|(target, _)| target.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty() && !file.contains("://"))
}

#[test]
fn files_named_in_the_documents_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut missing, mut count) = (Vec::new(), 0);
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        let folder = document.parent().expect("the folder of a document");
        let named = paths_in_code(&text).map(|path| root.join(path));
        for file in named.chain(linked_files(&text).map(|file| folder.join(file))) {
            count += 1;
            if !file.exists() {
                missing.push(format!("{} names {}", document.display(), file.display()));
            }
        }
    }
    assert!(count > 100, "only {count} names of files were found: does this test read the documents rightly?");
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Returns the names of AL-Chat's metrics in a text, without the endings of a histogram's series.
fn metrics_in(text: &str) -> impl Iterator<Item = &str> {
    let rests = text.match_indices("al_chat_").map(|(start, _)| &text[start..]);
    let names = rests.filter_map(|rest| rest.split(|it: char| !it.is_ascii_alphanumeric() && it != '_').next());
    names.map(|name| ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name))
}

#[test]
fn alerts_and_dashboards_name_metrics_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).expect(file);
    let list = read("docs/metrics.md");
    for file in ["ops/prometheus/alerts.yaml", "ops/prometheus/alerts_test.yaml", "ops/grafana/al-chat.json"] {
        let text = read(file);
        let missing = metrics_in(&text).filter(|name| !list.contains(&format!("| `{name}` |"))).collect::<Vec<_>>();
        assert!(metrics_in(&text).count() > 10 && missing.is_empty(), "{file} names {missing:?}");
    }
}
