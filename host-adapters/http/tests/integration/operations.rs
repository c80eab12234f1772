//! What every operation gives when all is well.

use crate::support::{Header, Service};
use serde_json::{Value, json};

fn all_at_once() -> Value {
    json!({"meta_table": "files"})
}

#[test]
fn a_batch_is_acquired_read_prolonged_and_completed() {
    let service = Service::new();
    let request = json!({"meta_table": "main.files", "max_count": 4, "job_identifier": "night",
        "lease_seconds": 60, "filter": {"column": "uid", "op": "!=", "value": 2}});
    let batch = service.post("/v1/jobs/lines/batches", &request);
    assert_eq!(batch.status, 201, "{batch:?}");
    for (field, expected) in [
        ("meta_table", json!("files")),
        ("job", json!("lines")),
        ("job_identifier", json!("night")),
        ("attempt", json!(1)),
        ("id_start", json!(1)),
        ("id_end", json!(5)),
        ("count", json!(4)),
        ("weight", json!(13.0)),
        ("oversized", json!(false)),
    ] {
        assert_eq!(batch.json[field], expected, "{field}");
    }
    let token = batch.json["claim_token"].as_str().unwrap();
    let path = format!("/v1/batches/{token}");
    assert_eq!(batch.header("location"), format!("{path}/items"));

    let found = service.get(&path);
    assert_eq!(found.json["batch"], batch.json);
    assert_eq!(found.json["lease"]["seconds"], 60);
    let left = found.json["lease"]["left"].as_u64().unwrap();
    assert!((1..=60).contains(&left), "{left}");

    let items = service.get(&format!("{path}/items"));
    assert_eq!(items.json["items"].as_array().unwrap().len(), 4);
    assert_eq!(
        items.json["items"][1],
        json!({"uid": 3, "item": "file-3", "weight": 3.0})
    );
    assert_eq!(items.json["next_after"], Value::Null);
    let page = service.get(&format!("{path}/items?limit=2"));
    assert_eq!(page.json["next_after"], 3);
    let page = service.get(&format!("{path}/items?limit=2&after=4"));
    assert_eq!(page.json["items"][0]["uid"], 5);

    let sign = service.post(&format!("{path}/heartbeat"), &json!({"lease_seconds": 90}));
    assert_eq!(sign.status, 204, "{sign:?}");
    let end = json!({"result_item": {"lines": [1, "ä"]}, "log": "done"});
    for _ in 0..2 {
        let ended = service.post(&format!("{path}/complete"), &end);
        assert_eq!((ended.status.as_u16(), ended.text.as_str()), (204, ""));
    }
    let attempts = service.get("/v1/batches?details=true");
    let attempt = &attempts.json["batches"][0];
    assert_eq!(attempt["status"], "succeeded");
    assert_eq!(attempt["result_item"], end["result_item"]);
    assert_eq!(attempt["log"], "done");
}

#[test]
fn an_end_may_say_nothing() {
    let service = Service::new();
    for (job, body) in [("a", None), ("b", Some("{}"))] {
        let token = service.claim(job, 1);
        let authorization = format!("Bearer {}", crate::support::TOKEN);
        let mut headers: Vec<Header<'_>> = vec![("authorization", authorization.as_bytes())];
        if body.is_some() {
            headers.push(("content-type", b"application/json; charset=utf-8"));
        }
        let answer = service.send(
            "POST",
            &format!("/v1/batches/{token}/fail"),
            &headers,
            &mut body.unwrap_or_default().as_bytes(),
        );
        assert_eq!(answer.status, 204, "{answer:?}");
    }
}

