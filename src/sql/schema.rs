//! The statements that make the inventory table.
//!
//! They are SQL files, one for each dialect, with only the names filled in: easier to review than a
//! builder's calls, and without sea-query's schema builders the component is a sixth smaller.

use sea_query::{Expr, ExprTrait, Query};

use super::inventory::InventoryTable;
use super::{Conditions, Statement, TypedStatement, bind_text, quoted, text};
use crate::claim_token::ClaimToken;
use crate::database::{Dialect, Value};

/// All columns of the inventory table: those of pybatchintory by their names, and fourteen more.
const COLUMNS: [&str; 29] = [
    "id",
    "meta_table",
    "job",
    "job_identifier",
    "job_result_item",
    "processing_start",
    "processing_end",
    "batch_id_start",
    "batch_id_end",
    "batch_weight",
    "batch_count",
    "attempt",
    "status",
    "logging",
    "config",
    "batch_id_after",
    "claim_token",
    "lease_expires",
    "queue",
    "max_attempts",
    "watermark",
    "queue_from",
    "config_fingerprint",
    "meta_database",
    "ranges_through",
    "items_through",
    "weight_through",
    "items_recounted",
    "weight_recounted",
];

/// How many of them pybatchintory has.
const COLUMNS_OF_PYBATCHINTORY: usize = 15;

impl InventoryTable {
    /// The statements that make the table and its indexes, in order. Each does nothing where the
    /// thing it makes is there already.
    ///
    /// The unique constraints are part of the table, so that it is never there without them. The
    /// index `watermark` finds a job's watermark at its end, and the range that holds an id; the index
    /// `queue` what runs or waits, which is little however long the history; the index `history` a job's
    /// latest attempts; the index `recounts` those that differ from the attempt before them, which are few.
    pub(crate) fn create(&self, dialect: Dialect) -> Vec<String> {
        let template = match dialect {
            Dialect::Postgresql => include_str!("schema/postgresql.sql"),
            Dialect::Sqlite => include_str!("schema/sqlite.sql"),
            Dialect::Mysql => include_str!("schema/mysql.sql"),
        };
        self.statements(template, dialect)
    }

    /// The statements of an SQL file, with the names of this table filled in.
    fn statements(&self, template: &str, dialect: Dialect) -> Vec<String> {
        let table = self.name.table();
        let quoted = |name: &str| quoted(name, dialect);
        let index = |purpose: &str| quoted(&format!("{table}_{purpose}"));
        let placeholder = |number: &str| match dialect {
            Dialect::Postgresql => format!("${number}"),
            Dialect::Sqlite | Dialect::Mysql => "?".into(),
        };
        let names = [
            ("{table}", self.qualified(dialect)),
            ("{schema}", quoted(self.name.schema())),
            ("{unqualified}", quoted(table)),
            ("{chain}", index("chain")),
            ("{claim_token}", index("claim_token")),
            ("{watermark}", index("watermark")),
            ("{queue}", index("queue")),
            ("{history}", index("history")),
            ("{recounts}", index("recounts")),
            ("{upgraded}", index("upgraded")),
            ("{running}", placeholder("1")),
            ("{failed}", placeholder("2")),
            ("{new_token}", new_token(dialect).into()),
        ];
        (split(template))
            .map(|statement| fill_in(statement, &names))
            .collect()
    }

    /// Makes a table that pybatchintory wrote one of ours, in three steps, each of which can be taken
    /// again: new columns; what they hold for the rows that are there; what must hold from then on.
    /// Empty for a dialect in which pybatchintory has none.
    ///
    /// Each row follows the range that ends before its own. Rows of one range, which pybatchintory
    /// wrote when it ran twice at once, become attempts at it. What runs has no lease; what failed
    /// waits for somebody to requeue it. `secret` makes their claim tokens, which nobody can guess.
    pub(crate) fn upgrade(&self, secret: &ClaimToken) -> Vec<Statement> {
        let (columns, constraints) = match self.dialect {
            Dialect::Postgresql => (
                include_str!("schema/upgrade_columns_postgresql.sql"),
                include_str!("schema/upgrade_constraints_postgresql.sql"),
            ),
            Dialect::Sqlite => (
                include_str!("schema/upgrade_columns_sqlite.sql"),
                include_str!("schema/upgrade_constraints_sqlite.sql"),
            ),
            Dialect::Mysql => return Vec::new(),
        };
        let labels = &self.labels;
        let mut texts = vec![labels.running.as_str(), &labels.failed];
        if self.dialect == Dialect::Postgresql {
            texts.push(secret.as_str());
        }
        let statements = |template: &str, parameters: &[Value]| -> Vec<Statement> {
            (self.statements(template, self.dialect).into_iter())
                .map(|text| Statement {
                    text,
                    parameters: parameters.to_vec(),
                })
                .collect()
        };
        [
            statements(columns, &[]),
            statements(
                include_str!("schema/upgrade_chain.sql"),
                &(texts.into_iter())
                    .map(|text| Value::Text(text.to_owned()))
                    .collect::<Vec<_>>(),
            ),
            statements(constraints, &[]),
        ]
        .concat()
    }

