//! Signing in and out on the dashboard, and what a browser's cookie is good for.

use crate::fake::{Answer, Fake, TOKEN, in_trouble};
use http::Method;

const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const COOKIE: &str = "batchintory-token";

fn get(inventory: &Fake, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    inventory.ask(Method::GET, path, headers, "")
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
    assert!(set.contains("Path=/"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

fn signed_in(inventory: &Fake) -> String {
    let form = format!("token={TOKEN}&to=%2F");
    let answer = inventory.ask(Method::POST, "/dashboard/signed-in", &[OWN, FORM], &form);
    assert_eq!(answer.status, 303, "{}", answer.text);
    cookie(&answer)
}

#[test]
fn an_address_with_the_token_becomes_a_cookie_and_an_address_without() {
    let mut inventory = in_trouble();
    for (address, to) in [
        (format!("/?token={TOKEN}"), "/"),
        (
            format!("/dashboard/job?meta_table=files&token={TOKEN}&job=lines"),
            "/dashboard/job?meta_table=files&job=lines",
        ),
    ] {
        let answer = get(&inventory, &address, &[]);
        assert_eq!((answer.status, answer.header("location")), (303, to));
        assert!(!answer.text.contains(TOKEN));
        assert!(!answer.header("set-cookie").contains("Secure"));
        let page = get(&inventory, to, &[("cookie", &cookie(&answer))]);
        assert_eq!(page.status, 200);
        assert!(page.text.contains("Sign out"));
    }
    for (public_url, is_encrypted) in [("https://batches.example", false), ("", true)] {
        inventory.settings.public_url = Some(public_url.into());
        inventory.is_encrypted = is_encrypted;
        let answer = get(&inventory, &format!("/?token={TOKEN}"), &[]);
        assert!(answer.header("set-cookie").contains("; Secure"));
    }
    let wrong = get(&inventory, "/?token=another-token-than-that", &[]);
    assert_eq!(wrong.status, 401);
    assert!(wrong.text.contains("is no access token") && !wrong.text.contains("another-token"));
    assert_eq!(wrong.header("set-cookie"), "");
    assert_eq!(inventory.told.wrong_tokens.get(), 1);
    // The API takes none from its address.
    let api = get(&inventory, &format!("/v1/jobs?token={TOKEN}"), &[]);
    assert_eq!(api.status, 401);
}

#[test]
fn whoever_opens_a_page_is_asked_for_a_token_and_goes_on_with_the_page() {
    let inventory = in_trouble();
    let page = "/dashboard/job?meta_table=files&job=lines";
    let asked = get(&inventory, page, &[]);
    assert_eq!(asked.status, 401);
    assert!(asked.text.contains("action=\"/dashboard/signed-in\""));
    assert!(
        asked
            .text
            .contains("value=\"/dashboard/job?meta_table=files&amp;job=lines\"")
    );
    assert!(!asked.text.contains("OSError") && !asked.text.contains("<script"));
    let form = format!("token={TOKEN}&to=%2Fdashboard%2Fjob%3Fmeta_table%3Dfiles%26job%3Dlines");
    let answer = inventory.ask(Method::POST, "/dashboard/signed-in", &[OWN, FORM], &form);
    assert_eq!((answer.status, answer.header("location")), (303, page));
    let page = get(&inventory, page, &[("cookie", &cookie(&answer))]);
    assert!(page.text.contains("OSError") && page.text.contains("Requeue"));
    let alone = get(&inventory, "/dashboard/sign-in", &[]);
    assert!(alone.status == 200 && alone.text.contains("type=\"password\""));
}

#[test]
fn signing_in_leads_to_no_other_site() {
    let inventory = in_trouble();
    for to in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/dashboard/job\r\nx: y",
        "",
    ] {
        let form = serde_urlencoded::to_string([("token", TOKEN), ("to", to)]).unwrap();
        let answer = inventory.ask(Method::POST, "/dashboard/signed-in", &[OWN, FORM], &form);
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "/"),
            "{to:?}"
        );
    }
    let asked = get(&inventory, "/dashboard/none?x", &[]);
    assert!(!asked.text.contains("value=\"/dashboard/none"));
}

