//! The JavaScript package, by its tarball.

use std::fs;
use std::path::{Path, PathBuf};

use crate::clean;
use crate::packed;

/// The variable with the folder of what judges it, and of what it is used with.
const TOOLS: &str = "BATCHINTORY_TEST_PACKAGES_NODE";

/// What a user of it might write, in TypeScript: it is compiled, and run. The database within the process
/// is taken without its types, which want more than a program has.
const PROGRAM: &str = r#"
import { open, type Query } from "batchintory";
import { stringify } from "batchintory/json";

const name: string = "@electric-sql/pglite";
const { PGlite } = await import(name);
const database = new PGlite({ parsers: { 20: BigInt } });
await database.exec("CREATE TABLE files (uid bigint PRIMARY KEY, item text, weight float8)");
await database.exec("INSERT INTO files VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)");
const query: Query = async (_source, statement, parameters) => {
  const { rows, affectedRows } = await database.query(statement, parameters, { rowMode: "array" });
  return { rows, affected: /^\s*select/i.test(statement) ? 0 : (affectedRows ?? 0) };
};
const inventory = await open({ query, dialect: "postgresql" });
await inventory.migrate();
const done = await inventory.process({ metaTable: "files", job: "count", maxCount: 2 }, (items) => items.length);
const results = (await inventory.history()).map((attempt) => attempt.resultItem);
console.log(stringify([done.succeeded, done.failed, results]));
await inventory.close();
await database.close();
"#;

fn tarball() -> PathBuf {
    packed::file("javascript", ".tgz")
}

/// A folder with the packages that judge it.
fn tools() -> PathBuf {
    let folder = std::env::var_os(TOOLS).expect("run `cargo xtask test --packages`");
    Path::new(&folder).join("node_modules")
}

#[test]
fn its_manifest_leads_to_files_and_types() {
    let folder = clean::folder();
    let copy = folder.path().join("batchintory.tgz");
    fs::copy(tarball(), &copy).unwrap();
    let run = |tool: &str, arguments: &[&str]| {
        let mut node = clean::program("node", folder.path());
        clean::output(node.arg(tools().join(tool)).args(arguments))
    };
    run(
        "publint/src/cli.js",
        &["run", "./batchintory.tgz", "--strict"],
    );
    // Node takes it for an ES module alone, as it is meant.
    let arguments = ["./batchintory.tgz", "--profile", "esm-only", "--no-color"];
    run("@arethetypeswrong/cli/dist/index.js", &arguments);
}

#[test]
fn it_is_installed_compiled_and_used() {
    let folder = clean::folder();
    let place = folder.path();
    let manifest = r#"{ "name": "program", "private": true, "type": "module" }"#;
    fs::write(place.join("package.json"), manifest).unwrap();
    let copy = place.join("batchintory.tgz");
    fs::copy(tarball(), &copy).unwrap();
    let install = [
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "./batchintory.tgz",
    ];
    clean::output(clean::program("npm", place).args(install));
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
        assert!(
            place.join("node_modules/batchintory").join(name).is_file(),
            "{name}"
        );
    }
    // Its drivers are asked for by those who want them: here a database within the process.
    let others = [
        "@electric-sql/pglite",
        "@types/node",
        "undici-types",
        "typescript",
    ];
    for name in others
        .into_iter()
        .filter(|name| tools().join(name).is_dir())
    {
        let into = place.join("node_modules").join(name);
        fs::create_dir_all(into.parent().unwrap()).unwrap();
        clean::output(
            clean::program("cp", place)
                .arg("-r")
                .arg(tools().join(name))
                .arg(into),
        );
    }
    fs::write(place.join("program.ts"), PROGRAM).unwrap();
    let compiler = tools().join(".bin/tsc");
    let options = [
        "--strict",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "program.ts",
    ];
    clean::output(clean::program(compiler, place).args(options));
    let printed = clean::output(clean::program("node", place).arg("program.js"));
    assert_eq!(printed, "[2,0,[1,2]]\n");
}
