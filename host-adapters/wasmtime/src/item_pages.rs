//! The items of a batch, page by page.

use batchintory::Item;

use crate::error::Error;
use crate::inventory::Inventory;

/// How many items are asked for at once.
const PAGE: u32 = 5_000;

/// The items of a batch, page by page: by [`Batch::pages`](crate::Batch::pages) or
/// [`Inventory::item_pages`].
#[derive(Debug)]
pub struct ItemPages {
    inventory: Inventory,
    claim_token: String,
    /// The id of the last item, where it is known.
    id_end: Option<i64>,
    after: Option<i64>,
    is_over: bool,
    /// Those that are there already.
    first: Vec<Item>,
}

impl ItemPages {
    pub(crate) fn new(
        inventory: Inventory,
        claim_token: String,
        id_end: Option<i64>,
        first: Vec<Item>,
    ) -> Self {
        Self {
            inventory,
            claim_token,
            id_end,
            after: None,
            is_over: false,
            first,
        }
    }

    /// The next page; none at the end. After an error it may be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<Item>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let page = match std::mem::take(&mut self.first) {
            first if !first.is_empty() => first,
            _ => {
                (self.inventory)
                    .items(&self.claim_token, self.after, PAGE)
                    .await?
            }
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
            items.extend(page);
        }
        Ok(items)
    }
}
