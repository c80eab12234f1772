//! What a path means.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::authorization::Access;
use crate::dashboard::Page;
use crate::problem::Problem;

/// What a request asks for, with what its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Whether the service works.
    Health,
    /// The inventory in figures, for Prometheus.
    Metrics,
    /// The API's description.
    Description,
    /// The statements that make the inventory table.
    Schema { dialect: String },
    /// Makes the inventory table.
    Migrate,
    /// All jobs.
    Jobs,
    /// The next batch of a job.
    Acquire { job: String },
    /// The next batches of a job.
    AcquireMany { job: String },
    /// What would be handed out.
    Plan { job: String },
    /// What is left to do.
    Progress { job: String },
    /// What may surprise a job's user.
    Warnings { job: String },
    /// Which processed ranges have changed.
    Audit { job: String },
    /// Requeues ranges.
    Requeue { job: String },
    /// Attempts, latest first.
    Batches,
    /// A page of a batch's items.
    Items { claim_token: String },
    /// A sign of life.
    Heartbeat { claim_token: String },
    /// Ends a batch well.
    Complete { claim_token: String },
    /// Gives a batch up.
    Fail { claim_token: String },
    /// Which attempts had an item.
    ItemHistory { meta_table: String, uid: String },
    /// A page for people.
    Dashboard(Page),
}

impl Operation {
    /// What a method on a path means.
    pub(crate) fn find(method: &Method, path: &str) -> Result<Self, Problem> {
        let segments = segments(path)?;
        let (expected, operation) = at(&segments).ok_or_else(Problem::not_found)?;
        let is_meant = method == expected || (method == Method::HEAD && expected == Method::GET);
        match (is_meant, expected == Method::GET) {
            (true, _) => Ok(operation),
            (false, true) => Err(Problem::method_not_allowed("GET, HEAD")),
            (false, false) => Err(Problem::method_not_allowed("POST")),
        }
    }

    /// What a caller needs for it. docs/security.md has it as a table.
    pub(crate) fn access(&self) -> Access {
        match self {
            Self::Health => Access::Open,
            Self::Description | Self::Schema { .. } => Access::Known,
            // With results and logs it needs more, which only the query tells.
            Self::Metrics | Self::Jobs | Self::Batches | Self::ItemHistory { .. } => {
                Access::Inventory
            }
            Self::Plan { .. } | Self::Progress { .. } | Self::Warnings { .. } => Access::Read,
            Self::Acquire { .. }
            | Self::AcquireMany { .. }
            | Self::Items { .. }
            | Self::Heartbeat { .. }
            | Self::Complete { .. }
            | Self::Fail { .. } => Access::Work,
            Self::Migrate | Self::Audit { .. } | Self::Requeue { .. } => Access::Admin,
            Self::Dashboard(page) => page.access(),
        }
    }

    /// Its name in the audit log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Metrics => "metrics",
            Self::Description => "description",
            Self::Schema { .. } => "schema-statements",
            Self::Migrate => "migrate",
            Self::Jobs => "jobs",
            Self::Acquire { .. } => "acquire",
            Self::AcquireMany { .. } => "acquire-many",
            Self::Plan { .. } => "plan",
            Self::Progress { .. } => "progress",
            Self::Warnings { .. } => "warnings",
            Self::Audit { .. } => "audit",
            Self::Requeue { .. } | Self::Dashboard(Page::Requeue) => "requeue",
            Self::Batches => "history",
            Self::Items { .. } => "items",
            Self::Heartbeat { .. } => "heartbeat",
            Self::Complete { .. } => "complete",
            Self::Fail { .. } => "fail",
            Self::ItemHistory { .. } => "item-history",
            Self::Dashboard(_) => "dashboard",
        }
    }

    /// The job that its path names.
    pub(crate) fn job(&self) -> Option<&str> {
        match self {
            Self::Acquire { job }
            | Self::AcquireMany { job }
            | Self::Plan { job }
            | Self::Progress { job }
            | Self::Warnings { job }
            | Self::Audit { job }
            | Self::Requeue { job } => Some(job),
            _ => None,
        }
    }
}

/// What the parts of a path are that a route leaves open.
type Names = std::vec::IntoIter<String>;

/// A path of the API, the one method that it has, and what that does. `{…}` is any one part.
struct Route {
    method: Method,
    path: &'static str,
    operation: fn(&mut Names) -> Operation,
}

impl Route {
    /// What a path names, if it is this route's.
    fn names(&self, segments: &[String]) -> Option<Names> {
        let expected = self.path.split('/').skip(1);
        if expected.clone().count() != segments.len() {
            return None;
        }
        let mut names = Vec::new();
        for (expected, segment) in expected.zip(segments) {
            if expected.starts_with('{') {
                names.push(segment.clone());
            } else if expected != segment {
                return None;
            }
        }
        Some(names.into_iter())
    }
}

const fn get(path: &'static str, operation: fn(&mut Names) -> Operation) -> Route {
    Route {
        method: Method::GET,
        path,
        operation,
    }
}

const fn post(path: &'static str, operation: fn(&mut Names) -> Operation) -> Route {
    Route {
        method: Method::POST,
        path,
        operation,
    }
}

/// The next of a path's names: a route has as many as its operation takes.
fn name(names: &mut Names) -> String {
    names.next().unwrap_or_default()
}

/// The paths of the API's routes.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.path)
}

