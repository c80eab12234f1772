//! Statements are prepared where their names are safe, in every language: once on a connection that leads to one
//! session, and never so that another client's statement runs in their place.
//!
//! What a driver sends is seen in the server's log.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use anyhow::{Context, Result, anyhow, bail, ensure};
use batchintory::{AcquireRequest, Acquisition, Batch, Operations, Outcome, Value as SqlValue};
use batchintory_tests::language::Language;
use batchintory_tests::proxy::Proxy;
use batchintory_tests::server::{OwnPostgres, PgBouncer};
use batchintory_tests::tables::{Table, execute};
use batchintory_tests::{ProcessSubject, Subject};
use batchintory_wasmtime::{Access, Inventory, Item, connect};
use futures::future::join_all;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// So many batches of each program's, one behind the other.
const BATCHES: usize = 12;
/// How many server connections the programs share.
const SHARED: usize = 2;
/// So many of the names that tokio-postgres gives first are taken by another client, and all that it has given.
const TAKEN: usize = 20;

/// A program on the package for a language, the native one among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Rust,
    Other(Language),
}

const PROGRAMS: [Program; 3] = [
    Program::Rust,
    Program::Other(Language::Python),
    Program::Other(Language::JavaScript),
];

impl Program {
    async fn open(self, url: &str) -> Result<Subject> {
        Ok(match self {
            Self::Rust => Subject::Component(Inventory::open(url).await?),
            Self::Other(language) => {
                let program = ProcessSubject::start(language.program("subject")?)?;
                program.open(url, url).await?;
                Subject::Program(program)
            }
        })
    }

    /// Whether the name is one that this program's driver gives.
    fn gives(self, name: &str) -> bool {
        match self {
            Self::Rust => {
                (name.strip_prefix('s')).is_some_and(|number| number.parse::<u32>().is_ok())
            }
            Self::Other(_) => {
                let hash = name.strip_prefix("batchintory_").unwrap_or_default();
                hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
            }
        }
    }
}

/// A server that tells what it is sent, with an inventory and a meta table.
async fn server() -> Result<OwnPostgres> {
    let server = OwnPostgres::start_with_log(r"read\ committed")?;
    let database = connect(&server.url(), Access::ReadWrite).await?;
    Table::of_items(10_000).create(database.as_ref()).await?;
    Inventory::open(&server.url()).await?.migrate().await?;
    Ok(server)
}

/// Claims a batch of seven items.
async fn acquire(subject: &Subject, job: &str) -> Result<Batch> {
    let request = AcquireRequest {
        max_count: Some(7),
        ..AcquireRequest::new("files", job)
    };
    match subject.acquire(request, None).await? {
        Acquisition::Batch(batch) => Ok(batch),
        Acquisition::Nothing(nothing) => bail!("{nothing:?}"),
    }
}

async fn read_items(subject: &Subject, batch: &Batch) -> Result<()> {
    let items = subject.items(batch.claim_token.clone(), None, 100).await?;
    ensure!(items.len() == 7, "{items:?}");
    Ok(())
}

async fn complete(subject: &Subject, batch: &Batch) -> Result<()> {
    let outcome = Outcome::succeeded(None);
    let completed = subject.complete(batch.claim_token.clone(), outcome).await;
    Ok(completed?)
}

/// Processes some batches.
async fn work(subject: &Subject, job: &str) -> Result<()> {
    for _ in 0..BATCHES {
        let batch = acquire(subject, job).await?;
        read_items(subject, &batch).await?;
        complete(subject, &batch).await?;
    }
    Ok(())
}

/// How often something was done with a name and without.
#[derive(Debug, Default)]
struct Times {
    unnamed: usize,
    named: usize,
}

/// What a server was sent.
#[derive(Debug, Default)]
struct Sent {
    /// By text.
    parsed: BTreeMap<String, Times>,
    executed: BTreeMap<String, Times>,
    names: Vec<String>,
}

impl Sent {
    /// What the log tells of statements that name one of our tables.
    fn read(log: &str) -> Self {
        let mut sent = Self::default();
        for line in log.lines().filter(|line| line.contains("\"inventory\"")) {
            let Some((_, told)) = line.split_once(" ms  ") else {
                continue;
            };
            let Some((verb, (name, text))) = (told.split_once(' '))
                .and_then(|(verb, rest)| Some((verb, rest.split_once(": ")?)))
            else {
                continue;
            };
            let times = match verb {
                "parse" => sent.parsed.entry(text.to_owned()).or_default(),
                "execute" => sent.executed.entry(text.to_owned()).or_default(),
                _ => continue,
            };
            if name == "<unnamed>" {
                times.unnamed.add_assign(1);
            } else {
                times.named.add_assign(1);
                sent.names.push(name.to_owned());
            }
        }
        sent
    }
}

