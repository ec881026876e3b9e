//! Joins the ES modules of a browser script to the one file that is served.
//!
//! The modules follow a convention, which the tests check: an `import` is one line with names in braces and a file of the
//! same folder; an `export` stands in front of a declaration; and no two modules declare the same name.

use include_dir::Dir;

/// The modules of one script in the order of their execution.
struct Modules<'a> {
    files: &'a Dir<'a>,
    folder: &'a str,
    /// The names of the modules that were visited, which ends a circle of imports.
    visited: Vec<&'a str>,
    sources: Vec<&'a str>,
}

impl<'a> Modules<'a> {
    /// Adds a module after those that it imports.
    fn add(&mut self, name: &'a str) {
        if self.visited.contains(&name) {
            return;
        }
        self.visited.push(name);
        let source = text(self.files, &format!("{}/{name}", self.folder));
        for imported in source.lines().filter_map(imported_module) {
            self.add(imported);
        }
        self.sources.push(source);
    }
}

/// Returns the script that a module makes together with all modules that it imports. Only the exports of this module,
/// given as its path in `files`, are those of the script.
pub(super) fn join(files: &Dir<'_>, entry: &str) -> String {
    let (folder, name) = entry.rsplit_once('/').unwrap_or(("", entry));
    let mut modules = Modules { files, folder, visited: Vec::new(), sources: Vec::new() };
    modules.add(name);
    let Some((entry, imported)) = modules.sources.split_last() else { return String::new() };
    let imported =
        imported.iter().flat_map(|source| source.lines()).map(|line| line.strip_prefix("export ").unwrap_or(line));
    without_comments(imported.chain(entry.lines()).filter(|line| imported_module(line).is_none()))
}

/// Returns the text of an embedded file; nothing where there is no such file.
pub(super) fn text<'a>(files: &'a Dir<'_>, path: &str) -> &'a str {
    files.get_file(path).and_then(|file| file.contents_utf8()).unwrap_or_default()
}

/// Returns the file name in a line such as `import { node } from "./dom.js";`.
fn imported_module(line: &str) -> Option<&str> {
    line.strip_prefix("import ")?.split_once("from \"./")?.1.strip_suffix("\";")
}

/// Returns the lines without indentation and without those that are comments, which only readers of the source need.
///
/// No crate minifies the script: `minifier` 0.4 changes the text of template literals, `minify-js` 0.6 doesn't parse numeric
/// separators, and the parser of oxc takes 45 s of CPU time to compile, an eighth of the whole build. (The only text of
/// several lines in these scripts is a style sheet, in which indentation has no meaning.)
fn without_comments<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut is_in_comment = false;
    let is_code = |line: &&str| {
        is_in_comment |= line.starts_with("/**");
        let is_comment = is_in_comment || line.starts_with("//");
        is_in_comment &= !line.ends_with("*/");
        !is_comment
    };
    lines.map(str::trim).filter(is_code).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use include_dir::{DirEntry, File, include_dir};

    use super::*;

    static WEB: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/web");

    #[test]
    fn indentation_and_comment_lines_are_removed() {
        let script = "/** One. */\n/**\n * More.\n */\nlet a = 1; // here\n  // why\n  const c = `\n* { }`;\n";
        assert_eq!(without_comments(script.lines()), "let a = 1; // here\nconst c = `\n* { }`;\n");
    }

    #[test]
    fn imported_modules_come_first_and_once() {
        const FILES: &[DirEntry<'_>] = &[
            DirEntry::File(File::new(
                "w/a.js",
                b"import { b } from \"./b.js\";\nimport { c } from \"./c.js\";\nexport const a = b + c;\n",
            )),
            DirEntry::File(File::new("w/b.js", b"import { c } from \"./c.js\";\nexport const b = c;\n")),
            DirEntry::File(File::new("w/c.js", b"export const c = 1;\n")),
        ];
        const FOLDERS: &[DirEntry<'_>] = &[DirEntry::Dir(Dir::new("w", FILES))];
        assert_eq!(join(&Dir::new("", FOLDERS), "w/a.js"), "const c = 1;\nconst b = c;\nexport const a = b + c;\n");
    }

    #[test]
    fn the_chat_window_follows_the_convention() {
        let folder = WEB.get_dir("chat-window").expect("the folder of the modules");
        let script = join(&WEB, "chat-window/element.js");
        let mut names = BTreeSet::new();
        for file in folder.files() {
            let source = file.contents_utf8().expect("a text");
            for line in source.lines().filter(|line| line.starts_with("import")) {
                let imported = imported_module(line).expect("an import of names on one line");
                assert!(folder.get_file(format!("chat-window/{imported}")).is_some(), "{line}");
            }
            let words = |line: &'static str| line.strip_prefix("export ").unwrap_or(line).split([' ', '(', '=', ';']);
            for line in source.lines() {
                let mut words = words(line).skip_while(|word| *word == "async");
                if let (Some("const" | "let" | "class" | "function"), Some(name)) = (words.next(), words.next()) {
                    assert!(names.insert(name), "{name} is declared in two modules");
                    assert!(script.contains(name), "{name} isn't in the script");
                }
            }
        }
        assert!(names.len() > 50);
        assert_eq!(script.matches("\nexport ").count(), 1);
        assert!(!script.lines().any(|line| line.starts_with("import ")));
    }
}
