//! Who is let in by `batchintory serve`, under which names, and what its log holds of it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use crate::workplace::service::{Service, TOKEN};
use crate::workplace::{Workplace, fails};

const READ: &str = "a-token-that-reads";
const WORK: &str = "a-token-that-works";

const CLAIM: &str = r#"{"meta_table": "files", "max_count": 1}"#;

/// Sends a request with this token, and gives the status and all that is answered.
fn ask(
    service: &Service,
    line: &str,
    host: &str,
    token: Option<&str>,
    more: &str,
) -> (u16, String) {
    let address = service.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(120)))
        .unwrap();
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    let head = format!(
        "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n{}{more}",
        authorization.unwrap_or_default()
    );
    let head = match more.contains("\r\n\r\n") {
        true => head,
        false => head + "\r\n",
    };
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

fn get(service: &Service, path: &str, token: Option<&str>) -> u16 {
    ask(service, &format!("GET {path}"), "localhost", token, "").0
}

fn post(service: &Service, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
    let body = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    ask(service, &format!("POST {path}"), "localhost", token, &body)
}

#[test]
fn without_a_token_a_service_on_this_machine_makes_one() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, "", &[]);
    let token = service.made_token.clone().unwrap();
    assert_eq!(token.len(), 32);
    assert_eq!(get(&service, "/healthz", None), 200);
    for path in ["/", "/v1/jobs", "/metrics", "/openapi.json"] {
        assert_eq!(get(&service, path, None), 401, "{path}");
        assert_eq!(get(&service, path, Some(&token)), 200, "{path}");
    }
    let (status, answer) = ask(
        &service,
        &format!("GET /?token={token}"),
        "localhost",
        None,
        "",
    );
    assert_eq!(status, 303);
    assert!(answer.contains("HttpOnly; SameSite=Strict"), "{answer}");
    let log = service.end(&workplace);
    assert!(!log.contains(&token), "{log}");
    let again = Service::start(&workplace, "", &[]);
    assert_ne!(again.made_token, Some(token));
}

#[test]
fn without_a_token_nobody_is_served_who_comes_from_elsewhere() {
    let workplace = Workplace::prepared();
    for arguments in [
        &["serve", "--listen", "0.0.0.0:0"][..],
        &["serve", "--listen", "[::]:0", "--allow-table", "lake.*"],
    ] {
        fails(
            &workplace.run(arguments),
            2,
            &["BATCHINTORY_API_TOKEN", "--tokens-file"],
        );
    }
    let short = workplace.run(&["serve", "--api-token", "tooshort"]);
    fails(&short, 2, &["16 to 256 characters"]);
    assert!(!String::from_utf8_lossy(&short.stderr).contains("tooshort"));
    fs::write(workplace.path("tokens"), format!("work {WORK}")).unwrap();
    let broken = workplace.run(&["serve", "--tokens-file", "tokens"]);
    fails(&broken, 2, &["tokens", "line 1", "2 words"]);
    assert!(!String::from_utf8_lossy(&broken.stderr).contains(WORK));
    fails(
        &workplace.run(&["serve", "--tokens-file", "none"]),
        2,
        &["none"],
    );
    fails(
        &workplace.run(&["serve", "--allow-table", "a.b.c"]),
        2,
        &["allowed-tables"],
    );
    fails(
        &workplace.run(&["serve", "--public-url", "x"]),
        2,
        &["public-url"],
    );
}

