//! The statements that make the inventory table.

use sea_query::{
    ColumnDef, Expr, ExprTrait, Index, IndexCreateStatement, PostgresQueryBuilder, Query,
    SqliteQueryBuilder, Table, TableCreateStatement,
};

use super::Statement;
use super::inventory::InventoryTable;
use crate::database::Dialect;

/// All columns of the inventory table: those of pybatchintory by their names, and three more.
const COLUMNS: [&str; 18] = [
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
];

impl InventoryTable {
    /// The statements that make the table and its indexes, in order. Each does nothing where the
    /// thing it makes is there already.
    pub(crate) fn create(&self, dialect: Dialect) -> Vec<String> {
        let table = self.create_table();
        let mut watermark = self.watermark_index();
        // PostgreSQL looks the index's table up by its schema, SQLite puts the schema before the
        // index's name instead and knows only the one that the table is in.
        match dialect {
            Dialect::Postgresql => {
                watermark.table(self.name.reference());
                vec![
                    table.to_string(PostgresQueryBuilder),
                    watermark.to_string(PostgresQueryBuilder),
                ]
            }
            Dialect::Sqlite => {
                watermark.table(self.name.table().to_owned());
                vec![
                    table.to_string(SqliteQueryBuilder),
                    watermark.to_string(SqliteQueryBuilder),
                ]
            }
        }
    }

    /// Selects all columns and no row: succeeds only where the table is there and complete.
    pub(crate) fn probe(&self) -> Statement {
        let mut select = Query::select();
        select
            .exprs(COLUMNS.map(|column| Expr::col(("inventory", column)).is_null().cast_as("text")))
            .from_as(self.name.reference(), "inventory")
            .and_where(Expr::cust("1 = 0"));
        Statement::build(&select, self.dialect)
    }

    fn create_table(&self) -> TableCreateStatement {
        let required = |name: &'static str| ColumnDef::new(name).not_null().to_owned();
        let optional = |name: &'static str| ColumnDef::new(name).to_owned();
        let mut id = required("id");
        Table::create()
            .if_not_exists()
            .table(self.name.reference())
            .col(id.big_integer().auto_increment().primary_key())
            .col(required("meta_table").text())
            .col(required("job").text())
            .col(optional("job_identifier").text())
            .col(optional("job_result_item").json())
            .col(required("processing_start").timestamp_with_time_zone())
            .col(optional("processing_end").timestamp_with_time_zone())
            .col(required("batch_id_start").big_integer())
            .col(required("batch_id_end").big_integer())
            .col(optional("batch_weight").double())
            .col(required("batch_count").big_integer())
            .col(required("attempt").big_integer())
            .col(required("status").text())
            .col(optional("logging").text())
            .col(required("config").json())
            .col(required("batch_id_after").big_integer())
            .col(required("claim_token").text())
            .col(optional("lease_expires").timestamp_with_time_zone())
            .index(
                self.index("chain")
                    .unique()
                    .col("meta_table")
                    .col("job")
                    .col("batch_id_after")
                    .col("attempt"),
            )
            .index(self.index("claim_token").unique().col("claim_token"))
            .to_owned()
    }

    /// Finds a job's watermark at its end, and the range that holds an id.
    fn watermark_index(&self) -> IndexCreateStatement {
        self.index("watermark")
            .if_not_exists()
            .col("meta_table")
            .col("job")
            .col("batch_id_end")
            .to_owned()
    }

    fn index(&self, purpose: &str) -> IndexCreateStatement {
        Index::create()
            .name(format!("{}_{purpose}", self.name.table()))
            .to_owned()
    }
}