/// What one program sends on a fresh server while it processes some batches.
async fn sent_by(program: Program, server: &OwnPostgres, url: &str) -> Result<Sent> {
    let before = server.log()?.len();
    let subject = program.open(url).await?;
    work(&subject, &format!("{program:?}")).await?;
    let log = server.log()?;
    Ok(Sent::read(log.get(before..).unwrap_or_default()))
}

#[tokio::test]
async fn a_statement_that_repeats_is_parsed_once_for_its_name_on_a_direct_connection() -> Result<()>
{
    let server = server().await?;
    let url = format!("{}?pool_size=1", server.url());
    for program in PROGRAMS {
        let sent = sent_by(program, &server, &url).await?;
        ensure!(!sent.names.is_empty(), "{program:?}: {sent:?}");
        let mut looped = 0;
        for (text, times) in &sent.executed {
            if times.unnamed + times.named < BATCHES {
                continue;
            }
            looped += 1;
            assert_eq!(times.unnamed, 1, "{program:?}: {text}");
            let parsed = sent.parsed.get(text).context(text.clone())?;
            assert_eq!(
                (parsed.unnamed, parsed.named),
                (1, 1),
                "{program:?}: {text}"
            );
        }
        assert!(looped >= 2, "{program:?}: {sent:?}");
        let others = sent.names.iter().find(|name| !program.gives(name));
        assert_eq!(others, None, "{program:?}");
    }
    Ok(())
}

#[tokio::test]
async fn names_are_given_only_where_they_are_safe() -> Result<()> {
    let server = server().await?;
    let pooler = PgBouncer::with(&server.url().parse()?, "default_pool_size = 2\n")?;
    let proxy = Proxy::before(server.address()).await?;
    let (behind_pooler, behind_proxy) = (
        format!("postgres://postgres@{}/postgres", pooler.address()),
        format!("postgres://postgres@{}/postgres", proxy.address),
    );
    for program in PROGRAMS {
        for url in [&behind_pooler, &behind_proxy] {
            let sent = sent_by(program, &server, url).await?;
            ensure!(!sent.executed.is_empty(), "{program:?}: nothing was seen");
            // The driver numbers names by itself in Rust alone.
            assert_eq!(
                sent.names.is_empty(),
                program == Program::Rust,
                "{program:?}"
            );
            let others = sent.names.iter().find(|name| !program.gives(name));
            assert_eq!(others, None, "{program:?}");
        }
        let without = format!("{}?statement_cache=0", server.url());
        let sent = sent_by(program, &server, &without).await?;
        ensure!(!sent.executed.is_empty(), "{program:?}: nothing was seen");
        assert_eq!(sent.names, [""; 0], "{program:?}");
    }
    Ok(())
}

/// What happens to the sessions that the programs share, between their calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mischief {
    /// `DISCARD ALL`, as of poolers, and the sessions change places.
    Discards,
    /// The server forgets all prepared statements.
    Forgets,
    /// Another client has prepared statements of its own under the names that tokio-postgres gives.
    TakesNames,
}

/// Another client of the pooler, which gets at all of its server connections.
struct Villain {
    clients: Vec<Client>,
    /// The names that it takes.
    names: BTreeSet<String>,
}

impl Villain {
    async fn at(pooler: &PgBouncer) -> Result<Self> {
        let url = format!("postgres://postgres@{}/postgres", pooler.address());
        let mut clients = Vec::new();
        for _ in 0..SHARED {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            tokio::spawn(connection);
            clients.push(client);
        }
        let names = (0..TAKEN).map(|number| format!("s{number}")).collect();
        Ok(Self { clients, names })
    }

    async fn strike(&mut self, mischief: Mischief) -> Result<()> {
        const GIVEN: &str = "SELECT name FROM pg_prepared_statements WHERE name ~ '^s[0-9]+$'";
        // Each holds one of the server connections, so that none is missed.
        for client in &self.clients {
            client.batch_execute("BEGIN").await?;
        }
        for client in &self.clients {
            for message in client.simple_query(GIVEN).await? {
                if let SimpleQueryMessage::Row(row) = message {
                    self.names.extend(row.get(0).map(str::to_owned));
                }
            }
        }
        let theirs: String = (self.names.iter())
            .map(|name| format!("PREPARE {name} AS SELECT 'another''s';"))
            .collect();
        for client in &self.clients {
            let statements = match mischief {
                Mischief::Discards => "COMMIT".into(),
                Mischief::Forgets => "DEALLOCATE ALL; COMMIT".into(),
                Mischief::TakesNames => format!("DEALLOCATE ALL; {theirs} COMMIT"),
            };
            client.batch_execute(&statements).await?;
        }
        if mischief == Mischief::Discards {
            let discards = (self.clients.iter()).map(|client| client.batch_execute("DISCARD ALL"));
            for discarded in join_all(discards).await {
                discarded?;
            }
        }
        Ok(())
    }
}