#[test]
fn tokens_of_a_file_have_roles_and_are_read_again_at_a_hangup() {
    let workplace = Workplace::prepared();
    let file = workplace.path("tokens");
    fs::write(
        &file,
        format!("# who may do what\nread me {READ}\nwork ci {WORK}\n"),
    )
    .unwrap();
    let service = Service::start(&workplace, "", &["--tokens-file", "tokens"]);
    assert_eq!(service.made_token, None);
    assert_eq!(get(&service, "/v1/jobs", Some(READ)), 200);
    assert_eq!(get(&service, "/v1/jobs", Some(WORK)), 403);
    assert_eq!(
        post(&service, "/v1/jobs/a/batches", Some(READ), CLAIM).0,
        403
    );
    assert_eq!(
        post(&service, "/v1/jobs/a/batches", Some(WORK), CLAIM).0,
        201
    );
    assert_eq!(post(&service, "/v1/migrate", Some(WORK), "").0, 403);

    let hang_up = || {
        let process = service.process().to_string();
        assert!(
            Command::new("kill")
                .args(["-HUP", &process])
                .status()
                .unwrap()
                .success()
        );
    };
    let log_has = |text: &str| {
        while !service.log(&workplace).contains(text) {
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    fs::write(&file, format!("work {WORK} {READ}-broken ci\n")).unwrap();
    hang_up();
    log_has("stay as they were");
    assert_eq!(get(&service, "/v1/jobs", Some(READ)), 200);
    fs::write(&file, "read you another-token-that-reads\n").unwrap();
    hang_up();
    log_has("were read again");
    assert_eq!(get(&service, "/v1/jobs", Some(READ)), 401);
    assert_eq!(
        get(&service, "/v1/jobs", Some("another-token-that-reads")),
        200
    );

    let log = service.end(&workplace);
    let audit = |what: &str| {
        let is_meant = |line: &&str| line.contains("batchintory::audit") && line.contains(what);
        log.lines().filter(is_meant).count()
    };
    assert_eq!(
        audit(r#"caller=ci operation=acquire job="a" meta_table="files" status=201"#),
        1
    );
    assert_eq!(
        audit(r#"caller=me operation=acquire job="a" status=403 error=forbidden"#),
        1
    );
    assert!(audit("peer=127.0.0.1") > 0, "{log}");
    for secret in [READ, WORK, "another-token-that-reads"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn whoever_asks_sees_the_inventory_where_that_is_asked_for_and_nothing_else() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &["--public-reads"]);
    for (path, status) in [
        ("/v1/jobs", 200),
        ("/v1/batches", 200),
        ("/metrics", 200),
        ("/", 200),
        ("/v1/batches?details=true", 401),
        ("/v1/batches/t/items", 401),
        ("/v1/jobs/a/audit?meta_table=files", 401),
    ] {
        assert_eq!(get(&service, path, None), status, "{path}");
    }
    for operation in ["plan", "progress", "warnings", "batches", "requeue"] {
        let path = format!("/v1/jobs/a/{operation}");
        assert_eq!(post(&service, &path, None, CLAIM).0, 401, "{path}");
    }
}

#[test]
fn a_site_that_leads_its_name_to_this_machine_is_not_served() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &["--public-reads"]);
    let port = service.url.rsplit_once(':').unwrap().1.to_owned();
    let served = |host: &str| ask(&service, "GET /v1/jobs", host, None, "").0;
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(served(&format!("{host}:{port}")), 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1"] {
        assert_eq!(served(&format!("{host}:{port}")), 421, "{host}");
    }
    let proxied = Service::start(
        &workplace,
        TOKEN,
        &["--public-url", "https://batches.example"],
    );
    let served = |host: &str| ask(&proxied, "GET /v1/jobs", host, Some(TOKEN), "").0;
    assert_eq!(
        (served("batches.example"), served("evil.example")),
        (200, 421)
    );
}

#[test]
fn only_listed_tables_can_be_named() {
    let workplace = Workplace::prepared();
    workplace.execute("CREATE TABLE salaries (uid INTEGER PRIMARY KEY, item TEXT, weight REAL)");
    let arguments = ["--allow-table", "messages", "--allow-table", "file*"];
    let service = Service::start(&workplace, TOKEN, &arguments);
    let claim = |table: &str| {
        let body = format!(r#"{{"meta_table": "{table}"}}"#);
        post(&service, "/v1/jobs/a/batches", Some(TOKEN), &body).0
    };
    assert_eq!((claim("files"), claim("messages")), (201, 404));
    assert_eq!((claim("salaries"), claim("main.SALARIES")), (403, 403));
}

#[test]
fn whoever_guesses_tokens_has_to_wait() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &["--wrong-tokens", "3"]);
    for _ in 0..10 {
        // Whoever sends none does not guess.
        assert_eq!(get(&service, "/v1/jobs", None), 401);
    }
    for number in 0..3 {
        let wrong = format!("a-wrong-token-number-{number}");
        assert_eq!(get(&service, "/v1/jobs", Some(&wrong)), 401);
    }
    let (status, answer) = ask(&service, "GET /v1/jobs", "localhost", Some(TOKEN), "");
    assert_eq!(status, 429, "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("retry-after: "),
        "{answer}"
    );
    assert!(answer.contains("too-many-wrong-tokens"), "{answer}");
    assert_eq!(get(&service, "/healthz", None), 200);
}

#[test]
fn claim_tokens_stand_in_no_log_however_a_path_is_spelled() {
    let workplace = Workplace::prepared();
    let service = Service::start(&workplace, TOKEN, &[]);
    let secret = "s3cret-claim-token";
    let body = format!(
        "Idempotency-Key: {secret}\r\nContent-Length: {}\r\n\r\n{CLAIM}",
        CLAIM.len()
    );
    let claimed = ask(
        &service,
        "POST /v1/jobs/a/batches",
        "localhost",
        Some(TOKEN),
        &body,
    );
    assert_eq!(claimed.0, 201, "{}", claimed.1);
    for path in [
        "/v1/batches/{}/items",
        "/v1/%62atches/{}/items",
        "/%76%31/b%61tches/{}/%69tems",
        "//v1/batches/{}/items",
        "/v1//batches//{}/items",
        "/v1/batches/{}",
        "/v1/batches/{}/",
        "/v1/batches/{}/nothing",
        "/v1/batches%2F{}%2Fitems",
        "/V1/batches/{}/items",
        "/v1/./batches/{}/items",
        "/v1/jobs/../batches/{}/items",
        "/batches/{}",
        "/v1/batches/items/{}",
        "/v1/batches/x/items?after={}",
        "http://localhost/v1/batches/{}/items",
        "/v1/batches/{}/items/%ff",
    ] {
        for token in [None, Some(TOKEN)] {
            let path = path.replace("{}", secret);
            ask(&service, &format!("GET {path}"), "localhost", token, "");
        }
    }
    let log = service.end(&workplace);
    assert!(log.contains("/v1/%62atches/…/items"), "{log}");
    let found = log.lines().find(|line| line.contains("s3cret"));
    assert_eq!(found, None);
}
