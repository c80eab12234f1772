//! Every error, by the name that a program branches on.

use crate::support::{Answer, Header, Service, TOKEN};
use batchintory_http::{Body, BodyError, Settings};
use serde_json::{Value, json};

fn files() -> Value {
    json!({"meta_table": "files"})
}

#[test]
fn requests_that_are_not_allowed() {
    let service = Service::new();
    let post = |path: &str, body: Value| service.post(path, &body);
    let refused = [
        post("/v1/jobs/j/batches", json!({})),
        post(
            "/v1/jobs/j/batches",
            json!({"meta_table": "files", "job": "j"}),
        ),
        post(
            "/v1/jobs/j/batches",
            json!({"meta_table": "files", "max_count": 0}),
        ),
        post(
            "/v1/jobs/j/batches",
            json!({"meta_table": "files", "maxcount": 1}),
        ),
        post(
            "/v1/jobs/j/batches",
            json!({"meta_table": "files", "filter": {"sql": "1"}}),
        ),
        post("/v1/jobs/j/batches?batches=2", files()),
        post("/v1/jobs//batches", files()),
        post("/v1/jobs/j/advance", files()),
        post("/v1/jobs/j/advance?items=1", json!({"request": files()})),
        post(
            "/v1/jobs/j/advance",
            json!({"request": files(), "items": 10_001}),
        ),
        post("/v1/jobs/j/advance", json!({"request": [], "items": 1})),
        post(
            "/v1/jobs/j/advance",
            json!({"request": {"meta_table": "files", "job": "j"}}),
        ),
        post(
            "/v1/jobs/j/advance",
            json!({"request": files(), "done": {"claim_token": "t"}}),
        ),
        post(
            "/v1/jobs/j/advance",
            json!({"request": files(), "done": ["t", true, null, null]}),
        ),
        post("/v1/jobs/j/batches/many", files()),
        post("/v1/jobs/j/batches/many?batches=0", files()),
        post("/v1/jobs/j/batches/many?batches=1001", files()),
        post("/v1/jobs/j/plan?batches=1001", files()),
        post("/v1/jobs/j/plan?after=x", files()),
        post("/v1/jobs/j/progress?cap=0", files()),
        post("/v1/jobs/j/warnings?x=1", files()),
        post("/v1/jobs/j/requeue", json!({"meta_table": "files"})),
        post(
            "/v1/jobs/j/requeue",
            json!({"meta_table": "files", "target": "all"}),
        ),
        post(
            "/v1/jobs/j/requeue",
            json!({"meta_table": "files", "target": {"ids": []}}),
        ),
        post(
            "/v1/jobs/j/requeue",
            json!({"meta_table": "files", "target": {"ids": [{"id_start": 1, "id_end": 2, "x": 3}]}}),
        ),
        post("/v1/batches/t/heartbeat", json!({"lease_seconds": 0})),
        post("/v1/batches/t/heartbeat", json!({})),
        post("/v1/batches/t/complete", json!({"succeeded": false})),
        post("/v1/migrate?x=1", json!({})),
        service.get("/v1/jobs?jobs=j"),
        service.get("/v1/jobs?limit=101"),
        service.get("/v1/jobs?after_job=j"),
        service.get("/v1/jobs?search=%00"),
        service.get("/metrics?limit=1001"),
        service.get("/metrics?after_meta_table=files"),
        service.get("/v1/jobs/j/audit"),
        service.get("/v1/jobs/j/audit?meta_table=files&limit=0"),
        service.get("/v1/batches?limit=1001"),
        service.get("/v1/batches?limit=1001&details=true"),
        service.get("/v1/batches?uid=1"),
        service.get("/v1/batches?queue=waiting"),
        service.get("/v1/batches?limit=1&limit=2"),
        service.get("/v1/batches/t?limit=1"),
        service.get("/v1/batches/t/items?limit=10001"),
        service.get("/v1/tables/files/items/one/history"),
        service.get("/v1/tables/a.b.c/items/1/history"),
        service.get("/v1/schema/oracle"),
    ];
    for answer in refused {
        assert_eq!(answer.problem(), (400, "invalid-request"), "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json["type"], "urn:batchintory:invalid-request");
    }
}

#[test]
fn what_does_not_exist() {
    let service = Service::new();
    let no_table = json!({"meta_table": "nothing"});
    let no_column = json!({"meta_table": "files", "columns": {"uid": "nothing"}});
    for operation in ["batches", "batches/many?batches=2", "plan", "progress"] {
        let path = format!("/v1/jobs/j/{operation}");
        assert_eq!(
            service.post(&path, &no_table).problem(),
            (404, "no-such-table")
        );
        assert_eq!(
            service.post(&path, &no_column).problem(),
            (422, "no-such-column")
        );
    }
    for answer in [
        service.get("/v1/batches/t"),
        service.get("/v1/batches/t/items"),
        service.post("/v1/batches/t/heartbeat", &json!({"lease_seconds": 1})),
        service.post("/v1/batches/t/complete", &json!({})),
        service.post("/v1/batches/t/fail", &json!({})),
        service.post("/v1/batches/t/release", &json!({})),
    ] {
        assert_eq!(answer.problem(), (404, "no-such-batch"), "{answer:?}");
    }
    for path in [
        "/v1",
        "/v1/",
        "/v2/jobs",
        "/v1/jobs/j",
        "/v1/jobs/j/",
        "/metrics/",
    ] {
        assert_eq!(service.get(path).problem(), (404, "not-found"), "{path}");
    }
}

#[test]
fn without_its_table_the_inventory_says_how_to_make_it() {
    let service = Service::empty();
    for answer in [
        service.get("/v1/jobs"),
        service.get("/v1/batches"),
        service.get("/v1/batches/t/items"),
        service.post("/v1/jobs/j/batches", &files()),
        service.post(
            "/v1/jobs/j/requeue",
            &json!({"meta_table": "files", "target": "exhausted"}),
        ),
    ] {
        assert_eq!(answer.problem(), (404, "no-such-table"), "{answer:?}");
        assert!(answer.text.contains("migrate"));
    }
}

#[test]
fn probes_scrapers_and_people_come_before_the_inventory_is_made() {
    let mut service = Service::empty();
    if let Ok(settings) = &mut service.settings {
        settings.public_reads = Some("true".into());
    }
    for has_token in [false, true] {
        let ask = |path: &str| match has_token {
            true => service.get(path),
            false => service.send("GET", path, &[], &mut &b""[..]),
        };
        let health = ask("/healthz");
        assert_eq!(health.status, 200, "{health:?}");
        assert_eq!(health.json, json!({"status": "not-migrated"}));
        let metrics = ask("/metrics");
        assert_eq!(metrics.status, 200, "{metrics:?}");
        assert!(metrics.text.contains("\nbatchintory_not_migrated 1\n"));
        assert!(metrics.text.contains("\nbatchintory_jobs 0\n"));
        let home = ask("/");
        assert_eq!(home.status, 200, "{home:?}");
        assert!(home.text.contains("batchintory migrate"), "{}", home.text);
    }
    service.post("/v1/migrate", &json!({}));
    assert_eq!(service.get("/healthz").json, json!({"status": "ok"}));
    let metrics = service.get("/metrics").text;
    assert!(metrics.contains("\nbatchintory_not_migrated 0\n"));
    assert!(!service.get("/").text.contains("batchintory migrate"));
}

#[test]
fn other_methods_are_told_which_one_there_is() {
    let service = Service::new();
    let ask = |method, path| service.send(method, path, &[], &mut &b""[..]);
    for method in [
        "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "post",
    ] {
        let answer = ask(method, "/v1/jobs/j/batches");
        assert_eq!(
            (answer.status.as_u16(), answer.header("allow")),
            (405, "POST")
        );
    }
    for method in ["POST", "PUT", "DELETE", "CONNECT"] {
        let answer = ask(method, "/v1/jobs");
        assert_eq!(
            (answer.status.as_u16(), answer.header("allow")),
            (405, "GET, HEAD")
        );
    }
}

#[test]
fn a_batch_that_has_another_end_or_another_owner() {
    let service = Service::new();
    let token = service.claim("j", 1);
    service.post(&format!("/v1/batches/{token}/complete"), &json!({}));
    for (operation, body) in [
        ("fail", json!({})),
        ("heartbeat", json!({"lease_seconds": 1})),
    ] {
        let answer = service.post(&format!("/v1/batches/{token}/{operation}"), &body);
        assert_eq!(answer.problem(), (409, "superseded"), "{answer:?}");
    }
}

#[test]
fn a_job_with_another_configuration() {
    let service = Service::new();
    service.claim("j", 1);
    let other = json!({"meta_table": "files", "filter": {"column": "uid", "op": ">", "value": 0}});
    for operation in ["batches", "batches/many?batches=2"] {
        let answer = service.post(&format!("/v1/jobs/j/{operation}"), &other);
        assert_eq!(
            answer.problem(),
            (409, "configuration-changed"),
            "{answer:?}"
        );
    }
}

#[test]
fn a_database_that_refuses() {
    let service = Service::new();
    service.claim("j", 1);
    service.execute(
        "CREATE TRIGGER full BEFORE INSERT ON inventory BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    let answer = service.post("/v1/jobs/j/batches", &files());
    assert_eq!(answer.problem(), (502, "database"), "{answer:?}");
    // What another program wrote does not keep the others from being listed.
    service.execute("UPDATE inventory SET job_result_item = 'no json'");
    let answer = service.get("/v1/batches?details=true");
    assert_eq!(answer.json["batches"][0]["result_item"], "no json");
}

#[test]
fn only_whoever_has_the_token_is_served() {
    let service = Service::new();
    let ask = |method, path: &str, headers: &[Header<'_>]| {
        service.send(method, path, headers, &mut &b"not even read"[..])
    };
    let paths = [
        ("GET", "/v1/jobs"),
        ("GET", "/metrics"),
        ("GET", "/v1/batches/t/items"),
        ("POST", "/v1/jobs/j/plan"),
        ("POST", "/v1/jobs/j/batches"),
        ("POST", "/v1/batches/t/complete"),
        ("POST", "/v1/migrate"),
    ];
    let wrong: [&[u8]; 6] = [
        b"Bearer wrong",
        b"Bearer",
        b"Basic",
        b"Basic !!!",
        b"Bearer \xff\xfe",
        b"\xff",
    ];
    for (method, path) in paths {
        let mut answers = vec![ask(method, path, &[])];
        for header in wrong {
            answers.push(ask(method, path, &[("authorization", header)]));
        }
        for answer in answers {
            assert_eq!(answer.problem(), (401, "unauthorized"), "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            assert!(!answer.text.contains(TOKEN));
        }
    }
    assert_eq!(ask("GET", "/healthz", &[]).status, 200);
}

#[test]
fn settings_decide_what_is_open() {
    let mut service = Service::new();
    service.settings = Ok(Settings::default());
    let ask = |service: &Service, method, path| service.send(method, path, &[], &mut &b""[..]);
    for (method, path) in [("GET", "/v1/jobs"), ("POST", "/v1/migrate")] {
        let answer = ask(&service, method, path);
        assert_eq!(answer.problem(), (403, "forbidden"), "{path}");
    }
    service.settings = Err("the variable api_token is missing".into());
    let answer = ask(&service, "GET", "/v1/jobs");
    assert_eq!(answer.problem(), (503, "misconfigured"));
    assert_eq!(answer.header("retry-after"), "1");
}

/// A body that cannot be read.
struct Unreadable(BodyError);

impl Body for Unreadable {
    fn read(&mut self, _limit: usize) -> Result<Vec<u8>, BodyError> {
        Err(self.0)
    }
}

fn post_body(service: &Service, path: &str, body: &mut dyn Body) -> Answer {
    let token = format!("Bearer {TOKEN}");
    let headers: [Header<'_>; 2] = [
        ("authorization", token.as_bytes()),
        ("content-type", b"application/json"),
    ];
    service.send("POST", path, &headers, body)
}

#[test]
fn bodies_that_do_not_come() {
    let service = Service::new();
    for path in [
        "/v1/jobs/j/batches",
        "/v1/jobs/j/advance",
        "/v1/jobs/j/batches/many?batches=1",
        "/v1/jobs/j/plan",
        "/v1/jobs/j/progress",
        "/v1/jobs/j/warnings",
        "/v1/jobs/j/requeue",
        "/v1/batches/t/heartbeat",
        "/v1/batches/t/complete",
        "/v1/batches/t/fail",
        "/v1/batches/t/release",
    ] {
        for (error, problem) in [
            (BodyError::TooSlow, (408, "too-slow")),
            (BodyError::Broken, (400, "invalid-request")),
            (BodyError::TooLarge, (413, "too-large")),
        ] {
            let answer = post_body(&service, path, &mut Unreadable(error));
            assert_eq!(answer.problem(), problem, "{path}");
        }
    }
}

#[test]
fn limits_of_bodies_hold_at_their_edges() {
    let service = Service::new();
    let token = service.claim("j", 1);
    for (path, limit, problem) in [
        (
            "/v1/jobs/j/batches".to_owned(),
            256 * 1024,
            (400, "invalid-request"),
        ),
        (
            format!("/v1/batches/{token}/complete"),
            4 * 1024 * 1024,
            (400, "invalid-request"),
        ),
    ] {
        let longest = " ".repeat(limit);
        let answer = post_body(&service, &path, &mut longest.as_bytes());
        assert_eq!(answer.problem(), problem, "{path}");
        let longer = " ".repeat(limit + 1);
        let answer = post_body(&service, &path, &mut longer.as_bytes());
        assert_eq!(answer.problem(), (413, "too-large"), "{path}");
    }
    // Both at their largest, each character of which JSON writes as two.
    let text = "\n".repeat(1024 * 1024);
    let result = "x".repeat(1024 * 1024 - 2);
    let end = json!({"log": text, "result_item": result});
    let answer = service.post(&format!("/v1/batches/{token}/complete"), &end);
    assert_eq!(answer.status, 204, "{}", answer.text);
    let shown = service.get("/v1/batches?details=true&limit=1");
    assert_eq!(shown.json["batches"][0]["log"], text);
}

#[test]
fn bodies_of_another_kind() {
    let service = Service::new();
    let token = format!("Bearer {TOKEN}");
    for media_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "\u{e4}",
    ] {
        for path in [
            "/v1/jobs/j/batches",
            "/v1/jobs/j/requeue",
            "/v1/batches/t/complete",
        ] {
            let mut headers: Vec<Header<'_>> = vec![("authorization", token.as_bytes())];
            if !media_type.is_empty() {
                headers.push(("content-type", media_type.as_bytes()));
            }
            let answer = service.send(
                "POST",
                path,
                &headers,
                &mut &b"{\"meta_table\": \"files\"}"[..],
            );
            assert_eq!(answer.problem(), (415, "unsupported-media-type"), "{path}");
        }
    }
}
