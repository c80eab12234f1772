//! Every statement in every dialect, so that a reviewer sees the SQL.

use super::fused_claim::FusedClaim;
use super::inventory::{Claim, End, Ending, InventoryTable};
use super::jobs::JobsMeant;
use super::meta::{self, Fill, Room};
use super::source;
use super::{Statement, Value, quoted};
use crate::claim_token::ClaimToken;
use crate::database::{Dialect, StatusLabels};
use crate::interface::{AcquireRequest, HistoryQuery, IdRange, Queue, RequeueTarget, Settle};
use crate::job::{Bounds, Job, JobKey, Retries};
use crate::judgement::{Grounds, Judgement};
use crate::sums::{Recounted, Sums};
use crate::table_name::TableName;

/// A statement with its parameters as a snapshot shows them.
fn shown(statement: impl Into<Statement>) -> String {
    let statement = statement.into();
    let parameters: Vec<String> = (statement.parameters.iter())
        .map(|value| match value {
            Value::Null => "NULL".into(),
            Value::Boolean(value) => value.to_string(),
            Value::Int64(value) => value.to_string(),
            Value::Float64(value) => format!("{value:?}"),
            Value::Text(value) => format!("{value:?}"),
        })
        .collect();
    // One clause a line, so that a change shows where it is.
    let mut text = statement.text.clone();
    for clause in [
        "FROM",
        "WHERE",
        "GROUP BY",
        "ORDER BY",
        "SET",
        "VALUES",
        "ON CONFLICT",
        "RETURNING",
    ] {
        text = text.replace(&format!(" {clause} "), &format!("\n{clause} "));
    }
    format!("{text}\n-- {}", parameters.join(", "))
}

/// Shows a statement in all dialects under its function's name.
fn snapshot<S: Into<Statement>>(name: &str, statement: impl Fn(Dialect) -> S) {
    let dialects = [Dialect::Postgresql, Dialect::Sqlite, Dialect::Mysql];
    snapshot_in(&dialects, name, statement);
}

/// Shows a statement in these dialects.
fn snapshot_in<S: Into<Statement>>(
    dialects: &[Dialect],
    name: &str,
    statement: impl Fn(Dialect) -> S,
) {
    let all: Vec<String> = (dialects.iter())
        .map(|dialect| format!("-- {dialect:?}\n{}", shown(statement(*dialect))))
        .collect();
    let all = all.join("\n\n");
    insta::assert_snapshot!(name, all);
}

/// Where names without a schema lie, for the dialect that has no default.
fn default_schema(dialect: Dialect) -> Option<&'static str> {
    (dialect == Dialect::Mysql).then_some("work")
}

fn key() -> JobKey {
    JobKey {
        meta_table: "lake.files".into(),
        job: "thumbnails".into(),
    }
}

fn inventory(dialect: Dialect) -> InventoryTable {
    InventoryTable {
        name: TableName::of("inventory", dialect, default_schema(dialect)).unwrap(),
        dialect,
        labels: StatusLabels::default(),
    }
}

fn table(request: &AcquireRequest, dialect: Dialect) -> TableName {
    TableName::of(&request.meta_table, dialect, default_schema(dialect)).unwrap()
}

fn job(dialect: Dialect, filter: Option<&str>) -> Job {
    let request = AcquireRequest {
        id_min: Some(10),
        id_max: Some(1_000),
        max_weight: Some(64.0),
        max_count: Some(100),
        filter: filter.map(str::to_owned),
        ..AcquireRequest::new("lake.files", "thumbnails")
    };
    Job::parse(&request, dialect, table(&request, dialect)).unwrap()
}

fn settled(job: Job) -> Job {
    Job {
        settle: Settle::CommitOrder,
        ..job
    }
}

