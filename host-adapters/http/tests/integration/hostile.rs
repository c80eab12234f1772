//! Whatever is sent: a clear refusal, or what was asked for; never a failure of the service.

use crate::support::{Answer, Header, Service, TOKEN};
use batchintory_http::{Body, BodyError};
use serde_json::{Value, json};

const ACQUIRE: &str = "/v1/jobs/j/batches";

fn refused(answer: &Answer) {
    assert_eq!(answer.problem(), (400, "invalid-request"), "{answer:?}");
}

/// A body without an end, that counts how much of it was read.
struct Endless(usize);

impl Body for Endless {
    fn read(&mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        self.0 += limit;
        Err(BodyError::TooLarge)
    }
}

#[test]
fn nothing_is_read_before_it_is_known_who_sends_it_and_that_it_is_wanted() {
    let service = Service::new();
    let token = format!("Bearer {TOKEN}");
    let json: Header<'_> = ("content-type", b"application/json");
    let known: Header<'_> = ("authorization", token.as_bytes());
    let unwanted: [(&str, &str, &[Header<'_>], u16); 6] = [
        ("POST", ACQUIRE, &[json], 401),
        ("POST", ACQUIRE, &[known], 415),
        ("POST", "/v1/jobs/j/nothing", &[known, json], 404),
        ("PUT", ACQUIRE, &[known, json], 405),
        ("GET", "/v1/jobs", &[known, json], 200),
        ("POST", "/v1/jobs/j/plan?x=1", &[known, json], 400),
    ];
    for (method, path, headers, status) in unwanted {
        let mut body = Endless(0);
        let answer = service.send(method, path, headers, &mut body);
        assert_eq!(
            (answer.status.as_u16(), body.0),
            (status, 0),
            "{method} {path}"
        );
    }
    let mut body = Endless(0);
    let answer = service.send("POST", ACQUIRE, &[known, json], &mut body);
    assert_eq!((answer.status.as_u16(), body.0), (413, 256 * 1024));
    // What is said to be too long is not waited for.
    let long: Header<'_> = ("content-length", b"262145");
    let mut body = Endless(0);
    let answer = service.send("POST", ACQUIRE, &[known, json, long], &mut body);
    assert_eq!((answer.status.as_u16(), body.0), (413, 0));
}

#[test]
fn bodies_that_are_no_request() {
    let service = Service::new();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    for body in [
        "",
        "null",
        "[]",
        "\"files\"",
        "1",
        "[\"files\"]",
        "{",
        "{\"meta_table\": \"files\"} {}",
        "{\"meta_table\": \"files\", \"meta_table\": \"files\"}",
        "{\"meta_table\": \"files\", \"max_count\": 1, \"max_count\": 2}",
        "{\"meta_table\": 'files'}",
        "\u{feff}{\"meta_table\": \"files\"}",
        "{\"meta_table\": \"\\ud800\"}",
        "{\"meta_table\": \"fi\\u0000les\"}",
        "{\"meta_table\": \"files\", \"max_weight\": NaN}",
        "{\"meta_table\": \"files\", \"max_weight\": 1e999}",
        "{\"meta_table\": \"files\", \"max_weight\": -1}",
        "{\"meta_table\": \"files\", \"max_count\": 1.5}",
        "{\"meta_table\": \"files\", \"max_count\": -1}",
        "{\"meta_table\": \"files\", \"max_count\": 18446744073709551616}",
        "{\"meta_table\": \"files\", \"max_count\": 9223372036854775808}",
        "{\"meta_table\": \"files\", \"id_min\": -9223372036854775808}",
        "{\"meta_table\": \"files\", \"id_max\": 9223372036854775808}",
        "{\"meta_table\": \"files\", \"lease_seconds\": 4294967296}",
        "{\"meta_table\": \"files\", \"max_attempts\": 1001}",
        "{\"meta_table\": \"files\", \"columns\": []}",
        "{\"meta_table\": \"files\", \"columns\": {\"uid\": \"u\\u0000id\"}}",
        "{\"meta_table\": \"files\", \"columns\": {\"uid\": \"\"}}",
        &deep("[", "]"),
        &deep("{\"meta_table\":", "}"),
        &format!(
            "{{\"meta_table\": \"files\", \"filter\": {}",
            deep("{\"not\":", "}")
        ),
        &format!("{{\"meta_table\": \"{}\"}}", "x".repeat(100_000)),
    ] {
        refused(&service.post_with(ACQUIRE, &[], body));
    }
    for body in [
        "[60]",
        "{\"lease_seconds\": 60, \"lease_seconds\": 60}",
        "60",
    ] {
        refused(&service.post_with("/v1/batches/t/heartbeat", &[], body));
    }
    let token = service.claim("j", 1);
    for body in [
        "[]",
        "[1, \"log\"]",
        "null",
        "\"log\"",
        "{\"log\": \"\\u0000\"}",
        "{\"log\": 1}",
    ] {
        refused(&service.post_with(&format!("/v1/batches/{token}/complete"), &[], body));
    }
}

#[test]
fn results_are_bounded_and_kept_whatever_they_hold() {
    let service = Service::new();
    for (kept, result) in [
        (true, json!("\u{0}\u{7f}\u{10ffff}")),
        (true, json!({"\u{0}": i64::MIN, "": u64::MAX, "x": -1e308})),
        (true, json!([false, [], {}])),
        (false, json!("x".repeat(1024 * 1024))),
    ] {
        let token = service.claim("j", 1);
        let end = json!({"result_item": result});
        let answer = service.post(&format!("/v1/batches/{token}/complete"), &end);
        if kept {
            assert_eq!(answer.status, 204, "{answer:?}");
            let shown = service.get("/v1/batches?details=true&limit=1");
            assert_eq!(shown.json["batches"][0]["result_item"], result);
        } else {
            refused(&answer);
        }
    }
    // Beyond what the numbers and characters of a program can hold.
    for result in [
        "1e400",
        "[123456789012345678901234567890]",
        "3.14159265358979323846264338328",
        r#"{"a":"\ud800"}"#,
    ] {
        let path = format!("/v1/batches/{}/complete", service.claim("exact", 1));
        let end = format!("{{\"result_item\": {result}}}");
        assert_eq!(service.post_with(&path, &[], &end).status, 204);
        let shown = service.get("/v1/batches?details=true&limit=1").text;
        let kept = format!("\"result_item\":{result},");
        assert!(shown.contains(&kept), "{shown}");
    }
    let deep = |levels| {
        format!(
            "{{\"result_item\": {}{}}}",
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    let path = format!("/v1/batches/{}/complete", service.claim("deep", 1));
    refused(&service.post_with(&path, &[], &deep(65)));
    refused(&service.post_with(&path, &[], &deep(100_000)));
    assert_eq!(service.post_with(&path, &[], &deep(64)).status, 204);
    assert_eq!(service.get("/v1/batches?details=true&limit=1").status, 200);
}

#[test]
fn paths_that_play_tricks() {
    let service = Service::new();
    for path in [
        "/../v1/jobs",
        "/v1/../../etc/passwd",
        "/v1/jobs/../jobs",
        "/v1//jobs",
        "//v1/jobs",
        "/v1/jobs/",
        "/v1/jobs;x=1",
        "/v1%2fjobs",
        "/v1/jobs%00",
        "/V1/JOBS",
        "/v1/jobs/a/b/batches",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1\\jobs",
        "*",
        "http://elsewhere/v1/jobs",
    ] {
        assert_eq!(service.get(path).problem(), (404, "not-found"), "{path}");
    }
    for path in [
        "/v1/jobs/%ff/audit",
        "/v1/jobs/%c0%af/audit",
        "/v1/jobs/%ed%a0%80/audit",
        "/v1/batches/%ff/items",
        "/v1/tables/%80/items/1/history",
    ] {
        refused(&service.get(path));
    }
    // Names are names, whatever they look like.
    for job in [
        "..",
        "%2e%2e%2f",
        "%252f",
        "a%2fb",
        "%0d%0aset-cookie:x",
        "'%20OR%201=1--",
        "%F0%9F%90%98",
    ] {
        let answer = service.post(
            &format!("/v1/jobs/{job}/batches"),
            &json!({"meta_table": "files"}),
        );
        assert_eq!(answer.status, 201, "{job}: {answer:?}");
    }
    let jobs = service.get("/v1/jobs").json["jobs"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(jobs, 7);
    assert_eq!(service.get("/metrics").status, 200);
}

#[test]
fn names_that_no_database_can_hold() {
    let service = Service::new();
    let long = "x".repeat(256);
    for name in ["%00", "a%00b", long.as_str()] {
        let files = json!({"meta_table": "files"});
        let requeue = json!({"meta_table": "files", "target": "exhausted"});
        for operation in [
            "batches",
            "batches/many?batches=1",
            "plan",
            "progress",
            "warnings",
        ] {
            refused(&service.post(&format!("/v1/jobs/{name}/{operation}"), &files));
        }
        let advance = json!({"request": files});
        refused(&service.post(&format!("/v1/jobs/{name}/advance"), &advance));
        refused(&service.post(&format!("/v1/jobs/{name}/requeue"), &requeue));
        refused(&service.get(&format!("/v1/jobs/{name}/audit?meta_table=files")));
        refused(&service.get(&format!("/v1/jobs/j/audit?meta_table={name}")));
        refused(&service.get(&format!("/v1/batches?job={name}")));
        refused(&service.get(&format!("/v1/batches?meta_table={name}")));
        refused(&service.get(&format!("/v1/batches/{name}/items")));
        refused(&service.get(&format!("/v1/tables/{name}/items/1/history")));
        refused(&service.get(&format!("/v1/tables/files/items/1/history?job={name}")));
        for end in ["complete", "fail"] {
            refused(&service.post(&format!("/v1/batches/{name}/{end}"), &json!({})));
        }
    }
}

#[test]
fn queries_that_are_not_what_they_seem() {
    let service = Service::new();
    for query in [
        "limit=",
        "limit=-1",
        "limit=1.0",
        "limit=4294967296",
        "limit=%31%00",
        "limit=\u{661}",
        "before=9223372036854775808",
        "before=1e3",
        "details=1",
        "details=TRUE",
        "job=%ff",
        "%ff=1",
        "Limit=1",
        "limit=1&limit=1",
        "limit[]=1",
        "unknown=1",
        "job=a&job=b",
    ] {
        refused(&service.get(&format!("/v1/batches?{query}")));
    }
    for query in [
        "",
        "&",
        "&&limit=1&",
        "before=-9223372036854775808",
        "job=",
        "job=a%26limit=0",
    ] {
        let answer = service.get(&format!("/v1/batches?{query}"));
        assert!(
            [200, 400].contains(&answer.status.as_u16()),
            "{query}: {answer:?}"
        );
    }
}

#[test]
fn headers_that_do_not_belong() {
    let service = Service::new();
    let files = json!({"meta_table": "files", "max_count": 1}).to_string();
    let keys: [&[Header<'_>]; 4] = [
        &[("idempotency-key", b"")],
        &[("idempotency-key", b"\xff\xfe")],
        &[("idempotency-key", &[b'x'; 256])],
        &[("idempotency-key", b"a"), ("idempotency-key", b"b")],
    ];
    for key in keys {
        refused(&service.post_with(ACQUIRE, key, &files));
    }
    // What a token holds cannot leave its place in the answer's header.
    let answer = service.post_with(
        ACQUIRE,
        &[("idempotency-key", b"/../x?y#z%0d%0aa: b")],
        &files,
    );
    let location = answer.header("location").to_owned();
    assert_eq!(location.matches('/').count(), 4, "{location}");
    assert_eq!(service.get(&location).json["items"][0]["uid"], 1);
    let more: [&[Header<'_>]; 4] = [
        &[("content-length", b"0")],
        &[("transfer-encoding", b"chunked, chunked")],
        &[("x-http-method-override", b"DELETE")],
        &[("content-type", b"text/plain")],
    ];
    for header in more {
        let answer = service.post_with(ACQUIRE, header, &files);
        assert_eq!(answer.status, 201, "{header:?}: {answer:?}");
    }
}

#[test]
fn conditions_as_large_as_they_may_be() {
    let service = Service::new();
    let leaf = json!({"column": "item", "op": "=", "value": "x"});
    let nested = (1..32).fold(leaf.clone(), |inner, level| match level % 2 {
        0 => json!({ "not": inner }),
        _ => json!({"any": [inner, leaf]}),
    });
    let words: Vec<String> = (0..999).map(|number: u32| number.to_string()).collect();
    let pattern = "*".repeat(16_000);
    for filter in [
        json!({"any": vec![leaf.clone(); 999]}),
        json!({"all": vec![leaf; 999]}),
        json!({"column": "item", "op": "in", "value": words}),
        nested,
        json!({"column": "item", "op": "like", "value": pattern}),
        json!({"column": "item", "op": "=", "value": "x".repeat(60 * 1024)}),
    ] {
        for place in ["filter", "hold"] {
            let request = json!({"meta_table": "files", place: filter});
            for operation in ["plan", "progress", "warnings"] {
                let answer = service.post(&format!("/v1/jobs/{place}/{operation}"), &request);
                let shown = filter.to_string();
                let shown = &shown[..80];
                assert_eq!(answer.status, 200, "{place} {shown}: {}", answer.text);
            }
        }
    }
}

#[test]
fn as_many_ranges_as_may_be_requeued_at_once() {
    let service = Service::new();
    for _ in 0..3 {
        service.claim("j", 3);
    }
    let ranges = |count| vec![json!({"id_start": 1, "id_end": 4}); count];
    let requeue = |count| {
        let target = json!({"meta_table": "files", "target": {"ids": ranges(count)}});
        service.post("/v1/jobs/j/requeue", &target)
    };
    assert_eq!(requeue(1_000).json, json!({"requeued": 2}));
    refused(&requeue(1_001));
}

#[test]
fn what_is_refused_is_not_thrown_back_in_full() {
    let service = Service::new();
    let filter = json!({"column": "item", "op": "=", "value": ["x".repeat(60 * 1024)]});
    let answer = service.post(ACQUIRE, &json!({"meta_table": "files", "filter": filter}));
    refused(&answer);
    assert!(answer.text.len() < 4 * 1024, "{} bytes", answer.text.len());
}

#[test]
fn weights_beyond_all_numbers() {
    let service = Service::new();
    service.execute(
        "CREATE TABLE heavy (uid INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT, weight REAL)",
    );
    service.execute("INSERT INTO heavy VALUES (1, 'a', 1.7e308), (2, 'b', 1.7e308), (3, 'c', 1)");
    for limits in [
        json!({}),
        json!({"max_count": 2}),
        json!({"max_weight": 1.0}),
    ] {
        let mut request = limits;
        request["meta_table"] = Value::from("heavy");
        for operation in ["plan", "progress", "batches"] {
            let job = request["max_count"].to_string() + &request["max_weight"].to_string();
            let answer = service.post(&format!("/v1/jobs/{job}/{operation}"), &request);
            assert!(
                answer.status.as_u16() < 500,
                "{operation} {request}: {answer:?}"
            );
        }
    }
    assert_eq!(service.get("/v1/jobs").status, 200);
    assert_eq!(service.get("/v1/batches").status, 200);
}
