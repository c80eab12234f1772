//! A batch's request as it is kept with it, in the inventory's column `config`.
//!
//! It is JSON, and may come from another version of the planner: members that are missing have their
//! default, unknown ones are passed over. Or from pybatchintory 0.0.8, before its inventory was upgraded:
//! that keeps the meta table's name and columns together, other names for the limits, and no bounds.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::fnv;
use crate::interface::{AcquireRequest, ItemEncoding, MetaColumns, OnChange, Settle};
use crate::json;
use crate::judgement::Grounds;

/// What is kept beside the members of the request: a judgement's grounds.
const COLUMN_TYPES: &str = "column_types";
const JUDGED_AT: &str = "judged_at";

/// What is kept with a batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    /// What was asked for.
    pub(crate) request: AcquireRequest,
    /// What its conditions rest on; nothing where they were not kept.
    pub(crate) grounds: Grounds,
}

/// A request as it is kept, with what its conditions rest on.
pub(crate) fn write(request: &AcquireRequest, grounds: &Grounds) -> Result<String, Error> {
    let mut config = serde_json::to_string(request)
        .map_err(|_| Error::invalid_request("the filter or the hold is not JSON"))?;
    let mut members = Map::new();
    if !grounds.column_types.is_empty() {
        let mut types = Map::new();
        for (column, declaration) in &grounds.column_types {
            types.insert(column.clone(), declaration.as_str().into());
        }
        members.insert(COLUMN_TYPES.into(), Value::Object(types));
    }
    if let Some(judged_at) = &grounds.judged_at {
        members.insert(JUDGED_AT.into(), judged_at.as_str().into());
    }
    for (name, value) in members {
        // Before the brace that closes the request.
        config.insert_str(
            config.len() - 1,
            &format!(",\"{name}\":{}", json::write(&value)),
        );
    }
    Ok(config)
}

/// What was kept; none where it is no request, as with other programs' rows.
pub(crate) fn read(config: &str) -> Option<Kept> {
    let Ok(Value::Object(kept)) = serde_json::from_str(config) else {
        return None;
    };
    Some(Kept {
        request: request(&kept)?,
        grounds: grounds(&kept),
    })
}

fn grounds(kept: &Map<String, Value>) -> Grounds {
    let types = kept.get(COLUMN_TYPES).and_then(Value::as_object);
    Grounds {
        column_types: (types.into_iter().flatten())
            .filter_map(|(column, name)| Some((column.clone(), name.as_str()?.to_owned())))
            .collect(),
        judged_at: text(kept, JUDGED_AT),
    }
}

fn request(kept: &Map<String, Value>) -> Option<AcquireRequest> {
    let default = AcquireRequest::default();
    let number = |name| kept.get(name).and_then(Value::as_u64);
    let seconds = |name| number(name).and_then(|number| u32::try_from(number).ok());
    let id = |name| kept.get(name).and_then(Value::as_i64);
    let (meta_table, columns) = match kept.get("meta_table")? {
        Value::Object(theirs) => (text(theirs, "name")?, theirs.get("cols")),
        _ => (text(kept, "meta_table")?, kept.get("columns")),
    };
    Some(AcquireRequest {
        meta_table,
        job: text(kept, "job")?,
        job_identifier: text(kept, "job_identifier"),
        source_job: text(kept, "source_job"),
        columns: match columns {
            Some(Value::Object(columns)) => MetaColumns {
                uid: text(columns, "uid").unwrap_or(default.columns.uid),
                item: text(columns, "item").unwrap_or(default.columns.item),
                weight: text(columns, "weight"),
            },
            _ => default.columns,
        },
        id_min: id("id_min"),
        id_max: id("id_max"),
        max_weight: (kept.get("max_weight").or(kept.get("batch_weight")))
            .and_then(Value::as_f64)
            .filter(|weight| *weight > 0.0),
        max_count: (number("max_count").or(number("batch_count"))).filter(|count| *count > 0),
        filter: condition(kept, "filter"),
        hold: condition(kept, "hold"),
        settle: match kept.get("settle").and_then(Value::as_str) {
            Some("commit-order") => Settle::CommitOrder,
            _ => default.settle,
        },
        max_attempts: seconds("max_attempts").unwrap_or(default.max_attempts),
        retry_delay_seconds: seconds("retry_delay_seconds"),
        lease_seconds: seconds("lease_seconds"),
        on_change: match kept.get("on_change").and_then(Value::as_str) {
            Some("accept") => OnChange::Accept,
            _ => default.on_change,
        },
        item_encoding: match kept.get("item_encoding").and_then(Value::as_str) {
            Some("base64") => ItemEncoding::Base64,
            Some("hex") => ItemEncoding::Hex,
            _ => default.item_encoding,
        },
    })
}

