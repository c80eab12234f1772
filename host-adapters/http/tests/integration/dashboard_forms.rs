//! The dashboard's forms: who may requeue ranges.

use crate::fake::in_trouble;
use batchintory::{HistoryQuery, RequeueTarget};
use http::Method;

const REQUEUE: &str = "/dashboard/requeue";
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

#[test]
fn a_button_requeues_ranges() {
    let inventory = in_trouble();
    let page = inventory.post(REQUEUE, "meta_table=files&job=a%2F%26b&batch=-7", &[OWN]);
    assert_eq!(page.status, 303);
    assert_eq!(
        page.header("location"),
        "/dashboard/job?meta_table=files&job=a%2F%26b&requeued=2"
    );
    let page = inventory.post(REQUEUE, "meta_table=files&job=lines", &[OWN]);
    let requeued = |job: &str, target| ("files".to_owned(), job.to_owned(), target);
    assert_eq!(
        *inventory.requeued.borrow(),
        [
            requeued("a/&b", RequeueTarget::Batch(-7)),
            requeued("lines", RequeueTarget::Exhausted)
        ]
    );
    let page = inventory.get(page.header("location"));
    assert!(page.text.contains("2 ranges requeued"));
}

#[test]
fn nobody_else_requeues_ranges() {
    let inventory = in_trouble();
    let form = "meta_table=files&job=lines";
    for (headers, status) in [
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("origin", "https://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![], 403),
        (vec![OWN, ("authorization", "Bearer wrong")], 401),
        (vec![OWN, ("content-type", "text/plain")], 415),
    ] {
        let page = inventory.post(REQUEUE, form, &headers);
        assert_eq!(page.status, status, "{headers:?}");
        assert!(page.text.contains("<main"), "{headers:?}");
    }
    let unknown = inventory.post(REQUEUE, &format!("{form}&atempt=7"), &[OWN]);
    assert_eq!(unknown.status, 400);
    let long = format!("{form}&batch={}", "0".repeat(5_000));
    assert_eq!(inventory.post(REQUEUE, &long, &[OWN]).status, 413);
    let asked = inventory.ask(Method::POST, REQUEUE, &[OWN], form);
    assert_eq!(asked.status, 401);
    // The page asks for a token, and the browser does not by itself.
    assert!(asked.text.contains("action=\"/dashboard/signed-in\""));
    assert_eq!(asked.header("www-authenticate"), "Bearer");
    assert!(inventory.requeued.borrow().is_empty());
    assert_eq!(
        inventory
            .post(REQUEUE, form, &[("origin", "http://batches.example")])
            .status,
        303
    );
}

#[test]
fn who_may_not_requeue_sees_no_buttons() {
    let mut inventory = in_trouble();
    inventory.settings.public_reads = Some("true".into());
    let page = "/dashboard/job?meta_table=files&job=lines";
    let page = inventory.ask(Method::GET, page, &[], "").text;
    assert!(page.contains("sign in with a token") && !page.contains("method=\"post\""));
    // Nor does it show logs.
    assert!(page.contains("Exhausted") && !page.contains("OSError"));
    let without_details = |queries: &[HistoryQuery]| queries.iter().all(|query| !query.details);
    assert!(without_details(&inventory.queries.borrow()));
    let item = "/dashboard/items?meta_table=files&uid=25";
    let item = inventory.ask(Method::GET, item, &[], "");
    assert!(!item.text.contains("method=\"post\""));
}