const FILTER: &str = r#"{"all": [
    {"column": "kind", "op": "in", "value": ["parquet", "csv"]},
    {"not": {"column": "path", "op": "like", "value": "%tmp%"}},
    {"any": [{"column": "modified", "op": "older-than-seconds", "value": 300},
             {"column": "ready", "op": "=", "value": true},
             {"column": "size", "op": ">=", "value": 1.5},
             {"column": "priority", "op": ">", "value": "low"},
             {"column": "read", "op": "<", "value": "2024-01-03T10:00:00+09:00", "as": "milliseconds"},
             {"column": "batch", "op": "!=", "value": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"},
             {"column": "owner", "op": "is-null"}]}]}"#;

/// The conditions of a job on columns of usual types.
fn judgement(job: &Job) -> Judgement {
    let declarations = [
        ("kind", ["text", "text", "varchar(20)"]),
        ("path", ["character varying", "varchar(20)", "text"]),
        (
            "modified",
            ["timestamp with time zone", "datetime", "timestamp(6)"],
        ),
        (
            "imported",
            ["timestamp without time zone", "text", "datetime"],
        ),
        ("ready", ["boolean", "boolean", "tinyint(1)"]),
        ("size", ["numeric", "real", "decimal(10,2)"]),
        (
            "priority",
            [r#"["low","high"]"#, "text", "enum('low','high')"],
        ),
        ("read", ["bigint", "integer", "bigint(20)"]),
        ("batch", ["uuid", "uuid", "uuid"]),
    ];
    let place = match job.dialect {
        Dialect::Postgresql => 0,
        Dialect::Sqlite => 1,
        Dialect::Mysql => 2,
    };
    let grounds = Grounds {
        column_types: (declarations.into_iter())
            .map(|(column, types)| (column.into(), types[place].into()))
            .collect(),
        judged_at: Some("2024-01-03T10:00:00.123Z".into()),
    };
    Judgement::on(job, grounds).unwrap()
}

#[test]
fn on_the_meta_table() {
    let room = Room {
        weight: (0.0, 64.0),
        count: None,
    };
    snapshot("next_page", |dialect| {
        let job = job(dialect, None);
        meta::next_page(&job, &judgement(&job), job.bounds, 7, 150, Some(room))
    });
    snapshot("next_page_of_any_weight", |dialect| {
        let job = job(dialect, None);
        meta::next_page(&job, &judgement(&job), job.bounds, 7, 100_000, None)
    });
    snapshot("next_page_filtered", |dialect| {
        let room = Room {
            count: Some(100),
            ..room
        };
        let job = job(dialect, Some(FILTER));
        meta::next_page(
            &job,
            &judgement(&job),
            job.bounds,
            i64::MIN,
            1_000,
            Some(room),
        )
    });
    snapshot("next_page_with_hold", |dialect| {
        let hold = r#"{"column": "imported", "op": "younger-than-seconds", "value": 300}"#;
        let request = AcquireRequest {
            hold: Some(hold.into()),
            ..AcquireRequest::new("lake.files", "thumbnails")
        };
        let job = Job::parse(&request, dialect, table(&request, dialect)).unwrap();
        meta::next_page(&job, &judgement(&job), job.bounds, 7, 150, Some(room))
    });
    snapshot("next_page_of_settled", |dialect| {
        let job = settled(job(dialect, None));
        meta::next_page(&job, &judgement(&job), job.bounds, 7, 100_000, None)
    });
    snapshot("items_of_settled", |dialect| {
        let job = settled(job(dialect, None));
        meta::items(
            &job,
            &judgement(&job),
            (10, 99),
            Some(41),
            (1_000, Fill::With),
        )
    });
    snapshot("count_range", |dialect| {
        let job = job(dialect, None);
        meta::count_range(&job, &judgement(&job), 7, 99)
    });
    snapshot("count_range_filtered", |dialect| {
        let filter = r#"{"column": "kind", "op": "=", "value": "parquet"}"#;
        let job = job(dialect, Some(filter));
        meta::count_range(&job, &judgement(&job), 7, 99)
    });
    snapshot("first_repeated", |dialect| {
        meta::first_repeated(&job(dialect, None), dialect, 7, 99)
    });
    snapshot("count_page", |dialect| {
        let job = job(dialect, Some(FILTER));
        meta::count_page(&job, &judgement(&job), 7, 1_000)
    });
    snapshot("items", |dialect| {
        let job = job(dialect, None);
        meta::items(
            &job,
            &judgement(&job),
            (10, 99),
            Some(41),
            (1_000, Fill::With),
        )
    });
    snapshot("items_filtered", |dialect| {
        let job = job(dialect, Some(FILTER));
        meta::items(
            &job,
            &judgement(&job),
            (10, 99),
            None,
            (1_000, Fill::Before),
        )
    });
    snapshot("plain_items", |dialect| {
        let job = job(dialect, None);
        meta::plain_items(&job, &judgement(&job), 99)
    });
    snapshot("plain_items_filtered", |dialect| {
        let job = Job {
            settle: Settle::CommitOrder,
            ..job(dialect, Some(FILTER))
        };
        meta::plain_items(&job, &judgement(&job), 99)
    });
    snapshot("items_end", |dialect| {
        let job = job(dialect, None);
        meta::items_end(
            &job,
            &judgement(&job),
            (10, 99),
            Some(41),
            (1_000, Fill::With),
        )
    });
    snapshot("passes_filter", |dialect| {
        let filter = r#"{"column": "kind", "op": "=", "value": "parquet"}"#;
        let job = job(dialect, Some(filter));
        meta::passes_filter(&job, &judgement(&job), 42)
    });
    let dialect = Dialect::Sqlite;
    let job = job(
        dialect,
        Some(r#"{"column": "size", "op": ">", "value": 7}"#),
    );
    let judgement = judgement(&job);
    let mut comparisons = Vec::new();
    if let Some(filter) = &judgement.filter {
        filter.comparisons(&mut comparisons);
    }
    let values = meta::foreign_values(&job, &judgement, &comparisons, 42);
    insta::assert_snapshot!("foreign_values", shown(values));
}

#[test]
fn on_what_describes_the_meta_table() {
    snapshot("read_declarations", |dialect| {
        let columns = ["kind".to_owned(), "modified".to_owned()];
        source::read_declarations(&job(dialect, None), &columns, dialect != Dialect::Sqlite)
    });
    snapshot("highest_uid", |dialect| {
        meta::highest_uid(&job(dialect, None), dialect)
    });
    snapshot("size_estimate", |dialect| {
        meta::size_estimate(&job(dialect, None), dialect)
    });
}

#[test]
fn of_the_fence() {
    let dialect = Dialect::Postgresql;
    let read = shown(super::fence::read_writers(&job(dialect, None), dialect));
    insta::assert_snapshot!("read_writers", read);
    let wait = shown(super::fence::wait_for_writers("3/7 4/12", dialect));
    insta::assert_snapshot!("wait_for_writers", wait);
    snapshot_in(
        &[Dialect::Postgresql, Dialect::Mysql],
        "read_draws",
        |dialect| super::fence::read_draws(&job(dialect, None)),
    );
}

#[test]
fn of_the_fence_by_metadata_locks() {
    use super::metadata_locks::{self as locks, Shown};
    let job = job(Dialect::Mysql, None);
    let tables = [["lake".into(), "files".into()]];
    insta::assert_snapshot!("read_server", shown(locks::read_server(&job)));
    for (name, statement) in [
        (
            "schema",
            locks::read_writers(&job, Shown::PerformanceSchema),
        ),
        ("plugin", locks::read_writers(&job, Shown::Plugin)),
    ] {
        insta::assert_snapshot!(format!("read_locks_of_{name}"), shown(statement));
    }
    for (name, is_mariadb) in [("MariaDB", true), ("MySQL", false)] {
        let statement = locks::read_doubts(is_mariadb, &tables);
        insta::assert_snapshot!(format!("read_doubts_{name}"), shown(statement));
    }
    insta::assert_snapshot!("read_prepared", shown(locks::read_prepared()));
}

#[test]
fn on_the_inventory() {
    let token = ClaimToken::from_random([1, 2]);
    let retries = Retries {
        max_attempts: 3,
        delay_seconds: Some(60),
    };
    let bounds = Bounds {
        id_min: Some(10),
        id_max: None,
    };
    snapshot("read_standing", |dialect| {
        inventory(dialect).read_standing(&key(), bounds, retries)
    });
    snapshot("read_due", |dialect| {
        inventory(dialect).read_due(&key(), (bounds, retries), 7)
    });
    snapshot("list_processed", |dialect| {
        inventory(dialect).list_processed(&key(), Some(7), 100)
    });
    snapshot("read_latest_attempt", |dialect| {
        inventory(dialect).read_latest_attempt(&key(), 7)
    });
    let claim = Claim {
        meta_table: "lake.files",
        job: "thumbnails",
        job_identifier: None,
        after: 7,
        id_start: 10,
        id_end: 99,
        count: 80,
        weight: Some(63.5),
        attempt: 1,
        max_attempts: 3,
        watermark: 7,
        queue_from: 5,
        through: Sums {
            ranges: 4,
            items: 200,
            weight: 250.5,
        },
        recounted: None,
        lease_seconds: Some(90),
        token: &token,
        config: "{}",
        config_fingerprint: -17,
        meta_database: Some("7421/5"),
    };
    snapshot("insert_claims", |dialect| {
        inventory(dialect).insert_claims([&claim].into_iter())
    });
    let second = Claim {
        after: 99,
        id_start: 100,
        id_end: 120,
        recounted: Some(Recounted {
            items: -1,
            weight: 0.5,
        }),
        lease_seconds: None,
        ..claim.clone()
    };
    let ending = Ending {
        end: End::Failed,
        result_item: None,
        log: Some("no such file"),
    };
    for (name, filter) in [("claim_next", None), ("claim_next_filtered", Some(FILTER))] {
        snapshot_in(&[Dialect::Postgresql, Dialect::Sqlite], name, |dialect| {
            let job = job(dialect, filter);
            inventory(dialect).claim_next(&FusedClaim {
                job: &job,
                judgement: &judgement(&job),
                most_weight: 64.0,
                token: &token,
                config: "{}",
                config_fingerprint: -17,
                items: 1_000,
                ending: Some((&token, ending)),
            })
        });
    }
    snapshot("insert_claims_of_several", |dialect| {
        inventory(dialect).insert_claims([&claim, &second].into_iter())
    });
    snapshot("find_place", |dialect| {
        inventory(dialect).find_place(&key(), 7, 1)
    });
    snapshot("prolong_lease", |dialect| {
        inventory(dialect).prolong_lease(&token, 90)
    });
    snapshot("take_over", |dialect| inventory(dialect).take_over(7));
    snapshot("leave_queue", |dialect| {
        inventory(dialect).leave_queue(&key(), 7, 2)
    });
    snapshot("requeue", |dialect| {
        let ranges = vec![
            IdRange {
                id_start: 1,
                id_end: 9,
            },
            IdRange {
                id_start: 42,
                id_end: 42,
            },
        ];
        inventory(dialect).requeue(&key(), &RequeueTarget::Ids(ranges))
    });
    snapshot("requeue_exhausted", |dialect| {
        inventory(dialect).requeue(&key(), &RequeueTarget::Exhausted)
    });
    snapshot("end_attempt", |dialect| {
        inventory(dialect).end_attempt(
            &token,
            Ending {
                end: End::Succeeded,
                result_item: Some("{\"rows\": 7}"),
                log: None,
            },
        )
    });
    snapshot("end_attempt_with_number", |dialect| {
        inventory(dialect).end_attempt(
            &token,
            Ending {
                end: End::Succeeded,
                result_item: Some("0.30000000000000000001"),
                log: None,
            },
        )
    });
    snapshot("end_attempt_released", |dialect| {
        inventory(dialect).end_attempt(
            &token,
            Ending {
                end: End::Released,
                result_item: None,
                log: Some("the node goes down"),
            },
        )
    });
    snapshot("find_attempt", |dialect| {
        inventory(dialect).find_attempt(&token)
    });
    snapshot("summarise_jobs", |dialect| {
        inventory(dialect).summarise_jobs(&JobsMeant {
            meta_table: None,
            job: None,
            search: None,
            after: ["", ""],
            limit: 100,
        })
    });
    snapshot("summarise_jobs_meant", |dialect| {
        inventory(dialect).summarise_jobs(&JobsMeant {
            meta_table: Some("files"),
            job: Some("thumbnails"),
            search: Some("nails"),
            after: ["archive", "thumbnails"],
            limit: 1,
        })
    });
    snapshot("read_pace", |dialect| inventory(dialect).read_pace(&key()));
    snapshot("list_attempts", |dialect| {
        let query = HistoryQuery {
            meta_table: Some("files".into()),
            job: Some("thumbnails".into()),
            uid: Some(42),
            queue: Some(Queue::Exhausted),
            before: Some(1_000),
            limit: 20,
            details: dialect != Dialect::Sqlite,
            claim_tokens: dialect != Dialect::Mysql,
        };
        inventory(dialect).list_attempts(&query, Some("files"), None)
    });
    snapshot("attempts_end", |dialect| {
        let query = HistoryQuery {
            uid: Some(42),
            ..HistoryQuery::default()
        };
        inventory(dialect).attempts_end(&query, None)
    });
    snapshot("list_attempts_of_all", |dialect| {
        let query = HistoryQuery {
            details: false,
            ..HistoryQuery::default()
        };
        inventory(dialect).list_attempts(&query, None, None)
    });
}

#[test]
fn the_schema() {
    for dialect in [Dialect::Postgresql, Dialect::Sqlite, Dialect::Mysql] {
        let statements = inventory(dialect).create(dialect);
        insta::assert_snapshot!(format!("create_{dialect:?}"), statements.join(";\n"));
    }
    snapshot("advance_ids", |dialect| Statement {
        text: inventory(dialect).advance_ids(),
        parameters: Vec::new(),
    });
    snapshot("probe", |dialect| inventory(dialect).probe());
}

#[test]
fn on_the_source_itself() {
    snapshot("read_uniqueness", |dialect| {
        source::read_uniqueness(&job(dialect, None), dialect)
    });
    snapshot("read_identity", |dialect| {
        source::read_identity(&job(dialect, None))
    });
    insta::assert_snapshot!(
        "spell",
        shown(source::spell(&[Some("Files"), Some("Lake")]))
    );
    let dialect = Dialect::Sqlite;
    insta::assert_snapshot!(
        "read_definition",
        shown(source::read_definition(&job(dialect, None)))
    );
}

/// What callers name is quoted or bound, whatever it holds.
#[test]
fn names_cannot_leave_their_quotes() {
    let hostile = r#"x"`'? $1\; DROP TABLE inventory; --"#;
    let mut request = AcquireRequest::new(format!("\"{}\"", hostile.replace('"', "\"\"")), hostile);
    request.columns.uid = hostile.into();
    request.columns.item = hostile.into();
    request.columns.weight = Some(hostile.into());
    request.filter =
        Some(serde_json::json!({"column": hostile, "op": "=", "value": hostile}).to_string());
    for dialect in [Dialect::Postgresql, Dialect::Sqlite, Dialect::Mysql] {
        let job = Job::parse(&request, dialect, table(&request, dialect)).unwrap();
        let grounds = Grounds {
            column_types: [(hostile.to_owned(), "text".to_owned())].into(),
            judged_at: None,
        };
        let judgement = Judgement::on(&job, grounds).unwrap();
        let items = meta::items(&job, &judgement, (1, 2), None, (10, Fill::With));
        let statement = items.statement;
        let quoted = quoted(hostile, dialect);
        let without_quoted = statement
            .text
            .replace(&quoted, "")
            .replace(&quoted.to_ascii_lowercase(), "");
        let declarations = source::read_declarations(&job, &[hostile.into()], true);
        assert!(
            !(declarations.statement.text)
                .replace(&quoted, "")
                .contains("DROP")
        );
        assert!(!without_quoted.contains("DROP"), "{}", statement.text);
        assert!(!without_quoted.contains("drop"), "{}", statement.text);
    }
}
