//! Checks the structure of the code: a file imports lower layers only; modules of `adapters` and of `services` don't import
//! each other, those of `domain` and of `foundation` only in a fixed order; and no files import each other in a circle.

#![allow(clippy::expect_used, reason = "a test may say what it expects")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{
    ItemMod, ItemUse, UseTree, Visibility,
    visit::{self, Visit},
};

/// The layers from the lowest to the highest, as folders of `src`.
const LAYERS: [&[&str]; 6] = [&["foundation"], &["domain"], &["adapters"], &["services"], &["api"], &["app", "cli"]];

/// Modules of one layer that may import those to their left.
const ORDERED: [&[&str]; 2] = [
    &[
        "secret",
        "clock",
        "error_chain",
        "outage",
        "tasks",
        "descriptors",
        "memory_limit",
        "file_access",
        "file_identity",
        "file_watch",
        "compression",
        "config",
        "trace",
        "telemetry",
        "http_client",
        "process_lock",
        "redaction",
        "surrogates",
        "write_state",
    ],
    &[
        "finish",
        "errors",
        "answer_options",
        "precis",
        "account",
        "client_ip",
        "shares",
        "fair_permits",
        "body_memory",
        "breaker",
        "public_address",
        "chat",
        "contact",
        "feedback",
        "session",
        "cost",
        "known_models",
        "persona",
        "prompt",
        "tenant",
        "limits",
        "title",
        "search_terms",
        "time_bound",
        "log_chain",
        "log_position",
        "log_stamp",
    ],
];

/// A module's path below the crate, such as `["services", "turn"]`.
type ModulePath = Vec<String>;

/// The imports of one file, as paths from the crate's root, and the names that they bind.
#[derive(Default)]
struct Imports {
    module: ModulePath,
    paths: Vec<Vec<String>>,
    names: BTreeMap<String, Vec<String>>,
}

impl Imports {
    fn of(module: ModulePath, code: &str) -> Self {
        let mut imports = Self { module, ..Self::default() };
        imports.visit_file(&syn::parse_file(code).expect("a file of Rust"));
        imports
    }

    /// Returns the path from the crate's root; `None` for a path into another crate.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let mut base = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.module.clone(),
            _ => return None,
        };
        let mut rest = path.iter().skip_while(|segment| matches!(segment.as_str(), "crate" | "self")).peekable();
        while rest.next_if(|segment| *segment == "super").is_some() {
            base.pop();
        }
        base.extend(rest.cloned());
        Some(base)
    }

    fn add_tree(&mut self, tree: &UseTree, prefix: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.add_tree(&path.tree, prefix);
                prefix.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|item| self.add_tree(item, prefix)),
            UseTree::Name(name) => self.add_name(&name.ident.to_string(), &name.ident.to_string(), prefix),
            UseTree::Rename(name) => self.add_name(&name.ident.to_string(), &name.rename.to_string(), prefix),
            UseTree::Glob(_) => self.paths.extend(self.absolute(prefix)),
        }
    }

    fn add_name(&mut self, item: &str, bound: &str, prefix: &[String]) {
        let path = prefix.iter().cloned().chain((item != "self").then(|| item.to_owned())).collect::<Vec<_>>();
        if let Some(path) = self.absolute(&path) {
            self.names.insert(bound.to_owned(), path.clone());
            self.paths.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&item.tree, &mut Vec::new());
    }

    /// Leaves out visibilities such as `pub(in crate::api)`: they import nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    /// Leaves out the modules inside a file: they hold its unit tests.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let path_segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
        if path_segments.len() > 1 {
            self.paths.extend(self.absolute(&path_segments));
        }
        visit::visit_path(self, path);
    }
}

/// The modules of the crate, each with its file's imports.
struct Crate(BTreeMap<ModulePath, Imports>);

impl Crate {
    fn read() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        rust_files(&src, &mut files);
        let modules = files.into_iter().filter_map(|file| {
            let module = module_of(file.strip_prefix(&src).expect("a file of src"));
            let code = fs::read_to_string(&file).expect("a file of src");
            (!module.is_empty()).then(|| (module.clone(), Imports::of(module, &code)))
        });
        Self(modules.collect())
    }

    /// Returns the module that defines the item at a path, also where another module re-exports it.
    fn defining_module(&self, path: &[String]) -> Option<ModulePath> {
        let length = (1..=path.len()).rev().find(|length| self.0.contains_key(&path[..*length]))?;
        let (module, item) = path.split_at(length);
        let reexport = item.first().and_then(|item| self.0[module].names.get(item));
        match reexport {
            Some(target) if target != path => self.defining_module(target).or_else(|| Some(module.to_vec())),
            _ => Some(module.to_vec()),
        }
    }

    /// Returns the modules that each module imports.
    fn imports(&self) -> BTreeMap<&ModulePath, BTreeSet<ModulePath>> {
        let imported = |imports: &Imports| {
            let modules = imports.paths.iter().filter_map(|path| self.defining_module(path));
            modules.filter(|module| *module != imports.module).collect()
        };
        self.0.iter().map(|(module, imports)| (module, imported(imports))).collect()
    }
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src can be read") {
        let path = entry.expect("src can be read").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Returns the module of a file of `src`; an empty path for the crate's own files.
