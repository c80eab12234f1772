//! The items of a batch, by pages: `items`, and the statement for hosts that read them themselves:
//! `items-statement`.

use crate::claim_token::ClaimToken;
use crate::database::{Database, Dialect};
use crate::databases::Databases;
use crate::error::Error;
use crate::find_attempt::{find_attempt, no_such_batch};
use crate::interface::{Batch, Item, ItemEncoding, PageStatement};
use crate::item::{Given, NoText};
use crate::job::{Job, check_limit};
use crate::judge::Judge;
use crate::judgement::Judgement;
use crate::next_batch::repeated_uid;
use crate::sql::Statement;
use crate::sql::meta::{self, Fill};

/// The most items in a page.
pub(crate) const MAX_PAGE_ITEMS: u32 = 10_000;

/// A page of a batch's items: so many, or fewer where they have many bytes together; at least one, unless none
/// is left.
#[synchronous]
pub(crate) async fn items<D: Database>(
    databases: &Databases<'_, D>,
    claim_token: &str,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<Item>, Error> {
    check_limit(limit, MAX_PAGE_ITEMS, "items")?;
    let (job, judgement, range) = find_batch(databases, claim_token).await?;
    let page = (limit, Fill::With);
    read_page(databases, &job, &judgement, range, after, page).await
}

/// The statement by which a host reads a batch's items itself; none where they are given in letters for bytes.
#[synchronous]
pub(crate) async fn items_statement<D: Database>(
    databases: &Databases<'_, D>,
    claim_token: &str,
) -> Result<Option<PageStatement>, Error> {
    let (job, judgement, (id_start, id_end)) = find_batch(databases, claim_token).await?;
    if job.request.item_encoding != ItemEncoding::Text {
        return Ok(None);
    }
    let Statement {
        text,
        mut parameters,
    } = meta::plain_items(&job, &judgement, id_end);
    // The host says where a page begins, and how long it is.
    parameters.truncate(parameters.len().saturating_sub(2));
    Ok(Some(PageStatement {
        on: job.source,
        statement: text,
        parameters,
        after: id_start.saturating_sub(1),
    }))
}

/// The batch with this token, as it was claimed: its job, its conditions and its range.
#[synchronous]
async fn find_batch<D: Database>(
    databases: &Databases<'_, D>,
    claim_token: &str,
) -> Result<(Job, Judgement, (i64, i64)), Error> {
    let token = ClaimToken::parse(claim_token)?;
    let attempt = find_attempt(databases, &token)
        .await?
        .ok_or_else(no_such_batch)?;
    let kept = attempt.kept()?;
    let job = (databases.job_as_kept(&kept.request, &attempt.scope)).await?;
    let judgement = (Judge::new(databases).judge_as_kept(&job, kept.grounds)).await?;
    Ok((job, judgement, (attempt.id_start, attempt.id_end)))
}

/// The first items of a batch that was just claimed: those before the one that fills a page. None where they
/// cannot be read, since whoever asks for them by themselves is told why.
#[synchronous]
pub(crate) async fn first_items<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    judgement: &Judgement,
    batch: &Batch,
    limit: u32,
) -> Vec<Item> {
    let (range, page) = ((batch.id_start, batch.id_end), (limit, Fill::Before));
    (read_page(databases, job, judgement, range, None, page).await).unwrap_or_default()
}

/// A page of the items of a range.
#[synchronous]
async fn read_page<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    judgement: &Judgement,
    mut range: (i64, i64),
    after: Option<i64>,
    (limit, fill): (u32, Fill),
) -> Result<Vec<Item>, Error> {
    // One more tells whether the page ends between two rows of one id.
    let most = u64::from(limit).saturating_add(1);
    if job.dialect == Dialect::Mysql {
        let end = meta::items_end(job, judgement, range, after, (most, fill));
        let end = databases.source_row(job, end).await?;
        range.1 = end.unwrap_or(range.1);
    }
    let items = meta::items(job, judgement, range, after, (most, fill));
    let items = databases.source_rows(job, items).await?;
    let mut items = items.collect::<Result<Vec<Item>, Error>>()?;
    let repeated =
        (items.iter().zip(items.iter().skip(1))).find(|(item, next)| item.uid == next.uid);
    if let Some((item, _)) = repeated {
        return Err(repeated_uid(job, item.uid, "several"));
    }
    items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    for Item { uid, item, .. } in &mut items {
        if let Some(given) = item.take() {
            let encoded = Given::parse(&given)?.encoded(job.request.item_encoding);
            *item = Some(encoded.map_err(|NoText(why)| no_text(job, *uid, why))?);
        }
    }
    Ok(items)
}

/// What to say of an item that is no text.
fn no_text(job: &Job, uid: i64, why: &str) -> Error {
    Error::invalid_request(format!(
        "the item of uid {uid} in the meta table {table:?} is no text: it {why}; name a column of \
         text, or end this batch as failed and ask for `item-encoding` base64 or hex, which give the \
         bytes of all items",
        table = job.meta_table.to_string()
    ))
    .of_table(&job.meta_table)
    .of_column(&job.columns.item)
    .of_row(uid)
}
