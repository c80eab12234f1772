//! Which statements a connection keeps prepared.
//!
//! A text is prepared when it comes for the second time, so that texts which vary are not: a long row of them
//! pushes nothing out. Of those that repeat, the one whose latest use lies furthest back makes room. A plan that the
//! server has kept is as old as its statement, and the tables may have grown since; so a statement is prepared anew
//! from time to time. The cases in `tests/kept_statements.json` are those of all languages.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// How many statements are kept, unless said otherwise.
pub(super) const USUAL: usize = 32;

/// After how many uses a statement is prepared anew.
const USES: u32 = 500;

/// How many texts that came once are remembered, for each one that may be kept.
const REMEMBERED: usize = 4;

/// The statements of one connection.
pub(super) struct Kept<T> {
    most: usize,
    /// Texts that came once, the latest at the end: by their hashes, since mistaking one costs nothing.
    once: VecDeque<u64>,
    /// The latest at the end.
    statements: Vec<Statement<T>>,
}

struct Statement<T> {
    text: String,
    uses: u32,
    prepared: T,
}

/// How a text is to be sent.
#[derive(Debug)]
pub(super) enum Turn<T> {
    Unnamed,
    /// Prepared first, and handed to [`Kept::keep`]. What was prepared before is to be closed.
    Prepare(Option<T>),
    Prepared(T),
}

impl<T: Clone> Kept<T> {
    /// The most to return.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            once: VecDeque::new(),
            statements: Vec::new(),
        }
    }

    /// How to send this text, which is about to be sent.
    pub(super) fn turn(&mut self, text: &str) -> Turn<T> {
        if let Some(mut found) = self.take(text) {
            if found.uses == USES {
                self.once.push_back(hash(text));
                return Turn::Prepare(Some(found.prepared));
            }
            found.uses += 1;
            let prepared = found.prepared.clone();
            self.statements.push(found);
            return Turn::Prepared(prepared);
        }
        let hash = hash(text);
        if self.once.contains(&hash) {
            return Turn::Prepare(None);
        }
        self.once.push_back(hash);
        if self.once.len() > self.most * REMEMBERED {
            self.once.pop_front();
        }
        Turn::Unnamed
    }

    /// Keeps what was prepared for this text. What has to make room is to be closed.
    pub(super) fn keep(&mut self, text: String, prepared: T) -> Option<T> {
        let hash = hash(&text);
        self.once.retain(|other| *other != hash);
        let oldest = (self.statements.len() == self.most).then(|| self.statements.remove(0));
        self.statements.push(Statement {
            text,
            uses: 1,
            prepared,
        });
        oldest.map(|statement| statement.prepared)
    }

    /// Forgets what was prepared for this text: the server has.
    pub(super) fn forget(&mut self, text: &str) {
        drop(self.take(text));
    }

    fn take(&mut self, text: &str) -> Option<Statement<T>> {
        let is_it = |statement: &Statement<T>| statement.text == text;
        let position = self.statements.iter().rposition(is_it)?;
        Some(self.statements.remove(position))
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Table {
        cases: Vec<Case>,
    }

    /// See `tests/kept_statements.json`.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        name: String,
        most: usize,
        steps: Vec<Step>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Step {
        text: String,
        #[serde(default = "one")]
        times: u32,
        sent: String,
        closes: Option<String>,
    }

    fn one() -> u32 {
        1
    }

    #[test]
    fn texts_that_repeat_are_kept() {
        let table: Table =
            serde_json::from_str(include_str!("../../../../../tests/kept_statements.json"))
                .unwrap();
        for Case { name, most, steps } in table.cases {
            let mut kept = Kept::new(most);
            for (number, step) in steps.iter().enumerate() {
                for _ in 0..step.times {
                    let (sent, closes) = match kept.turn(&step.text) {
                        Turn::Unnamed => ("unnamed", None),
                        Turn::Prepared(text) => {
                            assert_eq!(text, step.text);
                            ("prepared", None)
                        }
                        Turn::Prepare(old) => {
                            let oldest = kept.keep(step.text.clone(), step.text.clone());
                            ("prepare", old.or(oldest))
                        }
                    };
                    assert_eq!(
                        (sent, &closes),
                        (&*step.sent, &step.closes),
                        "{name}: {number}"
                    );
                }
            }
        }
    }
}