    /// What a column of text holds, each value once: rows of one value.
    ///
    /// Relies on: a scan of the whole inventory.
    pub(crate) fn list_values(&self, column: &'static str) -> TypedStatement<String> {
        let mut select = Query::select();
        select
            .expr(text(Expr::col(column)))
            .distinct()
            .from(self.name.reference());
        Statement::build(&select, self.dialect).read_as(|row| row.text())
    }

    /// Gives a meta table its normalised name, in all rows.
    ///
    /// Relies on: a scan of the whole inventory.
    pub(crate) fn rename_meta_table(&self, name: &str, normalised: &str) -> Statement {
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([("meta_table", bind_text(normalised))])
            .only(Expr::col("meta_table").eq(bind_text(name)));
        Statement::build(&update, self.dialect)
    }

    /// The statement that has the table's ids begin above those that are there, where they lag
    /// behind: for people, since it needs the owner's rights.
    pub(crate) fn advance_ids(&self) -> String {
        let table = self.qualified(self.dialect);
        let literal = |name: &str| format!("'{}'", name.replace('\'', "''"));
        match self.dialect {
            Dialect::Postgresql => format!(
                "SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {table}))",
                literal(&table)
            ),
            Dialect::Sqlite => format!(
                "UPDATE {}.sqlite_sequence SET seq = (SELECT max(id) FROM {table}) WHERE name = {}",
                quoted(self.name.schema(), self.dialect),
                literal(self.name.table())
            ),
            // InnoDB takes the next one above the highest, whatever is said here.
            Dialect::Mysql => format!("ALTER TABLE {table} AUTO_INCREMENT = 1"),
        }
    }

    /// The table's name with its schema, in quotes.
    pub(super) fn qualified(&self, dialect: Dialect) -> String {
        let [schema, table] = [self.name.schema(), self.name.table()];
        format!("{}.{}", quoted(schema, dialect), quoted(table, dialect))
    }

    /// Selects all columns and no row: succeeds only where the table is there and complete.
    pub(crate) fn probe(&self) -> Statement {
        self.select_nothing(&COLUMNS)
    }

    /// Like [`probe`](Self::probe), for the columns of pybatchintory.
    pub(crate) fn probe_for_upgrade(&self) -> Statement {
        let (theirs, _ours) = COLUMNS.split_at(COLUMNS_OF_PYBATCHINTORY);
        self.select_nothing(theirs)
    }

    fn select_nothing(&self, columns: &[&'static str]) -> Statement {
        let mut select = Query::select();
        select
            .exprs((columns.iter()).map(|column| text(Expr::col(("inventory", *column)))))
            .from_as(self.name.reference(), "inventory")
            .only(Expr::cust("1 = 0"));
        Statement::build(&select, self.dialect)
    }
}

/// A claim token for a row that pybatchintory wrote. PostgreSQL 12 makes no random values that are safe, so
/// there it is made of a secret that the planner draws.
fn new_token(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgresql => {
            "encode(sha256(convert_to(concat(CAST($3 AS text), chain.id), 'UTF8')), 'hex')"
        }
        Dialect::Sqlite | Dialect::Mysql => "lower(hex(randomblob(16)))",
    }
}

/// The statements of an SQL file.
pub(super) fn split(template: &str) -> impl Iterator<Item = &str> {
    (template.split_inclusive(";\n")).map(|statement| statement.trim_end().trim_end_matches(';'))
}

/// Fills names in, one place after the other, so that a name which looks like a place is let be.
pub(super) fn fill_in(template: &str, names: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, place) = rest.split_at(at);
        text.push_str(before);
        match names.iter().find(|(name, _)| place.starts_with(name)) {
            Some((name, value)) => {
                text.push_str(value);
                rest = place.get(name.len()..).unwrap_or_default();
            }
            None => {
                text.push('{');
                rest = place.get(1..).unwrap_or_default();
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::StatusLabels;
    use crate::table_name::TableName;

    #[test]
    fn any_name_is_filled_in_as_it_is() {
        let dialect = Dialect::Postgresql;
        let inventory = InventoryTable {
            name: TableName::of("lake.say \"{chain}\"", dialect, None).unwrap(),
            dialect,
            labels: StatusLabels::default(),
        };
        let created = inventory.create(dialect);
        let [table, index, ..] = created.as_slice() else {
            panic!("{created:?}");
        };
        assert!(table.starts_with(r#"CREATE TABLE IF NOT EXISTS "lake"."say ""{chain}""" ("#));
        assert!(table.contains(r#"CONSTRAINT "say ""{chain}""_chain" UNIQUE"#));
        assert!(table.ends_with("UNIQUE (claim_token)\n)"));
        assert!(
            index.starts_with(
                r#"CREATE INDEX IF NOT EXISTS "say ""{chain}""_watermark" ON "lake"."#
            )
        );
        for column in COLUMNS {
            for dialect in [Dialect::Postgresql, Dialect::Sqlite, Dialect::Mysql] {
                let create = inventory.create(dialect).concat();
                assert!(
                    create.contains(&format!("    {column} ")),
                    "{column} in {dialect:?}"
                );
            }
        }
    }
}
