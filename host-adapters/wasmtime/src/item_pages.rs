//! The items of a batch, page by page.

use batchintory::Item;

use crate::error::{Error, Limit};
use crate::inventory::Inventory;

/// How many items are asked for at once, unless an answer is too large.
const PAGE: u32 = 5_000;

/// So many times fewer are asked for after an answer that was too large.
const FEWER: u32 = 4;

/// The items of a batch, page by page: by [`Batch::pages`](crate::Batch::pages) or
/// [`Inventory::item_pages`].
///
/// Where the items are so long that an answer does not fit into the planner's memory, the pages get smaller.
#[derive(Debug)]
pub struct ItemPages {
    inventory: Inventory,
    claim_token: String,
    size: u32,
    after: Option<i64>,
    is_over: bool,
}

impl ItemPages {
    pub(crate) fn new(inventory: Inventory, claim_token: String) -> Self {
        Self {
            inventory,
            claim_token,
            size: PAGE,
            after: None,
            is_over: false,
        }
    }

    /// The next page; none at the end. After an error it may be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<Item>>, Error> {
        while !self.is_over {
            let asked = self
                .inventory
                .items(&self.claim_token, self.after, self.size);
            match asked.await {
                Ok(page) => {
                    self.is_over = page.len() < self.size as usize;
                    self.after = page.last().map(|item| item.uid).or(self.after);
                    return Ok(Some(page).filter(|page| !page.is_empty()));
                }
                Err(Error::LimitReached {
                    limit: Limit::Memory(_),
                }) if self.size > 1 => self.size = (self.size / FEWER).max(1),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// All that are left.
    pub async fn all(mut self) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
        }
        Ok(items)
    }
}