#[test]
fn nothing_is_handed_out_with_its_reason() {
    let service = Service::new();
    let empty = json!({"meta_table": "files", "filter": {"any": []}});
    let nothing = service.post("/v1/jobs/none/batches", &empty);
    assert_eq!(nothing.status, 200);
    assert_eq!(
        nothing.json,
        json!({"reason": "caught-up", "watermark": null, "scanned_to": 10, "held": null, "due_in_seconds": null})
    );
    let held =
        json!({"meta_table": "files", "hold": {"column": "kind", "op": "=", "value": "text"}});
    let nothing = service.post("/v1/jobs/held/batches", &held);
    assert_eq!(nothing.json["reason"], "held");
    assert_eq!(nothing.json["held"], 1);
}

#[test]
fn an_idempotency_key_gives_the_same_batches_again() {
    let service = Service::new();
    let request = json!({"meta_table": "files", "max_count": 1}).to_string();
    let key: &[Header<'_>] = &[("idempotency-key", "schlüssel/1".as_bytes())];
    let first = service.post_with("/v1/jobs/lines/batches", key, &request);
    let again = service.post_with("/v1/jobs/lines/batches", key, &request);
    assert_eq!(first.json, again.json);
    assert_eq!(first.json["claim_token"], "schlüssel/1");
    let items = service.get(first.header("location"));
    assert_eq!(items.json["items"][0]["uid"], 1);

    let key: &[Header<'_>] = &[("idempotency-key", b"several")];
    let several = service.post_with("/v1/jobs/lines/batches/many?batches=3", key, &request);
    assert_eq!(several.status, 201);
    assert_eq!(several.json["batches"][2]["claim_token"], "several/3");
}

#[test]
fn a_batch_is_ended_and_the_next_handed_out_with_its_items() {
    let service = Service::new();
    let request = json!({"meta_table": "files", "max_count": 4});
    let first = service.post(
        "/v1/jobs/lines/advance",
        &json!({"request": request, "items": 3}),
    );
    assert_eq!(first.status, 201);
    assert_eq!(first.json["batch"]["id_end"], 4);
    assert_eq!(first.json["items"].as_array().unwrap().len(), 3);
    let rest = service.get(&format!("{}?after=3", first.header("location")));
    assert_eq!(rest.json["items"][0]["uid"], 4);

    let token = first.json["batch"]["claim_token"].as_str().unwrap();
    let done = json!({"claim_token": token, "succeeded": true, "result_item": {"lines": 1.0}, "log": "fine"});
    let key: &[Header<'_>] = &[("idempotency-key", b"next")];
    let advance = json!({"done": done, "request": request}).to_string();
    let next = service.post_with("/v1/jobs/lines/advance", key, &advance);
    // Both may be asked for again; the items are then a request of their own.
    let again = service.post_with("/v1/jobs/lines/advance", key, &advance);
    assert_eq!(next.json["batch"], again.json["batch"]);
    assert_eq!(next.json["batch"]["id_start"], 5);
    assert_eq!(next.json["items"].as_array().unwrap().len(), 4);
    let attempts = service.get("/v1/batches?details=true").json;
    assert_eq!(attempts["batches"][1]["status"], "succeeded");
    assert_eq!(attempts["batches"][1]["log"], "fine");
    assert!(
        service
            .get("/v1/batches?details=true")
            .text
            .contains(r#"{"lines":1.0}"#)
    );

    // Without an end that gets through nothing is handed out.
    let otherwise = json!({"claim_token": token, "succeeded": false});
    let refused = service.post(
        "/v1/jobs/lines/advance",
        &json!({"done": otherwise, "request": request}),
    );
    assert_eq!(refused.problem(), (409, "superseded"));
    let nobodys = json!({"claim_token": "nobody's", "succeeded": true});
    let refused = service.post(
        "/v1/jobs/lines/advance",
        &json!({"done": nobodys, "request": request}),
    );
    assert_eq!(refused.problem(), (404, "no-such-batch"));
    // An end stands though the claim behind it is refused.
    let other = json!({"meta_table": "files", "columns": {"uid": "nothing"}});
    let done = json!({"claim_token": "next", "succeeded": true});
    let refused = service.post(
        "/v1/jobs/lines/advance",
        &json!({"done": done, "request": other}),
    );
    assert_eq!(refused.problem(), (409, "configuration-changed"));
    let last = service.post("/v1/jobs/lines/advance", &json!({"request": request}));
    assert_eq!(last.json["batch"]["count"], 2);
    let attempts = service.get("/v1/batches").json;
    let statuses: Vec<_> = (attempts["batches"].as_array().unwrap().iter())
        .map(|attempt| attempt["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["running", "succeeded", "succeeded"]);
    let done = json!({"claim_token": last.json["batch"]["claim_token"], "succeeded": true});
    let nothing = service.post(
        "/v1/jobs/lines/advance",
        &json!({"done": done, "request": request}),
    );
    assert_eq!(
        (nothing.status.as_u16(), &nothing.json["reason"]),
        (200, &json!("caught-up"))
    );
}

#[test]
fn several_batches_are_handed_out_while_there_are_some() {
    let service = Service::new();
    let request = json!({"meta_table": "files", "max_count": 6});
    let some = service.post("/v1/jobs/lines/batches/many?batches=5", &request);
    assert_eq!(some.status, 201);
    assert_eq!(some.json["batches"].as_array().unwrap().len(), 2);
    let none = service.post("/v1/jobs/lines/batches/many?batches=5", &request);
    assert_eq!(
        (none.status.as_u16(), &none.json),
        (200, &json!({"batches": []}))
    );
}

#[test]
fn jobs_are_looked_ahead_for_counted_and_listed() {
    let service = Service::new();
    service.claim("lines", 2);
    let request = json!({"meta_table": "files", "max_count": 3});
    let plan = service.post("/v1/jobs/lines/plan?batches=1&after=4", &request);
    assert_eq!(plan.json["batches"][0]["id_start"], 5);
    assert_eq!(plan.json["complete"], false);
    let plan = service.post("/v1/jobs/lines/plan", &request);
    assert_eq!(plan.json["batches"].as_array().unwrap().len(), 3);
    assert_eq!(plan.json["complete"], true);

    let left = service.post("/v1/jobs/lines/progress?cap=3", &all_at_once());
    assert_eq!(
        (&left.json["items"], &left.json["at_least"]),
        (&json!(3), &json!(true))
    );
    let left = service.post("/v1/jobs/lines/progress", &all_at_once());
    assert_eq!(
        (&left.json["items"], &left.json["watermark"]),
        (&json!(8), &json!(2))
    );

    let warnings = service.post("/v1/jobs/lines/warnings", &all_at_once());
    assert_eq!(warnings.json, json!({"warnings": []}));

    let jobs = service.get("/v1/jobs");
    assert_eq!(jobs.json["jobs"][0]["running"], 1);
    assert_eq!(jobs.json["jobs"][0]["request"]["max_count"], 2);
}

#[test]
fn what_has_changed_is_found_and_requeued() {
    let service = Service::new();
    let token = service.claim("lines", 5);
    service.post(&format!("/v1/batches/{token}/complete"), &json!({}));
    let audit = service.get("/v1/jobs/lines/audit?meta_table=files");
    assert_eq!(
        audit.json,
        json!({"ranges": 1, "audited_to": 5, "differences": []})
    );
    service.execute("DELETE FROM files WHERE uid = 3");
    let audit = service.get("/v1/jobs/lines/audit?meta_table=files&limit=1&after=-7");
    assert_eq!(audit.json["differences"][0]["count_now"], 4);
    let batch = &audit.json["differences"][0]["batch_id"];
    for (target, expected) in [
        (json!({"batch": batch}), 1),
        (json!({"ids": [{"id_start": 1, "id_end": 2}]}), 1),
        (json!({"ids": [{"id_start": 6, "id_end": 9}]}), 0),
        (json!("exhausted"), 0),
    ] {
        let target = json!({"meta_table": "files", "target": target});
        let answer = service.post("/v1/jobs/lines/requeue", &target);
        assert_eq!(answer.json, json!({"requeued": expected}), "{target}");
    }
}

#[test]
fn attempts_are_listed_by_pages_and_by_item() {
    let service = Service::new();
    for _ in 0..3 {
        service.claim("lines", 2);
    }
    service.claim("others", 2);
    let page = service.get("/v1/batches?job=lines&limit=2&meta_table=files&queue=running");
    assert_eq!(page.json["batches"][0]["id_start"], 5);
    assert_eq!(page.json["batches"][0].get("log"), None);
    assert_eq!(page.json["next_before"], 2);
    let page = service.get("/v1/batches?job=lines&limit=2&before=2");
    assert_eq!(page.json["batches"].as_array().unwrap().len(), 1);
    assert_eq!(page.json["next_before"], Value::Null);
    let of_item = service.get("/v1/batches?meta_table=files&uid=1");
    assert_eq!(of_item.json["batches"].as_array().unwrap().len(), 2);
    let same = service.get("/v1/tables/main.files/items/1/history");
    assert_eq!(same.json, of_item.json);
    let one = service.get("/v1/tables/files/items/1/history?job=others&limit=1&before=100");
    assert_eq!(one.json["batches"][0]["job"], "others");
}

#[test]
fn answers_end_by_their_bytes() {
    const BOUND: usize = 1_500_000;
    let service = Service::new();
    service.execute(
        "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 139) \
         INSERT INTO files SELECT i, hex(zeroblob(100000)), 1, 'text' FROM n",
    );
    let token = service.claim("lines", 1_000);
    let mut after = None;
    let mut uids = Vec::new();
    loop {
        let after_last = after.map_or(String::new(), |after: i64| format!("?after={after}"));
        let page = service.get(&format!("/v1/batches/{token}/items{after_last}"));
        assert!(page.text.len() < BOUND, "{}", page.text.len());
        let items = page.json["items"].as_array().unwrap();
        uids.extend(items.iter().map(|item| item["uid"].as_i64().unwrap()));
        after = page.json["next_after"].as_i64();
        if after.is_none() {
            break;
        }
    }
    assert_eq!(uids.len(), 10 + 40, "{uids:?}");
    assert!(uids.is_sorted_by(|uid, next| uid < next));

    let log = json!({"log": "x".repeat(600_000)});
    for _ in 0..3 {
        let token = service.claim("attempts", 1);
        service.post(&format!("/v1/batches/{token}/fail"), &log);
    }
    let path = "/v1/batches?job=attempts&details=true&limit=1000";
    let page = service.get(path);
    assert!(page.text.len() < BOUND, "{}", page.text.len());
    assert_eq!(page.json["batches"].as_array().unwrap().len(), 2);
    let before = page.json["next_before"].as_i64().unwrap();
    let page = service.get(&format!("{path}&before={before}"));
    assert_eq!(page.json["batches"].as_array().unwrap().len(), 1);
    assert_eq!(page.json["next_before"], Value::Null);
}

#[test]
fn the_service_tells_of_itself() {
    let service = Service::empty();
    for dialect in ["postgresql", "sqlite"] {
        let schema = service.get(&format!("/v1/schema/{dialect}"));
        let first = schema.json["statements"][0].as_str().unwrap();
        assert!(first.starts_with("CREATE TABLE"), "{first}");
    }
    // This host's inventory names no database, which MySQL's has to.
    let schema = service.get("/v1/schema/mysql");
    assert_eq!(schema.problem(), (400, "invalid-request"));
    let made = service.post("/v1/migrate", &json!({}));
    assert_eq!(made.json, json!({"created": true, "upgraded": false}));
    let again = service.send(
        "POST",
        "/v1/migrate",
        &[(
            "authorization",
            format!("Bearer {}", crate::support::TOKEN).as_bytes(),
        )],
        &mut &b""[..],
    );
    assert_eq!(again.json["created"], false);
    assert_eq!(service.get("/healthz").json, json!({"status": "ok"}));
    assert_eq!(service.get("/openapi.json").text, batchintory_http::OPENAPI);
}

#[test]
fn figures_are_in_prometheus_text_format() {
    let service = Service::new();
    let job = "say%20%22hi%22%5C%0A";
    service.claim(job, 2);
    let metrics = service.get("/metrics");
    assert!(
        metrics
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let labels = r#"{meta_table="files",job="say \"hi\"\\\n"}"#;
    let line = format!("\nbatchintory_watermark{labels} 2\n");
    assert!(metrics.text.contains(&line), "{}", metrics.text);
    assert!(metrics.text.contains("\nbatchintory_jobs_left_out 0\n"));
}

#[test]
fn many_jobs_come_in_answers_of_some_size() {
    const JOBS: usize = 20_000;
    const BOUND: usize = 1_500_000;
    let service = Service::new();
    service.claim("job-1", 1);
    service.execute(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS}) \
         INSERT INTO inventory (meta_table, job, processing_start, batch_id_start, batch_id_end, \
         batch_count, attempt, status, config, batch_id_after, claim_token, max_attempts, watermark, \
         ranges_through, items_through, weight_through) \
         SELECT meta_table, 'job-' || n.i, processing_start, 1, 1, 1, 1, 'succeeded', config, \
         batch_id_after, n.i, 3, watermark, 1, 1, 0 FROM n, inventory"
    ));
    let mut path = "/v1/jobs?limit=100".to_owned();
    let mut pages = 0;
    let mut names = std::collections::BTreeSet::new();
    loop {
        let page = service.get(&path);
        assert!(page.text.len() < BOUND, "{}", page.text.len());
        let jobs = page.json["jobs"].as_array().unwrap();
        names.extend(jobs.iter().map(|job| job["job"].to_string()));
        pages += 1;
        let next = &page.json["next_after"];
        let Some(job) = next["job"].as_str() else {
            break;
        };
        path = format!("/v1/jobs?limit=100&after_meta_table=files&after_job={job}");
    }
    assert_eq!((names.len(), pages), (JOBS, JOBS / 100 + 1));
    let found = service.get("/v1/jobs?search=b-1999&meta_table=files");
    assert_eq!(found.json["jobs"].as_array().unwrap().len(), 11);
    let found = service.get("/v1/jobs?job=job-1999&meta_table=files&limit=1");
    assert_eq!(found.json["jobs"][0]["job"], "job-1999");

    let metrics = service.get("/metrics").text;
    assert!(metrics.len() < BOUND, "{}", metrics.len());
    assert!(metrics.contains("\nbatchintory_jobs 1000\n"));
    assert!(metrics.contains("\nbatchintory_jobs_left_out 1\n"));
    let metrics = service.get("/metrics?search=b-1999&meta_table=files").text;
    assert!(metrics.contains("\nbatchintory_jobs 11\n"));
    assert!(metrics.contains("\nbatchintory_jobs_left_out 0\n"));
    let home = service.get("/").text;
    assert!(home.len() < BOUND && home.contains("Next page"));
}

#[test]
fn what_is_read_can_be_asked_for_without_its_body() {
    let service = Service::new();
    let authorization = format!("Bearer {}", crate::support::TOKEN);
    let headers: [Header<'_>; 1] = [("authorization", authorization.as_bytes())];
    for path in [
        "/v1/jobs",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/v1/batches",
    ] {
        let answer = service.send("HEAD", path, &headers, &mut &b""[..]);
        assert_eq!(
            (answer.status.as_u16(), answer.text.as_str()),
            (200, ""),
            "{path}"
        );
        assert_eq!(answer.header("content-length"), "", "{path}");
    }
}

#[test]
fn answers_are_not_kept_nor_guessed_at() {
    let service = Service::new();
    for path in ["/v1/jobs", "/v1/nothing", "/metrics"] {
        let answer = service.get(path);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let length: usize = answer.header("content-length").parse().unwrap();
        assert_eq!(length, answer.text.len(), "{path}");
    }
}
