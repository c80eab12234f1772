//! The dashboard's pages, as they are made.

use crate::fake::{AUTHORIZATION, Answer, Fake, TOKEN, attempt, in_trouble, job, left};
use batchintory::{AcquireRequest, Error, Queue};
use http::Method;

const JOB: &str = "/dashboard/job?meta_table=files&job=lines";

/// The rectangles of the first band: state, where it begins and how wide it is.
fn band(page: &Answer) -> Vec<(String, String, String)> {
    let (_, band) = page.text.split_once(r#"<svg class="band""#).unwrap();
    let (band, _) = band.split_once("</svg>").unwrap();
    let attribute = |rectangle: &str, name: &str| {
        let (_, value) = rectangle.split_once(&format!(" {name}=\"")).unwrap();
        value.split('"').next().unwrap().to_owned()
    };
    band.split("<rect")
        .skip(1)
        .map(|rectangle| {
            (
                attribute(rectangle, "class"),
                attribute(rectangle, "x"),
                attribute(rectangle, "width"),
            )
        })
        .collect()
}

fn states(page: &Answer) -> Vec<String> {
    band(page).into_iter().map(|(state, _, _)| state).collect()
}

#[test]
fn a_band_has_each_state_where_its_ids_are() {
    let inventory = in_trouble();
    let expected: Vec<_> = [
        ("succeeded", "0.0%", "10.0%"),
        ("failed", "10.0%", "10.0%"),
        ("exhausted", "20.0%", "10.0%"),
        ("requeued", "30.0%", "10.0%"),
        ("running", "40.0%", "10.0%"),
        ("to-do", "50.0%", "50.0%"),
    ]
    .map(|(state, x, width)| (state.into(), x.into(), width.into()))
    .into();
    for page in ["/", JOB] {
        let page = inventory.get(page);
        assert_eq!(page.status, 200);
        assert_eq!(band(&page), expected);
        assert!(
            page.text
                .contains("Ids 1 to 100: succeeded 10.0%, running 10.0%")
        );
        assert!(page.text.contains("exhausted: ids 21 to 30"));
    }
}

#[test]
fn the_latest_attempt_at_a_range_tells_its_state() {
    let mut inventory = in_trouble();
    let mut again = attempt(6, 20, 30, None);
    again.attempt = 2;
    inventory.attempts.insert(0, again);
    let page = inventory.get("/");
    assert!(
        !states(&page).contains(&"exhausted".into()),
        "{:?}",
        states(&page)
    );
}

#[test]
fn what_is_held_is_told_from_what_is_ready() {
    let mut inventory = in_trouble();
    let request = AcquireRequest {
        hold: Some(r#"{"column": "ready", "op": "=", "value": 0}"#.into()),
        ..AcquireRequest::new("files", "lines")
    };
    inventory.jobs.as_mut().unwrap()[0].request = Some(request);
    inventory.held = Some(76);
    let page = inventory.get(JOB);
    assert_eq!(
        band(&page)[6],
        ("held".into(), "75.0%".into(), "25.0%".into())
    );
    assert!(page.text.contains("held from id <b>76</b>"));
}

#[test]
fn a_job_tells_what_runs_and_what_failed() {
    let page = in_trouble().get(JOB).text;
    for expected in [
        "worker-1",
        ">1 min</time>",
        "over for 10 s",
        "OSError: &lt;truncated&gt;",
        "first line",
        "Requeue all exhausted ranges",
        "ended <time",
        "20 items succeeded and 20 items failed",
    ] {
        assert!(page.contains(expected), "{expected} is not in {page}");
    }
}

#[test]
fn no_name_becomes_markup_and_every_link_leads_somewhere() {
    for name in [
        "<script>alert(1)</script>",
        "\"' onload=alert(1) x='",
        "a/b?c=d&e#f%00",
        "..",
        ".",
        " ",
        "ä\u{202e}\n",
    ] {
        let mut attempt = attempt(1, 1, 10, Some(Queue::Exhausted));
        attempt.meta_table = name.into();
        attempt.job = name.into();
        attempt.log = Some(name.into());
        attempt.status = name.into();
        attempt.processing_start = name.into();
        let inventory = Fake {
            jobs: Ok(vec![batchintory::JobSummary {
                exhausted: 1,
                running: 1,
                ..job(name, name, 10)
            }]),
            progress: Err(Error::database(name)),
            attempts: vec![attempt],
            ..Fake::default()
        };
        let home = inventory.get("/");
        let (_, link) = home.text.split_once(r#"id="job-0-link" href=""#).unwrap();
        let link = link.split('"').next().unwrap().replace("&amp;", "&");
        assert!(link.starts_with("/dashboard/job?"), "{link}");
        let item = format!("/dashboard/items?{}&uid=5", link.split_once('?').unwrap().1);
        for page in [home, inventory.get(&link), inventory.get(&item)] {
            assert_eq!(page.status, 200, "{name}");
            assert!(!page.text.contains("<script>"), "{name}");
            assert!(!page.text.contains("\"' onload"), "{name}");
        }
    }
}

#[test]
fn ids_at_the_ends_of_64_bits_have_their_place() {
    let lowest = i64::MIN + 1;
    let inventory = Fake {
        jobs: Ok(vec![job("files", "lines", i64::MAX)]),
        attempts: vec![
            attempt(2, i64::MAX, i64::MAX, Some(Queue::Exhausted)),
            attempt(1, lowest, -1, None),
        ],
        progress: Ok(left(u64::MAX, Some(i64::MAX))),
        ..Fake::default()
    };
    let page = inventory.get(JOB);
    assert_eq!(states(&page), ["succeeded", "passed-over", "exhausted"]);
    assert!(page.text.contains("-9,223,372,036,854,775,807"));
}

#[test]
fn many_ranges_cost_little_and_trouble_of_any_age_is_seen() {
    let mut attempts: Vec<_> = (0..100_000)
        .map(|range| attempt(range, range * 10 + 1, range * 10 + 10, None))
        .collect();
    attempts[7].queue = Some(Queue::Exhausted);
    attempts[30_000].queue = Some(Queue::Running);
    attempts.reverse();
    let inventory = Fake {
        jobs: Ok(vec![batchintory::JobSummary {
            running: 1,
            exhausted: 1,
            succeeded: 99_998,
            ..job("files", "lines", 1_000_000)
        }]),
        attempts,
        ..Fake::default()
    };
    let page = inventory.get("/");
    assert_eq!(
        states(&page),
        ["exhausted", "earlier", "running", "earlier", "succeeded"]
    );
    let (_, x, _) = &band(&page)[2];
    assert_eq!(x, "30.0%");
    assert!(page.text.len() < 10_000, "{}", page.text.len());
    let asked: u32 = inventory
        .queries
        .borrow()
        .iter()
        .map(|query| query.limit)
        .sum();
    assert!(asked <= 3_000, "{asked}");
    let page = inventory.get(JOB);
    assert!(page.text.contains("<th scope=\"row\">30000</th>"));
    for query in inventory.queries.borrow().iter() {
        assert!(!query.details || query.limit <= 10, "{query:?}");
    }
}

#[test]
fn a_thousand_states_in_turn_are_a_page_of_moderate_size() {
    let queues = [None, Some(Queue::Exhausted), Some(Queue::Retry)];
    let attempts = (0..999).rev().map(|range| {
        attempt(
            range,
            range * 10,
            range * 10 + 9,
            queues[range as usize % 3],
        )
    });
    let inventory = Fake {
        jobs: Ok(vec![job("files", "lines", 9_990)]),
        attempts: attempts.collect(),
        ..Fake::default()
    };
    let page = inventory.get("/");
    assert!(band(&page).len() <= 500);
    assert!(page.text.len() < 200_000, "{}", page.text.len());
}

#[test]
fn jobs_come_by_pages() {
    let jobs = (0..30).map(|number| job("files", &format!("job-{number:02}."), 10));
    let inventory = Fake {
        jobs: Ok(jobs.collect()),
        ..Fake::default()
    };
    let first = inventory.get("/").text;
    assert!(
        first.contains("job-11.") && !first.contains("job-12.") && !first.contains("First page")
    );
    let next = "/?after_meta_table=files&amp;after_job=job-11.";
    assert!(first.contains(&format!("href=\"{next}\"")), "{first}");
    let second = inventory.get(&next.replace("&amp;", "&")).text;
    assert!(second.contains("job-12.") && second.contains(r#"id="first" href="/""#));
    let last = inventory
        .get("/?after_meta_table=files&after_job=job-23.")
        .text;
    assert!(last.contains("job-29.") && !last.contains("Next page"));
    assert_eq!(inventory.get("/?after_job=job-23.").status, 400);

    let found = inventory.get("/?search=+2").text;
    assert!(found.contains("job-29.") && !found.contains("job-11."));
    assert!(found.contains(r#"name="search" value="2""#) && found.contains("id=\"all-jobs\""));
    assert!(found.contains("12 jobs."), "{found}");
    let found = inventory.get("/?search=%22%3E").text;
    assert!(
        found.contains("No job’s name holds this text.") && found.contains("value=\"&quot;&gt;\"")
    );
}

#[test]
fn what_is_not_known_is_said_where_it_is_missed() {
    let mut inventory = in_trouble();
    inventory.progress = Err(Error::no_such_table("there is no table files"));
    let page = inventory.get("/");
    assert_eq!(page.status, 200);
    assert!(
        page.text
            .contains("What is left is not known: there is no table files")
    );
    assert_eq!(states(&page).last().unwrap(), "running");
    inventory.jobs.as_mut().unwrap()[0].request = None;
    assert!(inventory.get(JOB).text.contains("is not understood"));
}

#[test]
fn an_inventory_without_jobs_or_without_its_table_tells_what_to_do() {
    let empty = Fake::default().get("/");
    assert!(empty.text.contains("No job has claimed a batch yet"));
    let missing = Fake {
        jobs: Err(Error::no_such_table("no inventory; call `migrate`")),
        ..Fake::default()
    };
    for (path, status) in [("/", 200), (JOB, 404)] {
        let page = missing.get(path);
        assert_eq!(page.status, status, "{path}");
        assert!(page.header("content-type").starts_with("text/html"));
        for way in ["batchintory migrate", "POST /v1/migrate"] {
            assert!(page.text.contains(way), "{path}: {}", page.text);
        }
    }
    // Programs get it as they can read it.
    let json = missing.get("/v1/jobs");
    assert_eq!(json.header("content-type"), "application/problem+json");
}

#[test]
fn an_item_has_its_history() {
    let mut inventory = in_trouble();
    inventory.attempts[2].passed_over = true;
    let page = inventory.get("/dashboard/items?meta_table=files&uid=+25+");
    assert_eq!(page.status, 200);
    assert!(page.text.contains("failed, exhausted"));
    assert!(page.text.contains("passed over by the job"));
    assert!(page.text.contains(r#"name="uid" value="25""#));
    let none = inventory.get("/dashboard/items?meta_table=files&uid=-1");
    assert!(none.text.contains("No batch of any job has had it"));
    for bad in [
        "uid=5",
        "meta_table=files&uid=",
        "meta_table=files&uid=9223372036854775808",
    ] {
        let page = inventory.get(&format!("/dashboard/items?{bad}"));
        assert_eq!(page.status, 400, "{bad}");
        assert!(page.text.contains("<main"), "{bad}");
    }
}

#[test]
fn problems_of_pages_are_pages() {
    let inventory = in_trouble();
    for (path, status) in [
        ("/dashboard/job?meta_table=files&job=other", 404),
        ("/dashboard/nothing", 404),
        ("/dashboard", 404),
        ("/dashboard/job", 400),
        ("/dashboard/requeue", 405),
    ] {
        let page = inventory.get(path);
        assert_eq!(page.status, status, "{path}");
        assert!(page.text.contains("<main"), "{path}");
        assert!(
            page.header("content-security-policy")
                .contains("default-src 'none'"),
            "{path}"
        );
        // What is fetched again by itself must be a page that can be.
        assert!(!page.text.contains("<script"), "{path}");
    }
    assert_eq!(inventory.get("/dashboard/requeue").header("allow"), "POST");
}

#[test]
fn protected_pages_need_the_token_and_what_is_public_does_not() {
    let inventory = in_trouble();
    let home = inventory.ask(Method::GET, "/", &[], "");
    assert_eq!(home.status, 401);
    assert!(!home.text.contains("lines"));
    let headers = [("authorization", &*format!("Bearer {TOKEN}"))];
    let home = inventory.ask(Method::GET, "/", &headers, "").text;
    for attribute in ["href", "src"] {
        let start = format!("{attribute}=\"/dashboard/");
        let (_, address) = home.split_once(&start).unwrap();
        let address = format!("/dashboard/{}", address.split('"').next().unwrap());
        let file = inventory.ask(Method::GET, &address, &[], "");
        assert_eq!(file.status, 200, "{address}");
        assert!(
            file.header("cache-control").contains("immutable"),
            "{address}"
        );
        let path = address.split('?').next().unwrap();
        assert_eq!(inventory.get(path).header("cache-control"), "no-cache");
    }
}

#[test]
fn pages_run_nothing_and_belong_to_nobody_else() {
    let page = in_trouble().get(JOB);
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.text.contains(" style=") && !page.text.contains("<style"));
    assert!(!page.text.contains("http://www") || !page.text.contains("src=\"http"));
    let head = in_trouble().ask(Method::HEAD, "/", &[("authorization", AUTHORIZATION)], "");
    assert!(head.status == 200 && head.text.is_empty());
}