#[test]
fn forms_of_other_sites_sign_nobody_in_or_out() {
    let inventory = in_trouble();
    let form = format!("token={TOKEN}");
    for path in ["/dashboard/signed-in", "/dashboard/sign-out"] {
        for site in ["cross-site", "same-site", "none"] {
            let headers = [("sec-fetch-site", site), FORM];
            let answer = inventory.ask(Method::POST, path, &headers, &form);
            assert_eq!(answer.status, 403, "{path} {site}");
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
    let wrong = inventory.ask(
        Method::POST,
        "/dashboard/signed-in",
        &[OWN, FORM],
        "token=wrong",
    );
    assert_eq!(wrong.status, 401);
    assert_eq!(inventory.told.wrong_tokens.get(), 1);
}

#[test]
fn a_cookie_is_good_for_pages_and_for_reading_alone() {
    let inventory = in_trouble();
    let cookie = signed_in(&inventory);
    let known: (&str, &str) = ("cookie", &cookie);
    assert_eq!(get(&inventory, "/", &[known]).status, 200);
    assert_eq!(
        get(&inventory, "/v1/batches?details=true&limit=1", &[known]).status,
        200
    );
    for path in [
        "/v1/jobs/lines/requeue",
        "/v1/migrate",
        "/v1/jobs/lines/batches",
    ] {
        let headers = [known, OWN, ("content-type", "application/json")];
        let answer = inventory.ask(Method::POST, path, &headers, "{}");
        assert_eq!(answer.status, 401, "{path}");
    }
    let form = "meta_table=files&job=lines";
    let requeue = |site| {
        let headers = [known, ("sec-fetch-site", site), FORM];
        inventory
            .ask(Method::POST, "/dashboard/requeue", &headers, form)
            .status
    };
    assert_eq!((requeue("cross-site"), requeue("same-origin")), (403, 303));
}

#[test]
fn a_browser_that_knows_a_password_does_nothing_for_other_sites() {
    let inventory = in_trouble();
    // The name is nobody's.
    let basic = "Basic eDphLXZlcnktc2VjcmV0LXRva2Vu";
    let post = |headers: &[(&'static str, &str)]| {
        let usual = [
            ("authorization", basic),
            ("content-type", "application/json"),
        ];
        let body = r#"{"meta_table": "files", "target": "exhausted"}"#;
        let headers = [&usual, headers].concat();
        inventory
            .ask(Method::POST, "/v1/jobs/lines/requeue", &headers, body)
            .status
    };
    assert_eq!(post(&[]), 200);
    assert_eq!(post(&[("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(post(&[("origin", "https://evil.example")]), 403);
}

#[test]
fn signing_out_forgets_the_token() {
    let inventory = in_trouble();
    let cookie = signed_in(&inventory);
    let headers = [("cookie", &*cookie), OWN, FORM];
    let answer = inventory.ask(Method::POST, "/dashboard/sign-out", &headers, "");
    assert_eq!((answer.status, answer.header("location")), (303, "/"));
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with(&format!("{COOKIE}=;")) && set.contains("Max-Age=0"),
        "{set}"
    );
}

#[test]
fn a_cookie_of_another_run_is_forgotten_and_counts_once() {
    let mut inventory = in_trouble();
    let stale = format!("{COOKIE}=a-token-of-another-run");
    for (public, status) in [("false", 401), ("true", 200)] {
        inventory.settings.public_reads = Some(public.into());
        let answer = get(&inventory, "/", &[("cookie", &stale)]);
        assert_eq!(answer.status, status);
        let set = answer.header("set-cookie");
        assert!(set.contains("Max-Age=0"), "{set}");
    }
    assert_eq!(inventory.told.wrong_tokens.get(), 2);
}