/// What was kept with the batch of this inventory id.
pub(crate) fn read_of_batch(config: &str, id: i64) -> Result<Kept, Error> {
    read(config).ok_or_else(|| {
        Error::database(format!(
            "the configuration of the batch with inventory id {id} is not understood"
        ))
    })
}

fn text(kept: &Map<String, Value>, name: &str) -> Option<String> {
    kept.get(name)?.as_str().map(str::to_owned)
}

fn condition(kept: &Map<String, Value>, name: &str) -> Option<String> {
    (kept.get(name).filter(|value| !value.is_null())).map(json::write)
}

/// The request for a further attempt at a range that was planned with `before`: what decides which
/// rows belong to it, and what of them is given, stays as it was. Rows that only the one filter
/// takes would be lost otherwise: they lie below the watermark.
pub(crate) fn of_further_attempt(before: AcquireRequest, now: &AcquireRequest) -> AcquireRequest {
    // The scope is that of the inventory where a job processes results, and does not tell the
    // table.
    let is_on_results = before.source_job.is_some() || now.source_job.is_some();
    AcquireRequest {
        meta_table: match is_on_results {
            true => before.meta_table,
            false => now.meta_table.clone(),
        },
        source_job: before.source_job,
        filter: before.filter,
        hold: before.hold,
        id_min: before.id_min,
        // Without a weight column there is none to limit.
        max_weight: now.max_weight.filter(|_| before.columns.weight.is_some()),
        columns: before.columns,
        ..now.clone()
    }
}

/// What differs of that which must not change from range to range, a sentence each.
pub(crate) fn differences(before: &AcquireRequest, now: &AcquireRequest) -> Vec<String> {
    (parts(before).into_iter().zip(parts(now)))
        .filter(|((_, before), (_, now))| before != now)
        .map(|((name, before), (_, now))| {
            let (before, now) = (json::write(&before), json::write(&now));
            format!("{name} was {before} and is now {now}")
        })
        .collect()
}

/// Tells requests apart that differ in what must not change: where two have one fingerprint,
/// [`differences`] finds none. It is kept in inventories, so it must stay the same.
pub(crate) fn fingerprint(request: &AcquireRequest) -> i64 {
    // The line feed, which no JSON holds as it is, ends a part.
    let lines = parts(request).map(|(_, part)| json::write(&part) + "\n");
    fnv::hash(lines.iter().flat_map(|line| line.bytes())).cast_signed()
}

