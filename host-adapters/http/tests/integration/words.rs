//! What is told to whom: the database's own words, and what stands in logs.

use crate::support::{Answer, Header, Service, TOKEN};
use serde_json::json;

/// Asks without a token.
fn look(service: &Service, path: &str) -> Answer {
    service.send("GET", path, &[], &mut &b""[..])
}

/// A service whose inventory cannot be read any more, for a reason that only the database's words tell.
fn broken() -> Service {
    let mut service = Service::new();
    service.claim("j", 1);
    if let Ok(settings) = &mut service.settings {
        settings.public_reads = Some("true".into());
    }
    service.execute("ALTER TABLE inventory RENAME COLUMN logging TO hidden_column");
    service.execute("ALTER TABLE inventory RENAME COLUMN job TO hidden_job");
    service
}

#[test]
fn the_databases_words_are_for_the_log_and_for_those_with_a_token() {
    let service = broken();
    for path in ["/v1/jobs", "/v1/batches", "/metrics", "/", "/healthz"] {
        service.told.trouble.borrow_mut().clear();
        let stranger = look(&service, path);
        assert!(stranger.status.as_u16() >= 400, "{path}: {}", stranger.text);
        assert!(
            !stranger.text.contains("no such column: "),
            "{path}: {}",
            stranger.text
        );
        assert!(
            stranger.text.contains("log says more"),
            "{path}: {}",
            stranger.text
        );
        let log = service.told.trouble.borrow().join("\n");
        assert!(log.contains("no such column: "), "{path}: {log}");
        if path != "/healthz" {
            let known = service.get(path);
            assert!(
                known.text.contains("no such column: "),
                "{path}: {}",
                known.text
            );
        }
    }
}

#[test]
fn what_an_error_is_about_is_for_those_with_a_token() {
    let service = broken();
    let facts = [r#""table":"inventory""#, r#""database":"inventory""#];
    let stranger = look(&service, "/v1/jobs").text;
    let known = service.get("/v1/jobs").text;
    for fact in facts {
        assert!(known.contains(fact), "{known}");
        assert!(!stranger.contains(fact), "{stranger}");
    }
}

#[test]
fn pages_for_everybody_hold_no_words_of_the_database_about_a_meta_table() {
    let mut service = Service::new();
    service.claim("j", 1);
    if let Ok(settings) = &mut service.settings {
        settings.public_reads = Some("true".into());
    }
    service.execute("ALTER TABLE files RENAME TO other_files");
    for path in ["/", "/dashboard/job?meta_table=files&job=j"] {
        let page = look(&service, path);
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(
            page.text.contains("What is left is not known"),
            "{}",
            page.text
        );
        assert!(!page.text.contains("no such table: "), "{}", page.text);
        assert!(service.get(path).text.contains("no such table: "));
    }
}

#[test]
fn logs_tell_who_did_what_and_hold_no_secret() {
    let service = Service::new();
    let claim_token = "a-claim-token-of-the-caller";
    let key: Header<'_> = ("idempotency-key", claim_token.as_bytes());
    let files = json!({"meta_table": "files", "max_count": 1});
    let claimed = service.post_with("/v1/jobs/a%22b/batches", &[key], &files.to_string());
    assert_eq!(claimed.status, 201);
    service.post(&format!("/v1/batches/{claim_token}/complete"), &json!({}));
    service.get("/v1/jobs/a%22b/audit?meta_table=files");
    service.send(
        "POST",
        "/v1/migrate",
        &[("authorization", b"Bearer wrong")],
        &mut &b""[..],
    );
    look(&service, "/v1/jobs");
    look(&service, "/healthz");
    // The database's words may quote a value.
    service.execute(
        "CREATE TRIGGER loud BEFORE INSERT ON inventory BEGIN SELECT RAISE(ABORT, 'it was another-claim-token\ncaller=forged'); END",
    );
    let key: Header<'_> = ("idempotency-key", b"another-claim-token");
    let failed = service.post_with("/v1/jobs/k/batches", &[key], &files.to_string());
    assert_eq!(failed.problem(), (502, "database"));
    let key: Header<'_> = ("idempotency-key", b"another-claim-token");
    let advance = json!({"request": files}).to_string();
    let failed = service.post_with("/v1/jobs/k/advance", &[key], &advance);
    assert_eq!(failed.problem(), (502, "database"));
    let audit = service.told.audit.borrow();
    assert_eq!(
        *audit,
        [
            r#"caller=api-token operation=acquire job="a\"b" meta_table="files" status=201"#,
            "caller=api-token operation=complete status=204",
            r#"caller=api-token operation=audit job="a\"b" meta_table="files" status=200"#,
            "caller=- operation=migrate status=401 error=unauthorized",
            "caller=- operation=jobs status=401 error=unauthorized",
            r#"caller=api-token operation=acquire job="k" meta_table="files" status=502 error=database"#,
            r#"caller=api-token operation=advance job="k" meta_table="files" status=502 error=database"#,
        ]
    );
    let trouble = service.told.trouble.borrow();
    let quoting = trouble.iter().filter(|line| line.contains("it was …"));
    assert_eq!(quoting.count(), 2, "{trouble:?}");
    for line in audit.iter().chain(trouble.iter()) {
        for secret in [claim_token, "another-claim-token", TOKEN] {
            assert!(!line.contains(secret), "{line}");
        }
    }
    assert_eq!(service.told.wrong_tokens.get(), 1);
}