fn module_of(file: &Path) -> ModulePath {
    let mut module = file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>();
    module.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
    module
}

fn layer(module: &[String]) -> usize {
    let folder = module[0].as_str();
    LAYERS.iter().position(|folders| folders.contains(&folder)).expect("a folder of a layer")
}

/// Returns whether a file of module `from` may import one of module `to`.
fn may_import(from: &[String], to: &[String]) -> bool {
    let (from_layer, to_layer) = (layer(from), layer(to));
    if from_layer != to_layer {
        return to_layer < from_layer;
    }
    match (from.get(1), to.get(1)) {
        _ if matches!(from[0].as_str(), "api" | "app") => from[0] == to[0],
        // The command line starts the service.
        _ if from[0] == "cli" => true,
        (Some(from), Some(to)) if from == to => true,
        (Some(from), Some(to)) => ORDERED.get(from_layer).is_some_and(|modules| {
            let position = |module: &String| modules.iter().position(|it| it == module);
            position(to).is_some_and(|to| position(from).is_some_and(|from| to < from))
        }),
        _ => true,
    }
}

/// Returns the modules that a module imports, itself or through others.
fn reachable<'a>(
    from: &'a ModulePath,
    imports: &'a BTreeMap<&ModulePath, BTreeSet<ModulePath>>,
) -> BTreeSet<&'a ModulePath> {
    let (mut seen, mut to_visit) = (BTreeSet::new(), vec![from]);
    while let Some(module) = to_visit.pop() {
        to_visit.extend(imports[module].iter().filter(|module| seen.insert(*module)));
    }
    seen
}

/// Returns the groups of modules that import each other in a circle.
fn cycles(imports: &BTreeMap<&ModulePath, BTreeSet<ModulePath>>) -> Vec<Vec<String>> {
    let reachable = imports.keys().map(|module| (*module, reachable(module, imports))).collect::<BTreeMap<_, _>>();
    let mut groups = BTreeSet::new();
    for (module, from_here) in &reachable {
        if from_here.contains(module) {
            let group = from_here.iter().filter(|other| reachable[**other].contains(module));
            groups.insert(group.map(|module| module.join("::")).collect::<Vec<_>>());
        }
    }
    groups.into_iter().collect()
}

#[test]
fn every_file_imports_lower_layers_only() {
    let code = Crate::read();
    let imports = code.imports();
    let mut violations = Vec::new();
    for (from, imported) in &imports {
        let forbidden = imported.iter().filter(|to| !may_import(from, to));
        violations.extend(forbidden.map(|to| format!("{} imports {}", from.join("::"), to.join("::"))));
    }
    let count = imports.values().map(BTreeSet::len).sum::<usize>();
    assert!(count > 200, "only {count} imports were found: does this test still find the imports?");
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let cycles = cycles(&Crate::read().imports());
    assert!(cycles.is_empty(), "{cycles:#?}");
}

#[test]
fn groups_paths_and_parents_are_read() {
    let module = ["services", "turn", "journal"].map(str::to_owned).to_vec();
    let code = "use crate::{domain::{chat::{Message, Role}, cost}, adapters::storage as database};
        use super::Turns; use std::sync::Arc;
        fn name() -> &'static str { crate::adapters::model::basic::NAME }
        mod tests { use crate::api::AppState; }";
    let paths = Imports::of(module, code).paths.iter().map(|path| path.join("::")).collect::<Vec<_>>();
    let expected = [
        "domain::chat::Message",
        "domain::chat::Role",
        "domain::cost",
        "adapters::storage",
        "services::turn::Turns",
        "adapters::model::basic::NAME",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn layers_and_their_order_are_enforced() {
    let may = |from: &str, to: &str| {
        let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
        may_import(&path(from), &path(to))
    };
    assert!(may("services::turn", "adapters::model"));
    assert!(may("domain::chat", "domain::account"));
    assert!(may("cli::backup", "app"));
    assert!(!may("adapters::storage", "adapters::model"));
    assert!(!may("adapters::model", "services::turn"));
    assert!(!may("domain::account", "domain::chat"));
    assert!(!may("app", "cli"));
}