/// Two programs process batches of one job on shared server connections, and the villain strikes between all calls.
async fn share(
    program: Program,
    url: &str,
    villain: &mut Villain,
    mischief: Mischief,
) -> Result<()> {
    let job = format!("{program:?} {mischief:?} {url}");
    let programs = [program.open(url).await?, program.open(url).await?];
    let mut end = 0;
    for _ in 0..BATCHES {
        let acquired = join_all(programs.iter().map(|program| acquire(program, &job))).await;
        let batches: Vec<Batch> = acquired.into_iter().collect::<Result<_>>()?;
        villain.strike(mischief).await?;
        let mut ranges: Vec<(i64, i64)> = (batches.iter())
            .map(|batch| (batch.id_start, batch.id_end))
            .collect();
        ranges.sort_unstable();
        for (first, last) in ranges {
            assert_eq!(
                (first, last),
                (end + 1, end + 7),
                "{program:?} {mischief:?}"
            );
            end = last;
        }
        let theirs = || programs.iter().zip(&batches);
        let read = theirs().map(|(program, batch)| read_items(program, batch));
        join_all(read).await.into_iter().collect::<Result<()>>()?;
        villain.strike(mischief).await?;
        let completed = theirs().map(|(program, batch)| complete(program, batch));
        (join_all(completed).await.into_iter()).collect::<Result<()>>()?;
        villain.strike(mischief).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_is_taken_for_another_behind_pgbouncer_in_transaction_mode() -> Result<()> {
    let server = server().await?;
    let settings = format!("default_pool_size = {SHARED}\n");
    let pooler = PgBouncer::with(&server.url().parse()?, &settings)?;
    let url = format!("postgres://postgres@{}/postgres", pooler.address());
    let mut villain = Villain::at(&pooler).await?;
    for mischief in [Mischief::Discards, Mischief::Forgets, Mischief::TakesNames] {
        for program in PROGRAMS {
            share(program, &url, &mut villain, mischief)
                .await
                .with_context(|| format!("{program:?} {mischief:?}"))?;
        }
        // Where the URL asks for names all the same, it goes wrong: this villain is one.
        let unsafe_url = format!("{url}?statement_cache=32");
        let shared = share(Program::Rust, &unsafe_url, &mut villain, mischief).await;
        ensure!(
            mischief != Mischief::TakesNames || shared.is_err(),
            "{mischief:?} does no harm to names that are not safe"
        );
    }
    Ok(())
}

/// A claim is planned a few times and then never again, on a long history too: its plan takes longer than it does itself.
#[tokio::test]
async fn a_claim_is_not_planned_each_time() -> Result<()> {
    let server = server().await?;
    let session = connect(&format!("{}?pool_size=1", server.url()), Access::ReadWrite).await?;
    let inventory = Inventory::builder()
        .inventory(session.clone())
        .meta(session.clone())
        .build()?;
    let request = AcquireRequest {
        max_count: Some(10),
        max_weight: Some(1e9),
        ..AcquireRequest::new("files", "job")
    };
    inventory.acquire(&request).await?;
    let history = "INSERT INTO inventory (meta_table, job, processing_start, batch_id_start, batch_id_end, \
         batch_count, batch_weight, attempt, status, config, batch_id_after, claim_token, max_attempts, watermark, \
         queue_from, ranges_through, items_through, weight_through) \
         SELECT meta_table, job, processing_start, -number, -number, batch_count, batch_weight, attempt, \
         'succeeded', config, -number - 1, number, max_attempts, -number - 1, queue_from, ranges_through, \
         items_through, weight_through FROM inventory, generate_series(1, 3000) AS number";
    execute(session.as_ref(), history, &[]).await?;
    execute(session.as_ref(), "ANALYZE inventory", &[]).await?;
    let processed = inventory.process(&request, async |_: Vec<Item>| anyhow::Ok(()));
    ensure!(processed.await?.succeeded > 900);
    let plans =
        "SELECT sum(custom_plans)::bigint, sum(generic_plans)::bigint FROM pg_prepared_statements";
    let plans = session.query(plans, &[]).await;
    let plans = plans.map_err(|error| anyhow!("{error:?}"))?.rows;
    let [row] = plans.as_slice() else {
        bail!("{plans:?}");
    };
    let [SqlValue::Int64(each_time), SqlValue::Int64(once)] = row.as_slice() else {
        bail!("{row:?}");
    };
    ensure!(
        *each_time < 50 && *once > 10 * each_time,
        "{each_time} planned by themselves, {once} not"
    );
    Ok(())
}
