//! How a table of PostgreSQL tells that rows have come: a channel, and a trigger that notifies it.

use super::quoted;
use super::schema::{fill_in, split};
use crate::database::Dialect;
use crate::fnv;
use crate::table_name::{TableName, push_part};

/// The longest name of a channel, in bytes.
const MAX_BYTES: usize = 63;

/// The name of a table's channel: that of the table with its schema, or a number for it where that is too long. Two
/// tables of one number would only wake those that wait for the other one.
pub(crate) fn channel(table: &TableName) -> String {
    let mut name = String::from("batchintory:");
    let own = name.len();
    push_part(&mut name, table.schema());
    name.push('.');
    push_part(&mut name, table.table());
    if name.len() > MAX_BYTES {
        let number = fnv::hash(name.bytes());
        name.truncate(own);
        name += &format!("{number:016x}");
    }
    name
}

/// The statements that have a table notify its channel, in order: for its owner. Each may be run again.
pub(crate) fn triggers(table: &TableName, channel: &str) -> Vec<String> {
    let in_schema = |name: &str| {
        let [schema, name] = [table.schema(), name].map(|name| quoted(name, Dialect::Postgresql));
        [schema, name].join(".")
    };
    let names = [
        ("{function}", in_schema("batchintory_notify")),
        ("{table}", in_schema(table.table())),
        (
            "{channel}",
            ["'", &channel.replace('\'', "''"), "'"].concat(),
        ),
    ];
    (split(include_str!("schema/notify.sql")))
        .map(|statement| fill_in(statement, &names))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel_of(name: &str) -> String {
        channel(&TableName::of(name, Dialect::Postgresql, None).unwrap())
    }

    #[test]
    fn a_channel_has_a_name_that_postgresql_takes_whole() {
        assert_eq!(channel_of("files"), "batchintory:public.files");
        assert_eq!(channel_of("lake.\"a.b\""), "batchintory:lake.\"a.b\"");
        let long = "x".repeat(44);
        assert_eq!(channel_of(&long).len(), MAX_BYTES);
        let longer = [channel_of(&"x".repeat(45)), channel_of(&"x".repeat(46))];
        assert_eq!(longer[0].len(), "batchintory:".len() + 16);
        assert_ne!(longer[0], longer[1]);
        assert_eq!(longer[0], channel_of(&format!("public.{}", "x".repeat(45))));
    }

    #[test]
    fn names_cannot_leave_their_quotes() {
        let table =
            TableName::of("la'ke.\"x\"\"{table}'); --\"", Dialect::Postgresql, None).unwrap();
        insta::assert_snapshot!(triggers(&table, &channel(&table)).join(";\n"));
    }
}
