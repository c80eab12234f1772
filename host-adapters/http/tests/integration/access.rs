//! Who may do what: every operation, for every kind of caller; which tables may be named; under which
//! hosts the service is asked for.

use crate::support::{Answer, Header, Service, TOKEN};
use batchintory_http::Settings;
use serde_json::{Value, json};

const READ: &str = "a-token-that-reads";
const WORK: &str = "a-token-that-works";
const BOTH: &str = "a-token-that-does-both";

/// What callers need, in the words of docs/security.md.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Needs {
    Nothing,
    AnyToken,
    Inventory,
    Read,
    Work,
    Admin,
}

use Needs::{Admin, AnyToken, Inventory, Nothing, Read, Work};

/// Every operation, with a body where it takes one.
fn operations() -> Vec<(Needs, &'static str, &'static str, Value)> {
    let files = || json!({"meta_table": "files", "max_count": 1});
    let none = || Value::Null;
    vec![
        (Nothing, "GET", "/healthz", none()),
        (Nothing, "GET", "/dashboard/sign-in", none()),
        (Nothing, "GET", "/dashboard/style.css", none()),
        (Nothing, "GET", "/dashboard/refresh.js", none()),
        (AnyToken, "GET", "/openapi.json", none()),
        (AnyToken, "GET", "/v1/schema/sqlite", none()),
        (Inventory, "GET", "/metrics", none()),
        (Inventory, "GET", "/v1/jobs", none()),
        (Inventory, "GET", "/v1/batches", none()),
        (Inventory, "GET", "/v1/tables/files/items/1/history", none()),
        (Inventory, "GET", "/", none()),
        (
            Inventory,
            "GET",
            "/dashboard/job?meta_table=files&job=j",
            none(),
        ),
        (
            Inventory,
            "GET",
            "/dashboard/items?meta_table=files&uid=1",
            none(),
        ),
        (Read, "GET", "/v1/batches?details=true", none()),
        (Read, "POST", "/v1/jobs/j/plan", files()),
        (Read, "POST", "/v1/jobs/j/progress", files()),
        (Read, "POST", "/v1/jobs/j/warnings", files()),
        (Work, "POST", "/v1/jobs/j/batches", files()),
        (
            Work,
            "POST",
            "/v1/jobs/j/advance",
            json!({"request": files()}),
        ),
        (Work, "POST", "/v1/jobs/j/batches/many?batches=1", files()),
        (Work, "GET", "/v1/batches/t", none()),
        (Work, "GET", "/v1/batches/t/items", none()),
        (
            Work,
            "POST",
            "/v1/batches/t/heartbeat",
            json!({"lease_seconds": 60}),
        ),
        (Work, "POST", "/v1/batches/t/complete", json!({})),
        (Work, "POST", "/v1/batches/t/fail", json!({})),
        (Work, "POST", "/v1/batches/t/release", json!({})),
        (Admin, "GET", "/v1/batches?claim_tokens=true", none()),
        (Admin, "POST", "/v1/migrate", none()),
        (Admin, "GET", "/v1/jobs/j/audit?meta_table=files", none()),
        (
            Admin,
            "POST",
            "/v1/jobs/j/requeue",
            json!({"meta_table": "files", "target": "exhausted"}),
        ),
    ]
}

fn ask(service: &Service, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers: Vec<Header<'_>> = vec![("content-type", b"application/json")];
    if let Some(authorization) = &authorization {
        headers.push(("authorization", authorization.as_bytes()));
    }
    let body = body.to_string();
    service.send(method, path, &headers, &mut body.as_bytes())
}

fn with_roles() -> Service {
    let mut service = Service::new();
    service.settings = Ok(Settings {
        api_tokens: Some(format!(
            "read prometheus {READ}\nwork ci {WORK}\nread,work both {BOTH}"
        )),
        ..service.settings.unwrap()
    });
    service.claim("j", 1);
    service
}