/// The API's routes; `openapi.json` describes just these.
static ROUTES: [Route; 19] = [
    get("/healthz", |_| Operation::Health),
    get("/metrics", |_| Operation::Metrics),
    get("/openapi.json", |_| Operation::Description),
    get("/v1/schema/{dialect}", |names| Operation::Schema {
        dialect: name(names),
    }),
    post("/v1/migrate", |_| Operation::Migrate),
    get("/v1/jobs", |_| Operation::Jobs),
    post("/v1/jobs/{job}/batches", |names| Operation::Acquire {
        job: name(names),
    }),
    post("/v1/jobs/{job}/batches/many", |names| {
        Operation::AcquireMany { job: name(names) }
    }),
    post("/v1/jobs/{job}/plan", |names| Operation::Plan {
        job: name(names),
    }),
    post("/v1/jobs/{job}/progress", |names| Operation::Progress {
        job: name(names),
    }),
    post("/v1/jobs/{job}/warnings", |names| Operation::Warnings {
        job: name(names),
    }),
    get("/v1/jobs/{job}/audit", |names| Operation::Audit {
        job: name(names),
    }),
    post("/v1/jobs/{job}/requeue", |names| Operation::Requeue {
        job: name(names),
    }),
    get("/v1/batches", |_| Operation::Batches),
    get("/v1/batches/{claim_token}/items", |names| {
        Operation::Items {
            claim_token: name(names),
        }
    }),
    post("/v1/batches/{claim_token}/heartbeat", |names| {
        Operation::Heartbeat {
            claim_token: name(names),
        }
    }),
    post("/v1/batches/{claim_token}/complete", |names| {
        Operation::Complete {
            claim_token: name(names),
        }
    }),
    post("/v1/batches/{claim_token}/fail", |names| Operation::Fail {
        claim_token: name(names),
    }),
    get("/v1/tables/{meta_table}/items/{uid}/history", |names| {
        Operation::ItemHistory {
            meta_table: name(names),
            uid: name(names),
        }
    }),
];

/// The one method of a path, and what it does.
fn at(segments: &[String]) -> Option<(Method, Operation)> {
    for route in &ROUTES {
        if let Some(mut names) = route.names(segments) {
            return Some((route.method.clone(), (route.operation)(&mut names)));
        }
    }
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (method, page) = Page::at(&segments)?;
    Some((method, Operation::Dashboard(page)))
}

/// A path's parts, decoded one by one: an encoded slash does not part them. `/` has none.
fn segments(path: &str) -> Result<Vec<String>, Problem> {
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    path.split('/')
        .map(|segment| {
            let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| {
                Problem::invalid_request("the path, once decoded, is not UTF-8 text")
            })?;
            Ok(decoded.into_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Every operation that the description tells of, as its method and its path.
    fn described() -> BTreeSet<(String, String)> {
        let description: Value = serde_json::from_str(crate::OPENAPI).unwrap();
        let mut operations = BTreeSet::new();
        for (path, methods) in description["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                if method != "parameters" {
                    operations.insert((method.to_uppercase(), path.clone()));
                }
            }
        }
        operations
    }

    #[test]
    fn what_is_routed_is_described_and_what_is_described_is_routed() {
        let routed: BTreeSet<_> = ROUTES
            .iter()
            .map(|route| (route.method.to_string(), route.path.to_owned()))
            .collect();
        assert_eq!(routed, described());
    }

    #[test]
    fn every_route_is_found_with_its_names() {
        for route in &ROUTES {
            let filled = route.path.replace(['{', '}'], "");
            let operation = find(route.method.clone(), &filled).unwrap();
            let names = route.path.split('/').filter(|part| part.starts_with('{'));
            let names: Vec<_> = names.map(|name| name.replace(['{', '}'], "")).collect();
            assert_eq!(operation, (route.operation)(&mut names.into_iter()));
        }
    }

    fn find(method: Method, path: &str) -> Result<Operation, u16> {
        Operation::find(&method, path).map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn names_are_taken_from_the_path_once_decoded() {
        assert_eq!(
            find(Method::POST, "/v1/jobs/a%2Fb%20c/batches"),
            Ok(Operation::Acquire {
                job: "a/b c".into()
            })
        );
        assert_eq!(
            find(Method::GET, "/v1/tables/public.files/items/-5/history"),
            Ok(Operation::ItemHistory {
                meta_table: "public.files".into(),
                uid: "-5".into()
            })
        );
    }

    #[test]
    fn what_is_read_can_be_asked_for_without_its_body() {
        assert_eq!(find(Method::HEAD, "/v1/jobs"), Ok(Operation::Jobs));
        assert_eq!(find(Method::HEAD, "/v1/migrate"), Err(405));
    }

    #[test]
    fn nothing_else_is_there() {
        for path in [
            "/v1",
            "/v1/",
            "/v1/jobs/",
            "//v1/jobs",
            "/v1//jobs",
            "/v1/jobs/../jobs",
            "/v1/jobs/x/batches/",
            "/V1/jobs",
            "/v1/jobs/%2e%2e/nothing",
            "/etc/passwd",
            "/v1%2Fjobs",
        ] {
            assert_eq!(find(Method::GET, path), Err(404), "{path}");
        }
        assert_eq!(find(Method::GET, "/v1/jobs/%ff/audit"), Err(400));
        assert_eq!(find(Method::DELETE, "/v1/jobs"), Err(405));
    }
}
