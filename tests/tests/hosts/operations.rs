//! Every operation is everywhere: a new one that is forgotten somewhere fails here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use batchintory::Call;
use batchintory_simulator::faults::Counts;
use batchintory_tests::Scenario;
use batchintory_tests::operations::{Place, functions};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

/// What is there must be all that the interface has, but for what is left out for a reason; and what is left
/// out must not be there.
fn check(place: Place, is_there: impl Fn(&str) -> bool) -> Result<()> {
    for function in functions()? {
        let left_out = place.leaves_out(&function);
        assert_eq!(
            is_there(&function),
            left_out.is_none(),
            "{place:?} and {function}, left out since {left_out:?}; see tests/src/operations.rs"
        );
    }
    Ok(())
}

fn snake_case(name: &str) -> String {
    name.replace('-', "_")
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('-');
    let mut camel_case = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(1);
        camel_case += &first.to_uppercase();
        camel_case += rest;
    }
    camel_case
}

#[test]
fn a_call_can_be_made_of_every_function() -> Result<()> {
    let functions: BTreeSet<String> = functions()?.into_iter().collect();
    assert!(functions.contains("acquire") && functions.contains("schema-statements"));
    let calls: BTreeSet<String> = Call::NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(calls, functions);
    Ok(())
}

#[test]
fn every_function_is_in_a_scenario() -> Result<()> {
    let scenarios = Scenario::read_all(&root().join("tests/scenarios"))?;
    let mut called = BTreeSet::new();
    for (_, scenario) in &scenarios {
        called.extend(scenario.operations());
    }
    check(Place::Scenarios, |function| called.contains(function))
}

#[test]
fn every_function_is_fuzzed() -> Result<()> {
    let mut state = 1_u64;
    let mut byte = || {
        // Knuth's linear congruential generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let mut requested = BTreeSet::new();
    let mut hosted = BTreeSet::new();
    for _ in 0..1_000 {
        let bytes: Vec<u8> = (0..600).map(|_| byte()).collect();
        requested.extend(batchintory_fuzzing::request(&bytes));
        hosted.extend(batchintory_fuzzing::host(&bytes));
    }
    check(Place::Fuzzer, |function| requested.contains(function))?;
    check(Place::Fuzzer, |function| hosted.contains(function))
}

#[test]
fn every_function_is_simulated() -> Result<()> {
    let mut counts = Counts::default();
    for seed in 0..500 {
        let outcome = batchintory_simulator::run_seed(seed, 4, None, false)?;
        counts.add(&outcome.counts);
    }
    let answered: BTreeSet<&str> = (Call::NAMES.iter().zip(counts.calls))
        .filter(|(_, answered)| *answered > 0)
        .map(|(name, _)| *name)
        .collect();
    check(Place::Simulator, |function| answered.contains(function))
}

#[test]
fn every_function_is_on_the_command_line() -> Result<()> {
    let mut sources = String::new();
    let mut folders = vec![root().join("host-adapters/cli/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                sources += &fs::read_to_string(&path)?;
            }
        }
    }
    sources.retain(|character| !character.is_whitespace());
    check(Place::CommandLine, |function| {
        let method = snake_case(function);
        let pages = format!("{}_pages", method.trim_end_matches('s'));
        // A batch in hand is ended with the claim of the next by its own method.
        let of_batch = function == "advance" && sources.contains("batch.end_and_acquire(");
        let of_inventory = (["", "_with_token"].map(|way| method.clone() + way).iter())
            .chain([&pages])
            .any(|method| {
                let is_called = |on: &str| sources.contains(&format!("{on}.{method}("));
                is_called("inventory") || is_called("inventory().await?")
            });
        of_batch || of_inventory
    })
}

#[test]
fn every_function_has_a_route() -> Result<()> {
    let description: Value = serde_json::from_str(&read("host-adapters/http/src/openapi.json")?)?;
    let paths = description["paths"].as_object().context("no paths")?;
    let operations: BTreeSet<&str> = (paths.values())
        .filter_map(Value::as_object)
        .flat_map(|methods| methods.values())
        .filter_map(|operation| operation.get("operationId")?.as_str())
        .collect();
    check(Place::Http, |function| {
        operations.contains(camel_case(function).as_str())
    })
}

#[test]
fn every_function_is_in_python() -> Result<()> {
    let inventory = read("host-adapters/python/src/batchintory/inventory.py")?;
    check(Place::Python, |function| {
        inventory.contains(&format!("    def {}(", snake_case(function)))
    })
}

#[test]
fn every_function_is_in_javascript() -> Result<()> {
    let inventory = read("host-adapters/javascript/src/inventory.ts")?;
    check(Place::JavaScript, |function| {
        inventory.contains(&format!("  async {}(", camel_case(function)))
    })
}

#[test]
fn every_module_of_the_core_is_on_the_map() -> Result<()> {
    let map = read("ARCHITECTURE.md")?;
    let mut missing = Vec::new();
    for entry in fs::read_dir(root().join("src"))? {
        let path = entry?.path();
        let name = path.file_name().context("a name")?.to_string_lossy();
        let shown = match path.is_dir() {
            true => format!("`{name}/`"),
            false => format!("`{name}`"),
        };
        let is_module = path.is_dir() || path.extension().is_some_and(|end| end == "rs");
        if is_module && name != "lib.rs" && !map.contains(&shown) {
            missing.push(shown);
        }
    }
    ensure!(missing.is_empty(), "ARCHITECTURE.md lacks {missing:?}");
    Ok(())
}
