//! The errors of Spin's PostgreSQL interface: the server's codes, and Spin's own words.

use batchintory::DatabaseError;
use batchintory_database_url::Told;

/// What the server's answer is, with what to do about what Spin brings along.
pub(crate) fn explain(code: &str, message: String) -> DatabaseError {
    // Spin prepares a statement by a name and runs it by that name in a second step.
    let message = match code {
        // invalid_sql_statement_name, duplicate_prepared_statement
        "26000" | "42P05" => format!(
            "{message}. A pooler between Spin and PostgreSQL mixes up what Spin prepares: let it keep \
             track of prepared statements (in PgBouncer 1.21 or later, max_prepared_statements), or \
             give each client a session of its own"
        ),
        _ => message,
    };
    DatabaseError::refused(code, message)
}

/// That there is no connection, and why in Spin's words, which may hold the URL.
pub(crate) fn unreachable(url: &str, words: &str) -> DatabaseError {
    let told = Told::of(url);
    // Where Spin runs for debugging, a trace of its own functions follows.
    let reason = words.split("Stack backtrace:").next().unwrap_or_default();
    let reason = told.reason(in_one_sentence(&reason.replace(url, told.shown())));
    let hint = if reason.contains("is not permitted") {
        ": the variable inventory_host, or meta_host, must name it as host:port"
    } else {
        ""
    };
    DatabaseError::Unavailable(format!("{reason}{hint}"))
}

/// A reason with its causes, which Spin tells on lines of their own, several times over: each once.
fn in_one_sentence(words: &str) -> String {
    let mut sentence = String::new();
    for line in words.lines().map(without_number) {
        if line.is_empty() || line == "Caused by:" || sentence.contains(line) {
            continue;
        }
        if !sentence.is_empty() {
            sentence += ": ";
        }
        sentence += line;
    }
    sentence
}

/// A line without blanks around it, and without the number that a cause has where there are several.
fn without_number(line: &str) -> &str {
    let line = line.trim();
    match line.split_once(": ") {
        Some((number, cause)) if number.bytes().all(|byte| byte.is_ascii_digit()) => cause,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pooler_that_mixes_up_statements_is_told_of() {
        for code in ["26000", "42P05"] {
            let DatabaseError::Refused(refusal) = explain(code, "no statement s1".into()) else {
                panic!("{code} had no effect");
            };
            assert_eq!(refusal.code, code);
            assert!(refusal.message.starts_with("no statement s1"));
            assert!(refusal.message.contains("max_prepared_statements"));
        }
        let conflict = "duplicate key";
        assert_eq!(
            explain("23505", conflict.into()),
            DatabaseError::refused("23505", conflict)
        );
    }

    #[test]
    fn why_there_is_no_connection_is_told_without_password_and_trace() {
        let url = "postgres://me:secret@host/lake";
        let words = format!("cannot reach {url}\n\nStack backtrace:\n   0: spin::main");
        assert_eq!(
            unreachable(url, &words),
            DatabaseError::Unavailable("cannot reach postgres://host/lake".into())
        );
        let url = "postgres://me:sec@ret@host/lake";
        let DatabaseError::Unavailable(message) = unreachable(url, "no host \"ret@host\"") else {
            panic!("it cannot be reached");
        };
        assert!(!message.contains("ret@"), "{message}");
    }

    #[test]
    fn causes_are_told_once_and_on_one_line() {
        let words = "error connecting to server: refused (os error 111)\n\n\
                     Caused by:\n    0: error connecting to server\n    1: refused (os error 111)\n\n\
                     Caused by:\n    of a host that is down\n";
        assert_eq!(
            unreachable("postgres://host/lake", words),
            DatabaseError::Unavailable(
                "error connecting to server: refused (os error 111): of a host that is down".into()
            )
        );
    }

    #[test]
    fn a_host_that_is_not_allowed_is_told_where_to_allow_it() {
        let words = "address postgres://host:5432 is not permitted";
        let DatabaseError::Unavailable(message) = unreachable("postgres://host/lake", words) else {
            panic!("it cannot be reached");
        };
        assert!(message.starts_with(words) && message.contains("inventory_host"));
    }
}