/// The meta table is among them only where the job is on results: else another one is another
/// scope.
fn parts(request: &AcquireRequest) -> [(&'static str, Value); 7] {
    let condition = |text: &Option<String>| {
        // Compared as JSON, so that spaces and the order of members do not matter.
        (text.as_deref())
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or(Value::Null)
    };
    let columns = &request.columns;
    let table_of_results = (request.source_job.as_ref()).map(|_| request.meta_table.as_str());
    [
        ("the source job's meta table", table_of_results.into()),
        ("the source job", request.source_job.as_deref().into()),
        ("the uid column", columns.uid.as_str().into()),
        ("the item column", columns.item.as_str().into()),
        ("the weight column", columns.weight.as_deref().into()),
        ("the filter", condition(&request.filter)),
        ("the hold", condition(&request.hold)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_was() {
        let request = AcquireRequest {
            job_identifier: Some("run 7".into()),
            source_job: Some("up".into()),
            columns: MetaColumns {
                uid: "no".into(),
                item: "path".into(),
                weight: None,
            },
            id_min: Some(-3),
            id_max: Some(i64::MAX),
            max_weight: Some(0.1),
            max_count: Some(7),
            filter: Some(r#"{"column":"a","op":"=","value":1.5}"#.into()),
            hold: Some(r#"{"all":[]}"#.into()),
            settle: Settle::CommitOrder,
            max_attempts: 9,
            retry_delay_seconds: Some(0),
            lease_seconds: Some(60),
            on_change: OnChange::Accept,
            item_encoding: ItemEncoding::Hex,
            ..AcquireRequest::new("files", "thumbnails")
        };
        for request in [request, AcquireRequest::new("files", "thumbnails")] {
            let kept = Kept {
                request: request.clone(),
                grounds: Grounds::default(),
            };
            let config = write(&request, &kept.grounds).unwrap();
            assert_eq!(read(&config), Some(kept));
        }
    }

    #[test]
    fn the_fingerprint_tells_what_must_not_change() {
        let filter = |filter: &str| AcquireRequest {
            filter: Some(filter.into()),
            ..AcquireRequest::new("files", "thumbnails")
        };
        let plain = AcquireRequest::new("files", "thumbnails");
        // It is kept in inventories, so another version must find the same one.
        assert_eq!(fingerprint(&plain), -6_778_547_372_151_675_176);
        let larger = AcquireRequest {
            max_count: Some(7),
            job_identifier: Some("run 8".into()),
            ..plain.clone()
        };
        assert_eq!(fingerprint(&larger), fingerprint(&plain));
        let spaced = filter(r#"{ "op": "is-null", "column": "a" }"#);
        let filtered = filter(r#"{"column":"a","op":"is-null"}"#);
        assert_eq!(fingerprint(&spaced), fingerprint(&filtered));
        assert_ne!(fingerprint(&plain), fingerprint(&filtered));
        let renamed = AcquireRequest {
            columns: MetaColumns {
                uid: "item".into(),
                item: "uid".into(),
                weight: None,
            },
            ..plain.clone()
        };
        assert_ne!(fingerprint(&plain), fingerprint(&renamed));
    }

    #[test]
    fn what_conditions_rest_on_is_kept_beside_the_request() {
        let request = AcquireRequest::new("files", "thumbnails");
        let types = [("say \"hi\"", "timestamp"), ("state", "enum('a','b')")];
        for judged_at in [None, Some("2024-01-03T10:00:00.123Z".to_owned())] {
            let grounds = Grounds {
                column_types: types
                    .map(|(column, name)| (column.into(), name.into()))
                    .into(),
                judged_at,
            };
            let config = write(&request, &grounds).unwrap();
            let kept = read(&config).unwrap();
            assert_eq!(kept.grounds, grounds);
            assert_eq!(kept.request, request);
        }
        let config = r#"{"meta_table": "files", "job": "thumbnails", "column_types": [1]}"#;
        assert_eq!(read(config).unwrap().grounds, Grounds::default());
    }

    #[test]
    fn other_versions_are_understood() {
        let config = r#"{"meta_table": "files", "job": "thumbnails", "colour": "blue"}"#;
        let expected = AcquireRequest::new("files", "thumbnails");
        assert_eq!(read(config).unwrap().request, expected);
    }

    #[test]
    fn pybatchintory_is_understood() {
        let config = r#"{"meta_table": {"name": "files", "cols": {"uid": "no", "item": "item", "weight": null}},
            "job": "thumbnails", "job_identifier": null, "batch_id_min": 0, "batch_id_max": null,
            "batch_weight": null, "batch_count": 5, "id_inventory_max": 0, "id_meta_max": 15}"#;
        let expected = AcquireRequest {
            columns: MetaColumns {
                uid: "no".into(),
                item: "item".into(),
                weight: None,
            },
            max_count: Some(5),
            ..AcquireRequest::new("files", "thumbnails")
        };
        assert_eq!(read(config).unwrap().request, expected);
    }

    #[test]
    fn a_further_attempt_keeps_what_decides_on_its_rows() {
        let condition = |column: &str| Some(format!(r#"{{"column":"{column}","op":"is-null"}}"#));
        let before = AcquireRequest {
            id_min: Some(3),
            filter: condition("a"),
            hold: condition("b"),
            columns: MetaColumns {
                weight: None,
                ..MetaColumns::default()
            },
            max_count: Some(7),
            ..AcquireRequest::new("files", "thumbnails")
        };
        let now = AcquireRequest {
            job_identifier: Some("run 8".into()),
            id_min: Some(1),
            id_max: Some(9),
            filter: condition("c"),
            max_weight: Some(5.0),
            max_attempts: 4,
            ..AcquireRequest::new("files", "thumbnails")
        };
        let expected = AcquireRequest {
            job_identifier: Some("run 8".into()),
            id_max: Some(9),
            max_count: None,
            max_attempts: 4,
            ..before.clone()
        };
        assert_eq!(of_further_attempt(before, &now), expected);
    }

    #[test]
    fn results_of_another_meta_table_are_another_configuration() {
        let on_results = |table| AcquireRequest {
            source_job: Some("up".into()),
            ..AcquireRequest::new(table, "down")
        };
        let (files, images) = (on_results("files"), on_results("images"));
        let differences = differences(&files, &images);
        let [difference] = differences.try_into().unwrap();
        assert!(
            difference.contains("meta table was \"files\""),
            "{difference}"
        );
        assert_eq!(of_further_attempt(files, &images).meta_table, "files");
    }

    #[test]
    fn what_is_no_request_is_none() {
        for config in ["", "null", "[]", "{}", r#"{"meta_table": 1, "job": "a"}"#] {
            assert_eq!(read(config), None, "{config}");
        }
    }
}
