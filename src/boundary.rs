//! The one place where the types that binding generators make from `wit/` meet the core's types.

/// Implements `From` in both directions between the core's types and those that a binding
/// generator made from `wit/`.
///
/// wit-bindgen (for components) and wasmtime (for hosts) generate types of the same shape, so one
/// description serves both sides. `$database` and `$inventory` are the generated modules of the
/// interfaces of those names; they must be local to the calling crate. Either can be left out.
#[macro_export]
macro_rules! boundary {
    (database = $database:path, inventory = $inventory:path $(,)?) => {
        $crate::boundary!(database = $database);
        $crate::boundary!(inventory = $inventory);
    };

    (database = $database:path) => {
        const _: () = {
            use $database as wit_database;

            $crate::boundary!(@enum wit_database::Source, Source { Inventory, Meta });
            $crate::boundary!(@enum wit_database::Dialect, Dialect { Postgresql, Sqlite, Mysql });
            $crate::boundary!(@record wit_database::Refusal, Refusal { code, message });
            $crate::boundary!(@variant wit_database::Error, DatabaseError {
                Unavailable, OutcomeUnknown, Refused
            });
            $crate::boundary!(@record wit_database::StatusLabels, StatusLabels {
                running, succeeded, failed
            });
            $crate::boundary!(@record wit_database::DatabaseSettings, Settings {
                inventory_dialect, meta_dialect, inventory_table, meta_schema, meta_name,
                one_database, may_repeat, status_labels
            });

            impl From<wit_database::Value> for $crate::Value {
                fn from(value: wit_database::Value) -> Self {
                    match value {
                        wit_database::Value::Null => Self::Null,
                        wit_database::Value::Boolean(value) => Self::Boolean(value),
                        wit_database::Value::Int64(value) => Self::Int64(value),
                        wit_database::Value::Float64(value) => Self::Float64(value),
                        wit_database::Value::Text(value) => Self::Text(value),
                    }
                }
            }

            impl From<$crate::Value> for wit_database::Value {
                fn from(value: $crate::Value) -> Self {
                    match value {
                        $crate::Value::Null => Self::Null,
                        $crate::Value::Boolean(value) => Self::Boolean(value),
                        $crate::Value::Int64(value) => Self::Int64(value),
                        $crate::Value::Float64(value) => Self::Float64(value),
                        $crate::Value::Text(value) => Self::Text(value),
                    }
                }
            }

            impl From<wit_database::Rows> for $crate::Rows {
                fn from(rows: wit_database::Rows) -> Self {
                    Self {
                        rows: rows
                            .rows
                            .into_iter()
                            .map(|row| row.into_iter().map(Into::into).collect())
                            .collect(),
                        affected: rows.affected,
                    }
                }
            }

            impl From<$crate::Rows> for wit_database::Rows {
                fn from(rows: $crate::Rows) -> Self {
                    Self {
                        rows: rows
                            .rows
                            .into_iter()
                            .map(|row| row.into_iter().map(Into::into).collect())
                            .collect(),
                        affected: rows.affected,
                    }
                }
            }

        };
    };

    (inventory = $inventory:path) => {
        const _: () = {
            use $inventory as wit_inventory;

            $crate::boundary!(@record wit_inventory::MetaColumns, MetaColumns {
                uid, item, weight
            });
            $crate::boundary!(@record wit_inventory::AcquireRequest, AcquireRequest {
                meta_table, job, job_identifier, source_job, columns, id_min, id_max, max_weight,
                max_count, filter, hold, settle, max_attempts, retry_delay_seconds, lease_seconds, on_change,
                item_encoding
            });
            $crate::boundary!(@enum wit_inventory::Settle, Settle { None, CommitOrder });
            $crate::boundary!(@enum wit_inventory::OnChange, OnChange { Refuse, Accept });
            $crate::boundary!(@enum wit_inventory::ItemEncoding, ItemEncoding {
                Text, Base64, Hex
            });
            $crate::boundary!(@enum wit_inventory::Queue, Queue {
                Running, Retry, Requeued, Exhausted
            });
            $crate::boundary!(@record wit_inventory::BatchRecord, Batch {
                id, claim_token, meta_table, job, job_identifier, attempt, id_start, id_end, count,
                weight, oversized, over_limit, passed_over_from,
                processing_start
            });
            $crate::boundary!(@record wit_inventory::Lease, Lease { seconds, left });
            $crate::boundary!(@record wit_inventory::RunningBatch, RunningBatch {
                batch
            } optional { lease });
            $crate::boundary!(@enum wit_inventory::NothingReason, NothingReason {
                CaughtUp, BoundsDone, Held
            });
            $crate::boundary!(@record wit_inventory::Nothing, Nothing {
                reason, watermark, scanned_to, held, due_in_seconds
            });
            $crate::boundary!(@record wit_inventory::NotifyChannel, NotifyChannel {
                name, statements
            });
            $crate::boundary!(@variant wit_inventory::Acquisition, Acquisition {
                Batch, Nothing
            });
            $crate::boundary!(@record wit_inventory::Item, Item { uid, item, weight });
            $crate::boundary!(@record wit_inventory::PageStatement, PageStatement {
                on, statement, after
            } list { parameters });
            $crate::boundary!(@record wit_inventory::Outcome, Outcome {
                succeeded, result_item, log
            });
            $crate::boundary!(@record wit_inventory::Completion, Completion {
                claim_token, outcome
            });
            $crate::boundary!(@record wit_inventory::Acquired, Acquired {
                acquisition
            } list { items });

            impl From<wit_inventory::Advanced> for $crate::Advanced {
                fn from(advanced: wit_inventory::Advanced) -> Self {
                    Self {
                        next: match advanced.next {
                            Ok(acquired) => Ok(acquired.into()),
                            Err(error) => Err(error.into()),
                        },
                    }
                }
            }

            impl From<$crate::Advanced> for wit_inventory::Advanced {
                fn from(advanced: $crate::Advanced) -> Self {
                    Self {
                        next: match advanced.next {
                            Ok(acquired) => Ok(acquired.into()),
                            Err(error) => Err(error.into()),
                        },
                    }
                }
            }

            $crate::boundary!(@record wit_inventory::PlannedBatch, PlannedBatch {
                id_start, id_end, count, weight, oversized
            });
            $crate::boundary!(@record wit_inventory::JobProgress, JobProgress {
                watermark, items, weight, at_least, estimated_items, last_id,
                watermark_above_table, other_meta_database, items_per_hour, weight_per_hour, seconds_left
            });
            $crate::boundary!(@record wit_inventory::HistoryQuery, HistoryQuery {
                meta_table, job, uid, before, limit, details, claim_tokens
            } optional { queue });
            $crate::boundary!(@record wit_inventory::Attempt, Attempt {
                id, meta_table, job, job_identifier, attempt, status, id_start, id_end, count,
                weight, processing_start, processing_end, lease_expires, claim_token, result_item, log,
                passed_over
            } optional { queue });
            $crate::boundary!(@record wit_inventory::Migration, Migration { created, upgraded });
            impl From<wit_inventory::Error> for $crate::Error {
                fn from(error: wit_inventory::Error) -> Self {
                    use wit_inventory::ErrorKind;
                    let kind = match error.kind {
                        ErrorKind::InvalidRequest => Self::InvalidRequest,
                        ErrorKind::NoSuchTable => Self::NoSuchTable,
                        ErrorKind::NoSuchColumn => Self::NoSuchColumn,
                        ErrorKind::NoSuchBatch => Self::NoSuchBatch,
                        ErrorKind::Superseded => Self::Superseded,
                        ErrorKind::ConfigurationChanged => Self::ConfigurationChanged,
                        ErrorKind::ExhaustedRetries => Self::ExhaustedRetries,
                        ErrorKind::Unavailable => Self::Unavailable,
                        ErrorKind::Database => Self::Database,
                    };
                    kind(Box::new($crate::Explanation {
                        message: error.message,
                        field: error.field,
                        limit: error.limit,
                        table: error.table,
                        column: error.column,
                        uid: error.uid,
                        database: error.database.map(Into::into),
                        database_code: error.database_code,
                    }))
                }
            }

            impl From<$crate::Error> for wit_inventory::Error {
                fn from(error: $crate::Error) -> Self {
                    use wit_inventory::ErrorKind;
                    let (kind, explanation) = match error {
                        $crate::Error::InvalidRequest(explanation) => (ErrorKind::InvalidRequest, explanation),
                        $crate::Error::NoSuchTable(explanation) => (ErrorKind::NoSuchTable, explanation),
                        $crate::Error::NoSuchColumn(explanation) => (ErrorKind::NoSuchColumn, explanation),
                        $crate::Error::NoSuchBatch(explanation) => (ErrorKind::NoSuchBatch, explanation),
                        $crate::Error::Superseded(explanation) => (ErrorKind::Superseded, explanation),
                        $crate::Error::ConfigurationChanged(explanation) => (ErrorKind::ConfigurationChanged, explanation),
                        $crate::Error::ExhaustedRetries(explanation) => (ErrorKind::ExhaustedRetries, explanation),
                        $crate::Error::Unavailable(explanation) => (ErrorKind::Unavailable, explanation),
                        $crate::Error::Database(explanation) => (ErrorKind::Database, explanation),
                    };
                    Self {
                        kind,
                        message: explanation.message,
                        field: explanation.field,
                        limit: explanation.limit,
                        table: explanation.table,
                        column: explanation.column,
                        uid: explanation.uid,
                        database: explanation.database.map(Into::into),
                        database_code: explanation.database_code,
                    }
                }
            }

            $crate::boundary!(@record wit_inventory::BatchPlan, BatchPlan {
                complete, held
            } list { batches });
            $crate::boundary!(@record wit_inventory::JobSummary, JobSummary {
                meta_table, job, watermark, running, succeeded, failed, waiting, exhausted, items,
                weight, latest_start
            } optional { request });
            $crate::boundary!(@record wit_inventory::JobPlace, JobPlace { meta_table, job });
            $crate::boundary!(@record wit_inventory::JobsQuery, JobsQuery {
                meta_table, job, search, limit
            } optional { after });
            $crate::boundary!(@record wit_inventory::Difference, Difference {
                batch_id, id_start, id_end, count, weight, count_now, weight_now
            });
            $crate::boundary!(@record wit_inventory::AuditPage, AuditPage {
                ranges, audited_to
            } list { differences });
            $crate::boundary!(@record wit_inventory::IdRange, IdRange { id_start, id_end });

            impl From<wit_inventory::RequeueTarget> for $crate::RequeueTarget {
                fn from(target: wit_inventory::RequeueTarget) -> Self {
                    use wit_inventory::RequeueTarget::{Batch, Exhausted, Ids};
                    match target {
                        Batch(id) => Self::Batch(id),
                        Ids(ids) => Self::Ids(ids.into_iter().map(Into::into).collect()),
                        Exhausted => Self::Exhausted,
                    }
                }
            }

            impl From<$crate::RequeueTarget> for wit_inventory::RequeueTarget {
                fn from(target: $crate::RequeueTarget) -> Self {
                    use $crate::RequeueTarget::{Batch, Exhausted, Ids};
                    match target {
                        Batch(id) => Self::Batch(id),
                        Ids(ids) => Self::Ids(ids.into_iter().map(Into::into).collect()),
                        Exhausted => Self::Exhausted,
                    }
                }
            }
        };
    };

    // A record whose fields are equal or convert by themselves, but for those that are optional or
    // lists of something that converts.
    (
        @record $module:ident::$wit:ident, $core:ident { $($field:ident),* }
        $(optional { $($optional:ident),* })? $(list { $($list:ident),* })?
    ) => {
        impl From<$module::$wit> for $crate::$core {
            fn from(record: $module::$wit) -> Self {
                Self {
                    $($field: record.$field.into(),)*
                    $($($optional: record.$optional.map(Into::into),)*)?
                    $($($list: record.$list.into_iter().map(Into::into).collect(),)*)?
                }
            }
        }

        impl From<$crate::$core> for $module::$wit {
            fn from(record: $crate::$core) -> Self {
                Self {
                    $($field: record.$field.into(),)*
                    $($($optional: record.$optional.map(Into::into),)*)?
                    $($($list: record.$list.into_iter().map(Into::into).collect(),)*)?
                }
            }
        }
    };

    // An enum without payloads.
    (@enum $module:ident::$wit:ident, $core:ident { $($case:ident),* }) => {
        impl From<$module::$wit> for $crate::$core {
            fn from(value: $module::$wit) -> Self {
                match value { $($module::$wit::$case => Self::$case),* }
            }
        }

        impl From<$crate::$core> for $module::$wit {
            fn from(value: $crate::$core) -> Self {
                match value { $($crate::$core::$case => Self::$case),* }
            }
        }
    };

    // A variant of which every case has one payload.
    (@variant $module:ident::$wit:ident, $core:ident { $($case:ident),* }) => {
        impl From<$module::$wit> for $crate::$core {
            fn from(value: $module::$wit) -> Self {
                match value { $($module::$wit::$case(payload) => Self::$case(payload.into())),* }
            }
        }

        impl From<$crate::$core> for $module::$wit {
            fn from(value: $crate::$core) -> Self {
                match value { $($crate::$core::$case(payload) => Self::$case(payload.into())),* }
            }
        }
    };
}
