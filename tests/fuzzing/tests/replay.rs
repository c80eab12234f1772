//! A short run of the fuzzing on a stable toolchain: what is in the corpus, and random bytes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use batchintory_fuzzing::{condition, host, request};
use proptest::collection::vec;
use proptest::prelude::*;

/// Runs everything in the corpus of a target; it must not be empty.
fn replay<T>(name: &str, target: fn(&[u8]) -> T) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let mut inputs = 0;
    for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
        target(&fs::read(entry?.path())?);
        inputs += 1;
    }
    ensure!(inputs > 0, "{} holds nothing", folder.display());
    Ok(())
}

#[test]
fn conditions_of_the_corpus() -> Result<()> {
    replay("condition", condition)
}

#[test]
fn requests_of_the_corpus() -> Result<()> {
    replay("request", request)
}

#[test]
fn hosts_of_the_corpus() -> Result<()> {
    replay("host", host)
}

/// JSON of any form, more often than not close to a condition.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(r#"{"column": "a", "op": "is-null"}"#.to_owned()),
        (
            "[a-z\"`\\\\ ]{0,6}",
            "[-=!<>a-z]{1,8}",
            "[-0-9.e]{1,8}|\"[^\"]{0,8}\"|\\[1, \"x\"\\]"
        )
            .prop_map(|(column, operator, value)| format!(
                "{{\"column\": {column:?}, \"op\": \"{operator}\", \"value\": {value}}}"
            )),
        ".{0,20}",
    ];
    leaf.prop_recursive(8, 64, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|all| format!("{{\"all\": [{}]}}", all.join(","))),
            vec(inner.clone(), 0..4).prop_map(|any| format!("{{\"any\": [{}]}}", any.join(","))),
            inner.prop_map(|not| format!("{{\"not\": {not}}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_condition(text in json()) {
        condition(text.as_bytes());
    }

    #[test]
    fn any_request(bytes in vec(any::<u8>(), 0..600)) {
        request(&bytes);
    }

    #[test]
    fn any_host(bytes in vec(any::<u8>(), 0..2_000)) {
        host(&bytes);
    }
}
