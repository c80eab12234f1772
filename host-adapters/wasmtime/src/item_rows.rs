//! Rows of the planner's statement as items: what is to be looked at is said at `items-statement` in
//! `wit/inventory.wit`.

use batchintory::{Item, Rows, Value};

/// The items that rows hold.
#[derive(Debug, PartialEq)]
pub(crate) struct ItemRows {
    pub(crate) items: Vec<Item>,
    /// Whether all rows were items: else only the planner knows what is behind these.
    pub(crate) is_whole: bool,
}

impl Default for ItemRows {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            is_whole: true,
        }
    }
}

/// The items of a page of at most so many, of which one row more was asked for.
pub(crate) fn read(rows: Rows, most: usize) -> ItemRows {
    let mut items = Vec::with_capacity(rows.rows.len());
    let mut is_whole = true;
    let mut last: Option<i64> = None;
    for row in rows.rows {
        let Some(item) = item(row) else {
            is_whole = false;
            break;
        };
        if last.is_some_and(|last| item.uid <= last) {
            // Neither of them.
            items.pop();
            is_whole = false;
            break;
        }
        last = Some(item.uid);
        items.push(item);
    }
    items.truncate(most);
    ItemRows { items, is_whole }
}

/// The item of a row, if it is one as it is.
fn item(row: Vec<Value>) -> Option<Item> {
    let [Value::Int64(uid), item, weight] = <[Value; 3]>::try_from(row).ok()? else {
        return None;
    };
    let item = match item {
        Value::Null => None,
        Value::Text(text) if is_given(&text) => Some(text),
        _ => return None,
    };
    let Value::Float64(weight) = weight else {
        return None;
    };
    Some(Item { uid, item, weight })
}

/// Whether a text is one that the statement gives, and a driver has not changed.
fn is_given(text: &str) -> bool {
    !text.as_bytes().contains(&1) && !text.contains('\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(uid: i64, item: &str) -> Vec<Value> {
        vec![
            Value::Int64(uid),
            Value::Text(item.into()),
            Value::Float64(1.0),
        ]
    }

    /// The ids that are given, and whether all are.
    fn given(rows: Vec<Vec<Value>>) -> (Vec<i64>, bool) {
        let rows = Rows { rows, affected: 0 };
        let ItemRows { items, is_whole } = read(rows, 3);
        (items.into_iter().map(|item| item.uid).collect(), is_whole)
    }

    #[test]
    fn a_page_ends_before_what_only_the_planner_knows() {
        let null = || vec![Value::Int64(2), Value::Null, Value::Float64(0.0)];
        for (rows, uids, is_whole) in [
            (vec![], vec![], true),
            (vec![row(1, "a"), null()], vec![1, 2], true),
            (
                vec![row(1, "a"), row(2, "\u{1}"), row(3, "c")],
                vec![1],
                false,
            ),
            (vec![row(1, "a"), row(2, "b\u{fffd}")], vec![1], false),
            (vec![row(1, "a"), row(2, "b"), row(2, "c")], vec![1], false),
            (vec![row(2, "a"), row(1, "b")], vec![], false),
            (vec![row(1, "a"), row(1, "b")], vec![], false),
            (
                vec![row(1, "a"), row(2, "b"), row(3, "c"), row(4, "d")],
                vec![1, 2, 3],
                true,
            ),
            (
                vec![row(1, "a"), row(2, "b"), row(3, "c"), row(3, "d")],
                vec![1, 2],
                false,
            ),
            (vec![vec![Value::Int64(1)]], vec![], false),
            (
                vec![vec![Value::Int64(1), Value::Int64(2), Value::Float64(0.0)]],
                vec![],
                false,
            ),
            (
                vec![vec![Value::Int64(1), Value::Null, Value::Null]],
                vec![],
                false,
            ),
        ] {
            assert_eq!(given(rows.clone()), (uids, is_whole), "{rows:?}");
        }
    }
}
