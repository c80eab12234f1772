//! The statements that make the inventory table.
//!
//! They are SQL files, one for each dialect, with only the names filled in: easier to review than a
//! builder's calls, and without sea-query's schema builders the component is a sixth smaller.

use sea_query::{Expr, ExprTrait, Query};

use super::inventory::InventoryTable;
use super::{Statement, quoted};
use crate::database::Dialect;

/// All columns of the inventory table: those of pybatchintory by their names, and five more.
const COLUMNS: [&str; 20] = [
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
];

impl InventoryTable {
    /// The statements that make the table and its indexes, in order. Each does nothing where the
    /// thing it makes is there already.
    ///
    /// The unique constraints are part of the table, so that it is never there without them. The
    /// index `watermark` finds a job's watermark at its end, and the range that holds an id; the index
    /// `queue` what runs or waits, which is little however long the history.
    pub(crate) fn create(&self, dialect: Dialect) -> Vec<String> {
        let template = match dialect {
            Dialect::Postgresql => include_str!("schema/postgresql.sql"),
            Dialect::Sqlite => include_str!("schema/sqlite.sql"),
            Dialect::Mysql => include_str!("schema/mysql.sql"),
        };
        let (schema, table) = (self.name.schema(), self.name.table());
        let quoted = |name: &str| quoted(name, dialect);
        let index = |purpose: &str| quoted(&format!("{table}_{purpose}"));
        let names = [
            ("{table}", format!("{}.{}", quoted(schema), quoted(table))),
            ("{unqualified}", quoted(table)),
            ("{chain}", index("chain")),
            ("{claim_token}", index("claim_token")),
            ("{watermark}", index("watermark")),
            ("{queue}", index("queue")),
        ];
        (template.split_inclusive(";\n"))
            .map(|statement| fill_in(statement.trim_end().trim_end_matches(';'), &names))
            .collect()
    }

    /// Selects all columns and no row: succeeds only where the table is there and complete.
    pub(crate) fn probe(&self) -> Statement {
        let mut select = Query::select();
        select
            .exprs(COLUMNS.map(|column| Expr::col(("inventory", column)).cast_as("text")))
            .from_as(self.name.reference(), "inventory")
            .and_where(Expr::cust("1 = 0"));
        Statement::build(&select, self.dialect)
    }
}

/// Fills names in, one place after the other, so that a name which looks like a place is let be.
fn fill_in(template: &str, names: &[(&str, String)]) -> String {
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
            name: TableName::parse("lake.say \"{chain}\"", dialect, None).unwrap(),
            dialect,
            labels: StatusLabels::default(),
        };
        let [table, index, _] = inventory.create(dialect).try_into().unwrap();
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
