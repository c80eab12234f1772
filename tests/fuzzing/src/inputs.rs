//! Values of all kinds, read from bytes: usual ones, those at an edge, and anything else.

use arbitrary::{Result, Unstructured};
use batchintory::{
    AcquireRequest, Dialect, ItemEncoding, MetaColumns, OnChange, Settings, Settle, StatusLabels,
};

/// All dialects.
pub const DIALECTS: [Dialect; 3] = [Dialect::Postgresql, Dialect::Sqlite, Dialect::Mysql];

const TEXTS: [&str; 12] = [
    "",
    "files",
    "lake.files",
    "lake.\"my.files\"",
    "\"open",
    "a\0b",
    "x\"; DROP TABLE inventory; --",
    "`; DROP TABLE inventory; --",
    "$1 ? ?1 :name",
    "ünïcode 🦀",
    "{chain}",
    "pybatchintory-1",
];

const CONDITIONS: [&str; 8] = [
    "",
    "null",
    r#"{"all": []}"#,
    r#"{"column": "kind", "op": "=", "value": "parquet"}"#,
    r#"{"not": {"column": "at", "op": "younger-than-seconds", "value": 1e9}}"#,
    r#"{"any": [{"column": "size", "op": "in", "value": [1, 2.5, "x", true]}]}"#,
    r#"{"column": "at", "op": ">=", "value": "2024-01-03T10:00:00+09:00"}"#,
    r#"{"column": "at", "op": "<", "value": "2024-01-03", "as": "milliseconds"}"#,
];

const INTEGERS: [i64; 9] = [
    i64::MIN,
    i64::MIN + 1,
    -1,
    0,
    1,
    2,
    100,
    i64::MAX - 1,
    i64::MAX,
];

const NUMBERS: [f64; 11] = [
    f64::NEG_INFINITY,
    -1.0,
    -0.0,
    0.0,
    f64::MIN_POSITIVE,
    0.1,
    64.0,
    1e300,
    f64::MAX,
    f64::INFINITY,
    f64::NAN,
];

/// A known value, or any at all.
fn known_or_any<'a, T: Copy>(
    input: &mut Unstructured<'a>,
    known: &[T],
    any: impl FnOnce(&mut Unstructured<'a>) -> Result<T>,
) -> Result<T> {
    if input.ratio(3, 4)? {
        Ok(*input.choose(known)?)
    } else {
        any(input)
    }
}

/// A text.
pub fn text(input: &mut Unstructured<'_>) -> Result<String> {
    let known = known_or_any(input, &TEXTS, |input| input.arbitrary::<&str>())?;
    // Some are too long for every limit.
    let times = if input.ratio(1, 50)? { 100 } else { 1 };
    Ok(known.repeat(times))
}

/// An integer.
pub fn integer(input: &mut Unstructured<'_>) -> Result<i64> {
    known_or_any(input, &INTEGERS, |input| input.arbitrary())
}

/// A small count, or any.
pub fn count(input: &mut Unstructured<'_>) -> Result<u32> {
    known_or_any(input, &[0, 1, 2, 1_000, 1_001, u32::MAX], |input| {
        input.arbitrary()
    })
}

/// A number.
pub fn number(input: &mut Unstructured<'_>) -> Result<f64> {
    known_or_any(input, &NUMBERS, |input| input.arbitrary())
}

/// Nothing, or what the function reads.
pub fn maybe<'a, T>(
    input: &mut Unstructured<'a>,
    read: impl FnOnce(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Option<T>> {
    if input.arbitrary()? {
        read(input).map(Some)
    } else {
        Ok(None)
    }
}

fn condition(input: &mut Unstructured<'_>) -> Result<String> {
    known_or_any(input, &CONDITIONS, |input| input.arbitrary::<&str>()).map(str::to_owned)
}

/// A request that may be sound.
pub fn acquire_request(input: &mut Unstructured<'_>) -> Result<AcquireRequest> {
    Ok(AcquireRequest {
        meta_table: text(input)?,
        job: text(input)?,
        job_identifier: maybe(input, text)?,
        source_job: maybe(input, text)?,
        columns: MetaColumns {
            uid: text(input)?,
            item: text(input)?,
            weight: maybe(input, text)?,
        },
        id_min: maybe(input, integer)?,
        id_max: maybe(input, integer)?,
        max_weight: maybe(input, number)?,
        max_count: maybe(input, |input| Ok(u64::from(count(input)?)))?,
        filter: maybe(input, condition)?,
        hold: maybe(input, condition)?,
        settle: *input.choose(&[Settle::None, Settle::CommitOrder])?,
        max_attempts: count(input)?,
        retry_delay_seconds: maybe(input, count)?,
        lease_seconds: maybe(input, count)?,
        on_change: *input.choose(&[OnChange::Refuse, OnChange::Accept])?,
        item_encoding: *input.choose(&[
            ItemEncoding::Text,
            ItemEncoding::Base64,
            ItemEncoding::Hex,
        ])?,
    })
}

/// A host's settings that may be sound.
pub fn settings(input: &mut Unstructured<'_>) -> Result<Settings> {
    let sound = input.ratio(9, 10)?;
    Ok(Settings {
        inventory_dialect: *input.choose(&DIALECTS)?,
        meta_dialect: *input.choose(&DIALECTS)?,
        inventory_table: if sound {
            "main.inventory".into()
        } else {
            text(input)?
        },
        meta_schema: Some(if sound { "lake".into() } else { text(input)? }),
        meta_name: if sound { None } else { Some(text(input)?) },
        one_database: input.arbitrary()?,
        may_repeat: input.arbitrary()?,
        status_labels: if sound {
            StatusLabels::default()
        } else {
            StatusLabels {
                running: text(input)?,
                succeeded: text(input)?,
                failed: text(input)?,
            }
        },
    })
}