#[test]
fn every_operation_is_for_those_who_may_and_for_nobody_else() {
    let mut service = with_roles();
    for public in [false, true] {
        if let Ok(settings) = &mut service.settings {
            settings.public_reads = Some(public.to_string());
        }
        for (needs, method, path, body) in operations() {
            let callers = [
                (
                    None,
                    needs == Nothing || public && matches!(needs, AnyToken | Inventory),
                    401,
                ),
                (Some("no-token-of-the-service"), needs == Nothing, 401),
                (Some(READ), !matches!(needs, Work | Admin), 403),
                (
                    Some(WORK),
                    matches!(needs, Nothing | AnyToken | Work) || public && needs == Inventory,
                    403,
                ),
                (Some(BOTH), needs != Admin, 403),
                (Some(TOKEN), true, 0),
            ];
            for (token, may, refusal) in callers {
                let status = ask(&service, method, path, token, &body).status.as_u16();
                let about = format!("{method} {path} {token:?} public: {public}: {status}");
                match may {
                    true => assert!(!matches!(status, 401 | 403), "{about}"),
                    false => assert_eq!(status, refusal, "{about}"),
                }
            }
        }
    }
}

#[test]
fn whoever_may_not_is_told_which_role_it_takes() {
    let service = with_roles();
    let answer = ask(&service, "POST", "/v1/migrate", Some(WORK), &Value::Null);
    let detail = answer.json["detail"].as_str().unwrap();
    assert!(
        detail.contains("\"ci\"") && detail.contains("role admin, and has work"),
        "{detail}"
    );
    assert!(!detail.contains(WORK));
}

#[test]
fn no_value_of_another_table_leaks_to_whoever_has_no_token() {
    let mut service = with_roles();
    if let Ok(settings) = &mut service.settings {
        settings.public_reads = Some("true".into());
    }
    service.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, password_hash TEXT)");
    service.execute("INSERT INTO users VALUES (1, 'me', 'hash-of-a-password')");
    let request = json!({
        "meta_table": "users",
        "columns": {"uid": "id", "item": "name", "weight": "password_hash"},
    });
    for operation in ["plan", "progress", "warnings", "batches"] {
        let path = format!("/v1/jobs/j/{operation}");
        let answer = ask(&service, "POST", &path, None, &request);
        assert_eq!(answer.status, 401, "{path}");
        assert!(!answer.text.contains("hash-of"), "{path}");
    }
}

#[test]
fn only_listed_tables_can_be_named_wherever_one_is_named() {
    let mut service = Service::new();
    service.execute("CREATE TABLE salaries (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)");
    service.execute("INSERT INTO salaries VALUES (1, 'me', 4711)");
    let secret = json!({"meta_table": "salaries", "max_count": 1});
    service.claim("j", 1);
    assert_eq!(service.post("/v1/jobs/s/batches", &secret).status, 201);
    if let Ok(settings) = &mut service.settings {
        settings.allowed_tables = Some("file*".into());
    }
    for name in [
        "salaries",
        "main.salaries",
        "SALARIES",
        "\"salaries\"",
        "sqlite_master",
    ] {
        let request = json!({"meta_table": name, "max_count": 1});
        let requeue = json!({"meta_table": name, "target": "exhausted"});
        let path = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        let refused = [
            service.post("/v1/jobs/s/batches", &request),
            service.post("/v1/jobs/s/advance", &json!({"request": request})),
            service.post("/v1/jobs/s/batches/many?batches=2", &request),
            service.post("/v1/jobs/s/plan", &request),
            service.post("/v1/jobs/s/progress", &request),
            service.post("/v1/jobs/s/warnings", &request),
            service.post("/v1/jobs/s/requeue", &requeue),
            service.get(&format!("/v1/jobs/s/audit?meta_table={path}")),
            service.get(&format!("/v1/batches?meta_table={path}")),
            service.get(&format!("/v1/tables/{path}/items/1/history")),
            service.get(&format!("/dashboard/items?meta_table={path}&uid=1")),
            service.send(
                "POST",
                "/dashboard/requeue",
                &[
                    ("authorization", format!("Bearer {TOKEN}").as_bytes()),
                    ("content-type", b"application/x-www-form-urlencoded"),
                    ("sec-fetch-site", b"same-origin"),
                ],
                &mut format!("meta_table={path}&job=s").as_bytes(),
            ),
        ];
        for (index, answer) in refused.into_iter().enumerate() {
            assert_eq!(answer.status, 403, "{name} {index}: {}", answer.text);
        }
    }
    let jobs = service.get("/v1/jobs");
    assert_eq!(
        jobs.json["jobs"].as_array().unwrap().len(),
        1,
        "{}",
        jobs.text
    );
    assert!(!service.get("/metrics").text.contains("salaries"));
    assert!(!service.get("/").text.contains("salaries"));
    let job = service.get("/dashboard/job?meta_table=salaries&job=s");
    assert_eq!(job.status, 404);
    // What is listed goes on, and so do jobs on its results, whose table is the inventory.
    for name in ["files", "FILES", "main.files"] {
        let request = json!({"meta_table": name, "max_count": 1});
        assert_eq!(
            service.post("/v1/jobs/j/batches", &request).status,
            201,
            "{name}"
        );
    }
    let down = json!({"meta_table": "files", "source_job": "j"});
    assert_eq!(service.post("/v1/jobs/down/plan", &down).status, 200);
    assert_eq!(service.get("/v1/batches?meta_table=inventory").status, 200);
    let inventory =
        json!({"meta_table": "inventory", "columns": {"uid": "id", "item": "claim_token"}});
    assert_eq!(service.post("/v1/jobs/x/plan", &inventory).status, 403);
}

