//! Random requests, many of them nearly right: on a database that works, whatever is asked for is
//! answered as described, and the service never fails.

use crate::support::{Header, Service, TOKEN};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// A request, once it is written down.
#[derive(Debug, Clone)]
struct Sent {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

/// Parts of paths: those there are, names, and whatever a URL may hold.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => select(vec![
            "v1", "jobs", "batches", "advance", "many", "plan", "progress", "warnings", "audit", "requeue",
            "items", "heartbeat", "complete", "fail", "tables", "history", "schema", "sqlite",
            "migrate", "metrics", "healthz", "openapi.json", "dashboard", "job", "files", "t", "1",
        ]).prop_map(str::to_owned),
        1 => "[!-~]{0,8}",
        1 => "(%[0-9a-fA-F]{2}){1,4}",
    ]
}

/// Paths of the API with names in them.
fn path() -> impl Strategy<Value = String> {
    let job = prop_oneof![4 => Just("j".to_owned()), 1 => part()];
    let token = prop_oneof![4 => Just("t".to_owned()), 1 => part()];
    prop_oneof![
        3 => (job, select(vec![
            "batches", "advance", "batches/many", "plan", "progress", "warnings", "audit", "requeue",
        ])).prop_map(|(job, operation)| format!("/v1/jobs/{job}/{operation}")),
        2 => (token, select(vec!["items", "heartbeat", "complete", "fail"]))
            .prop_map(|(token, operation)| format!("/v1/batches/{token}/{operation}")),
        1 => part().prop_map(|uid| format!("/v1/tables/files/items/{uid}/history")),
        1 => select(vec!["/", "/v1/jobs", "/v1/batches", "/metrics", "/v1/migrate", "/dashboard/job"])
            .prop_map(str::to_owned),
        1 => prop::collection::vec(part(), 0..6).prop_map(|parts| format!("/{}", parts.join("/"))),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let name = select(vec![
        "limit",
        "after",
        "before",
        "batches",
        "cap",
        "meta_table",
        "job",
        "uid",
        "queue",
        "details",
    ]);
    let value = prop_oneof![
        3 => select(vec!["1", "2", "0", "-1", "files", "true", "running", "9223372036854775807"])
            .prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => part(),
    ];
    let field = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(field, 0..3).prop_map(|fields| fields.join("&"))
}

/// Values as fields have them, and others.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0_i64..4).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        select(vec![
            "files",
            "item",
            "weight",
            "=",
            "in",
            "like",
            "commit-order",
            "exhausted"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let name = select(vec![
            "all", "any", "not", "column", "op", "value", "uid", "ids", "batch", "id_start", "",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4).prop_map(|fields| {
                let fields = fields.into_iter();
                Value::Object(
                    fields
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn condition() -> impl Strategy<Value = Value> {
    let column = select(vec!["uid", "item", "weight", "kind", "no such column"]);
    let operator = select(vec![
        "=",
        "!=",
        "<",
        ">=",
        "in",
        "not-in",
        "like",
        "is-null",
        "older-than-seconds",
    ]);
    let compared = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!([1, "x", 1.5, true])),
    ];
    let leaf = (column, operator, compared).prop_map(|(column, operator, value)| match operator {
        "is-null" => json!({"column": column, "op": operator}),
        _ => json!({"column": column, "op": operator, "value": value}),
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| json!({ "all": list })),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| json!({ "any": list })),
            inner.prop_map(|inner| json!({ "not": inner })),
        ]
    })
}

/// Requests for batches with fields that they have, and others.
fn request() -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        4 => (
            select(vec![
                "id_min", "id_max", "max_weight", "max_count", "max_attempts", "lease_seconds",
                "retry_delay_seconds", "job_identifier", "source_job", "columns", "settle",
                "on_change", "succeeded", "log", "result_item", "target", "lease_seconds",
            ]),
            value(),
        ),
        2 => (select(vec!["filter", "hold"]), condition()),
    ];
    prop::collection::vec(field, 0..4).prop_map(|fields| {
        let mut request = Map::new();
        request.insert("meta_table".into(), "files".into());
        for (name, value) in fields {
            request.insert(name.into(), value);
        }
        Value::Object(request)
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![
        value().prop_map(|value| json!({ "result_item": value })),
        any::<u32>().prop_map(|seconds| json!({ "lease_seconds": seconds })),
        value().prop_map(|value| json!({"meta_table": "files", "target": value})),
    ];
    prop_oneof![
        6 => request().prop_map(|value| value.to_string().into_bytes()),
        3 => end.prop_map(|value| value.to_string().into_bytes()),
        1 => value().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let method = prop_oneof![
        6 => Just("POST"),
        4 => Just("GET"),
        1 => select(vec!["HEAD", "PUT", "DELETE", "OPTIONS", "BREW"]),
    ];
    let media_type = prop_oneof![
        8 => Just(b"application/json".to_vec()),
        1 => Just(b"application/x-www-form-urlencoded".to_vec()),
        1 => "[ -~]{0,12}".prop_map(String::into_bytes),
    ];
    let token = prop_oneof![
        8 => Just(format!("Bearer {TOKEN}").into_bytes()),
        1 => "(Bearer |Basic )?[ -~]{0,12}".prop_map(String::into_bytes),
    ];
    let key = prop::option::weighted(
        0.3,
        prop_oneof![
            Just(b"t".to_vec()),
            "[ -~]{0,6}".prop_map(String::into_bytes),
            prop::collection::vec(0x80_u8.., 1..4),
        ],
    );
    (method, path(), query(), media_type, token, key, body()).prop_map(
        |(method, path, query, media_type, token, key, body)| {
            let mut headers = vec![("content-type", media_type), ("authorization", token)];
            headers.extend(key.map(|key| ("idempotency-key", key)));
            Sent {
                method,
                target: format!("{path}?{query}"),
                headers,
                body,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        // Each case is a service of its own that gets a few requests.
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_service_never_fails(requests in prop::collection::vec(sent(), 1..20)) {
        let service = Service::new();
        for request in requests {
            let headers: Vec<Header<'_>> = request
                .headers
                .iter()
                .map(|(name, value)| (*name, value.as_slice()))
                .collect();
            let mut body = request.body.as_slice();
            // That an answer is as described is checked with every one.
            let answer = service.send(request.method, &request.target, &headers, &mut body);
            prop_assert!(answer.status.as_u16() < 500, "{:?}: {:?}", request, answer);
        }
        prop_assert_eq!(service.get("/healthz").status.as_u16(), 200);
    }
}
