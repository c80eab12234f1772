//! A line of the audit log: who did what.

use http::StatusCode;

use crate::authorization::Caller;

/// The longest of a line's values, in characters.
const LONGEST: usize = 255;

/// What a line of the audit log tells. None of it is a secret.
pub(crate) struct Deed<'a> {
    pub(crate) caller: &'a Caller<'a>,
    pub(crate) operation: &'static str,
    pub(crate) job: Option<&'a str>,
    pub(crate) meta_table: Option<&'a str>,
    pub(crate) status: StatusCode,
    pub(crate) error: Option<&'static str>,
}

impl Deed<'_> {
    /// The line: values that callers choose are in quotes, and keep to their line.
    pub(crate) fn line(&self) -> String {
        let caller = self.caller.name().unwrap_or("-");
        let mut line = format!("caller={caller} operation={}", self.operation);
        for (name, value) in [("job", self.job), ("meta_table", self.meta_table)] {
            if let Some(value) = value {
                line.push_str(&format!(" {name}={}", quoted(value)));
            }
        }
        line.push_str(&format!(" status={}", self.status.as_u16()));
        if let Some(error) = self.error {
            line.push_str(&format!(" error={error}"));
        }
        line
    }
}

fn quoted(value: &str) -> String {
    let cut: String = value.chars().take(LONGEST).collect();
    serde_json::Value::from(cut).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_is_one_line_whatever_it_names() {
        let deed = Deed {
            caller: &Caller::unknown(),
            operation: "requeue",
            job: Some("a\" b\nc=1"),
            meta_table: Some(&"x".repeat(1_000)),
            status: StatusCode::UNAUTHORIZED,
            error: Some("unauthorized"),
        };
        let line = deed.line();
        assert!(line.starts_with(r#"caller=- operation=requeue job="a\" b\nc=1" meta_table="xxx"#));
        assert!(line.ends_with(r#"x" status=401 error=unauthorized"#));
        assert!(!line.contains('\n') && line.len() < 400, "{line}");
    }
}
