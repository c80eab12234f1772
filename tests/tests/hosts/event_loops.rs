//! Every scenario through the Python package's `AsyncInventory`, by all database modules for event loops.
//! `languages` has one of them; these run by `cargo xtask test --asyncio all`.

use anyhow::Result;
use batchintory_tests::suite::{Layout, System};

use crate::languages::{INVENTORY_IN_POSTGRES, INVENTORY_IN_SQLITE, run_all_in_event_loop};

#[tokio::test]
async fn aiosqlite() -> Result<()> {
    run_all_in_event_loop("asyncpg", Layout::Together(System::Sqlite)).await
}

#[tokio::test]
async fn psycopg() -> Result<()> {
    run_all_in_event_loop("psycopg", Layout::Together(System::Postgres)).await
}

#[tokio::test]
async fn aiomysql() -> Result<()> {
    run_all_in_event_loop("aiomysql", Layout::Together(System::Mysql)).await
}

#[tokio::test]
async fn asyncmy() -> Result<()> {
    run_all_in_event_loop("asyncmy", Layout::Together(System::Mysql)).await
}

#[tokio::test]
async fn aiosqlite_with_meta_tables_by_asyncpg() -> Result<()> {
    run_all_in_event_loop("asyncpg", INVENTORY_IN_SQLITE).await
}

#[tokio::test]
async fn asyncpg_with_meta_tables_by_aiosqlite() -> Result<()> {
    run_all_in_event_loop("asyncpg", INVENTORY_IN_POSTGRES).await
}
