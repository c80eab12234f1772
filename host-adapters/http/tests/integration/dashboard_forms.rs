//! The dashboard's forms: who may put ranges back.

use crate::fake::in_trouble;
use batchintory::RequeueTarget;
use http::Method;

const REQUEUE: &str = "/dashboard/requeue";
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

#[test]
fn a_button_puts_ranges_back() {
    let inventory = in_trouble();
    let page = inventory.post(REQUEUE, "meta_table=files&job=a%2F%26b&attempt=-7", &[OWN]);
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
            requeued("a/&b", RequeueTarget::Attempt(-7)),
            requeued("lines", RequeueTarget::Exhausted)
        ]
    );
    let page = inventory.get(page.header("location"));
    assert!(page.text.contains("2 ranges put back"));
}

#[test]
fn nobody_else_puts_ranges_back() {
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
    let long = format!("{form}&attempt={}", "0".repeat(5_000));
    assert_eq!(inventory.post(REQUEUE, &long, &[OWN]).status, 413);
    let asked = inventory.ask(Method::POST, REQUEUE, &[OWN], form);
    assert_eq!(asked.status, 401);
    // So that the browser asks for the token.
    assert!(asked.headers.get_all("www-authenticate").iter().count() == 2);
    assert!(inventory.requeued.borrow().is_empty());
    assert_eq!(
        inventory
            .post(REQUEUE, form, &[("origin", "http://batches.example")])
            .status,
        303
    );
}

#[test]
fn without_a_token_there_are_no_buttons() {
    let mut inventory = in_trouble();
    inventory.api_token = None;
    let page = inventory
        .get("/dashboard/job?meta_table=files&job=lines")
        .text;
    assert!(page.contains("needs an API token") && !page.contains("method=\"post\""));
    let item = inventory.get("/dashboard/items?meta_table=files&uid=25");
    assert!(!item.text.contains("method=\"post\""));
}
