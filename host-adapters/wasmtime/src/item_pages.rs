//! The items of a batch, page by page: by a statement that the planner gives and the driver runs, and by the planner
//! where that does not do.

use batchintory::{Database as _, Item, Operations as _, PageStatement, Value};

use crate::error::Error;
use crate::item_rows::{self, ItemRows};
use crate::planner_pool::PlannerPool;

/// How many items the planner is asked for at once.
const PAGE: u32 = 5_000;

/// How many the statement is asked for, which costs less.
const PAGE_OF_STATEMENT: u32 = 10_000;

/// The items of a batch, page by page: by [`Batch::pages`](crate::Batch::pages) or
/// [`Inventory::item_pages`](crate::Inventory::item_pages).
#[derive(Debug)]
pub struct ItemPages {
    planner: PlannerPool,
    claim_token: String,
    /// The id of the last item, where it is known.
    id_end: Option<i64>,
    after: Option<i64>,
    is_over: bool,
    /// Those that are there already.
    first: Vec<Item>,
    way: Way,
}

/// How the next page is read.
#[derive(Debug)]
enum Way {
    /// The planner has not been asked for a statement yet.
    Unknown,
    ByStatement(PageStatement),
    ByPlanner,
}

impl ItemPages {
    pub(crate) fn new(
        planner: PlannerPool,
        claim_token: String,
        id_end: Option<i64>,
        first: Vec<Item>,
    ) -> Self {
        Self {
            planner,
            claim_token,
            id_end,
            after: None,
            is_over: false,
            first,
            way: Way::Unknown,
        }
    }

    /// The same, but only items behind this id: for whoever has read those before.
    #[must_use]
    pub fn behind(mut self, uid: i64) -> Self {
        self.first.retain(|item| item.uid > uid);
        self.after = Some(uid);
        self
    }

    /// The next page; none at the end. After an error it may be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<Item>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let page = match std::mem::take(&mut self.first) {
            first if !first.is_empty() => first,
            _ => self.read().await?,
        };
        let last = page.last().map(|item| item.uid);
        self.is_over = last.is_none() || last == self.id_end;
        self.after = last.or(self.after);
        Ok(Some(page).filter(|page| !page.is_empty()))
    }

    /// All that are left.
    pub async fn all(mut self) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            if items.is_empty() {
                items = page;
            } else {
                items.extend(page);
            }
        }
        Ok(items)
    }

    async fn read(&mut self) -> Result<Vec<Item>, Error> {
        if matches!(self.way, Way::Unknown) {
            let statement = self
                .planner
                .items_statement(self.claim_token.clone())
                .await?;
            self.way = statement.map_or(Way::ByPlanner, Way::ByStatement);
        }
        if let Way::ByStatement(statement) = &self.way {
            let ItemRows { items, is_whole } = self.read_by(statement).await;
            if !is_whole {
                self.way = Way::ByPlanner;
            }
            if !items.is_empty() {
                return Ok(items);
            }
        }
        let token = self.claim_token.clone();
        self.planner.items(token, self.after, PAGE).await
    }

    /// What a statement gives for sure. Where that is nothing, or it fails, the planner is to be asked.
    async fn read_by(&self, page: &PageStatement) -> ItemRows {
        let mut parameters = page.parameters.clone();
        // One row more shows whether the page ends between two of one id.
        parameters.extend([
            Value::Int64(self.after.map_or(page.after, |after| after.max(page.after))),
            Value::Int64(i64::from(PAGE_OF_STATEMENT) + 1),
        ]);
        let databases = self.planner.databases();
        match databases.query(page.on, &page.statement, &parameters).await {
            Ok(rows) => item_rows::read(rows, PAGE_OF_STATEMENT as usize),
            Err(_) => ItemRows::default(),
        }
    }
}