#[test]
fn a_site_that_leads_its_name_here_is_not_served() {
    let mut service = Service::new();
    let serves = |service: &Service, path: &str| {
        let answer = ask(service, "GET", path, Some(TOKEN), &Value::Null);
        match answer.status.as_u16() {
            200 => true,
            421 => false,
            status => panic!("{path}: {status}"),
        }
    };
    if let Ok(settings) = &mut service.settings {
        settings.loopback = true;
    }
    for (authority, expected) in [
        (Some("localhost:8080"), true),
        (Some("127.0.0.1"), true),
        (Some("[::1]:8080"), true),
        (Some("evil.example:8080"), false),
        (None, false),
    ] {
        service.authority = authority;
        for path in ["/v1/jobs", "/", "/openapi.json", "/dashboard/sign-in"] {
            assert_eq!(serves(&service, path), expected, "{authority:?} {path}");
        }
        assert!(serves(&service, "/healthz"), "{authority:?}");
    }
    if let Ok(settings) = &mut service.settings {
        settings.loopback = false;
        settings.public_url = Some("https://batches.example".into());
    }
    service.authority = Some("Batches.example");
    assert!(serves(&service, "/v1/jobs"));
    service.authority = Some("evil.example");
    assert!(!serves(&service, "/v1/jobs"));
}

#[test]
fn a_list_of_tokens_that_is_none_stops_everything_and_tells_no_token() {
    let mut service = Service::new();
    for (settings, told) in [
        (
            Settings {
                api_tokens: Some(format!("boss me {READ}")),
                ..Settings::default()
            },
            "api-tokens, line 1",
        ),
        (
            Settings {
                api_token: Some("short".into()),
                ..Settings::default()
            },
            "api-token",
        ),
        (
            Settings {
                allowed_tables: Some("a.b.c".into()),
                ..Settings::default()
            },
            "allowed-tables",
        ),
        (
            Settings {
                public_url: Some("nowhere".into()),
                ..Settings::default()
            },
            "public-url",
        ),
        (
            Settings {
                public_reads: Some("maybe".into()),
                ..Settings::default()
            },
            "public-reads",
        ),
    ] {
        service.settings = Ok(settings);
        let answer = service.get("/v1/jobs");
        assert_eq!(answer.problem(), (503, "misconfigured"));
        assert!(answer.text.contains(told), "{}", answer.text);
        assert!(!answer.text.contains(READ) && !answer.text.contains("short\""));
    }
}
