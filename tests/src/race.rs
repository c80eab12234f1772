//! Clients that race each other for the batches of a job.

use anyhow::{Result, bail, ensure};
use batchintory::{AcquireRequest, Acquisition, Operations};
use tokio::task::JoinSet;

use crate::databases::TestDatabase;
use crate::http_subject::HttpSubject;
use crate::subject::Failure;
use crate::tables::{Series, Table};

const CLIENTS: usize = 8;
/// How often a call is made until it reaches the database. A proxy that cuts some connections lets one of a
/// few calls through, but which of them depends on what the other clients do meanwhile.
const MOST_CALLS: u32 = 100;
const ITEMS: i64 = 400;

/// Makes a meta table in the database, which the service over it then hands out to many clients at
/// once: no item twice, none left out. Gives back how often they had to ask again, since the database
/// could not be reached.
pub async fn race(database: &TestDatabase, service: &HttpSubject) -> Result<u32> {
    let items = Series {
        from: 1,
        to: ITEMS,
        weight: 1.0,
    };
    let files = Table {
        series: Some(items),
        ..Table::files(Vec::new())
    };
    files.create(database.connection.as_ref()).await?;
    let (_, mut repeated) = persistently(|| service.migrate()).await?;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(work(service.clone(), client));
    }
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    while let Some(client) = clients.join_next().await {
        let (its_ranges, its_repeated) = client??;
        ranges.extend(its_ranges);
        repeated += its_repeated;
    }
    ranges.sort_unstable();
    let ids: Vec<i64> = ranges
        .iter()
        .flat_map(|(start, end)| *start..=*end)
        .collect();
    ensure!(ids == (1..=ITEMS).collect::<Vec<_>>(), "{ranges:?}");
    Ok(repeated)
}

/// Acquires batches until none is left, each by a token of its own, so that asking again is safe.
async fn work(subject: HttpSubject, client: usize) -> Result<(Vec<(i64, i64)>, u32)> {
    let mut repeated = 0;
    let mut ranges = Vec::new();
    loop {
        let acquire = || {
            let request = AcquireRequest {
                max_count: Some(5),
                ..AcquireRequest::new("files", "job")
            };
            let token = format!("client-{client}-{}", ranges.len());
            subject.acquire(request, Some(token))
        };
        let (acquired, again) = persistently(acquire).await?;
        repeated += again;
        let Acquisition::Batch(batch) = acquired else {
            return Ok((ranges, repeated));
        };
        ranges.push((batch.id_start, batch.id_end));
    }
}

/// Calls until the database is reached. Gives back how often it was called again, too.
async fn persistently<T, F>(call: impl Fn() -> F) -> Result<(T, u32)>
where
    F: Future<Output = Result<T, Failure>>,
{
    for again in 0..MOST_CALLS {
        match call().await {
            Ok(answer) => return Ok((answer, again)),
            Err(failure) if failure.name == "unavailable" => {}
            Err(failure) => bail!("{failure}"),
        }
    }
    bail!("the database was never reached")
}
