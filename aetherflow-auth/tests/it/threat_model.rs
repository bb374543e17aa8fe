//! docs/threat-model.md names tests; they must exist.

use std::collections::HashSet;
use std::path::Path;

#[test]
fn every_test_the_threat_model_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut functions = HashSet::new();
    for folder in [
        "aetherflow-auth",
        "aetherflow-ratelimit",
        "aetherflow-crypto",
        "aetherflow-tower",
        "examples",
        "proofs",
    ] {
        collect(&root.join(folder), &mut functions);
    }
    let page = std::fs::read_to_string(root.join("docs/threat-model.md")).unwrap();
    let named: Vec<&str> = page.lines().filter_map(last_cell).flat_map(quoted).collect();
    let missing: Vec<&&str> = named.iter().filter(|name| !functions.contains(**name)).collect();
    assert_eq!(missing, Vec::<&&str>::new());
    let rows = page.lines().filter_map(last_cell).filter(|cell| cell.contains('`')).count();
    assert!(rows >= 40, "{rows} threats");
}

#[test]
fn every_threat_names_a_test() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/threat-model.md");
    let page = std::fs::read_to_string(page).unwrap();
    let heads = ["shown by", "---"];
    let cells = page.lines().filter_map(|line| last_cell(line).map(|cell| (line, cell)));
    let bare: Vec<&str> = cells
        .filter(|(_, cell)| !heads.contains(cell) && !cell.contains('`'))
        .map(|(line, _)| line)
        .collect();
    assert_eq!(bare, Vec::<&str>::new());
}

fn last_cell(line: &str) -> Option<&str> {
    let row = line.strip_prefix('|')?.strip_suffix('|')?;
    row.rsplit('|').next().map(str::trim)
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The names of all functions below a folder, but for what was built there.
fn collect(folder: &Path, functions: &mut HashSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, functions);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            functions.extend(names.map(str::to_owned));
        }
    }
}
