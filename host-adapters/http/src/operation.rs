//! What a path means.

use http::Method;
use percent_encoding::percent_decode_str;

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
    /// Puts ranges back.
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

/// What an operation does to the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It tells nothing about the inventory.
    Open,
    /// It reads.
    Read,
    /// It writes.
    Write,
}

impl Operation {
    /// What a method on a path means.
    pub(crate) fn find(method: &Method, path: &str) -> Result<Self, Problem> {
        let segments = segments(path)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (expected, operation) = at(&segments).ok_or_else(Problem::not_found)?;
        let is_meant = method == expected || (method == Method::HEAD && expected == Method::GET);
        match (is_meant, expected == Method::GET) {
            (true, _) => Ok(operation),
            (false, true) => Err(Problem::method_not_allowed("GET, HEAD")),
            (false, false) => Err(Problem::method_not_allowed("POST")),
        }
    }

    pub(crate) fn access(&self) -> Access {
        match self {
            Self::Health | Self::Description | Self::Schema { .. } => Access::Open,
            Self::Metrics
            | Self::Jobs
            | Self::Plan { .. }
            | Self::Progress { .. }
            | Self::Warnings { .. }
            | Self::Audit { .. }
            | Self::Batches
            | Self::Items { .. }
            | Self::ItemHistory { .. } => Access::Read,
            Self::Migrate
            | Self::Acquire { .. }
            | Self::AcquireMany { .. }
            | Self::Requeue { .. }
            | Self::Heartbeat { .. }
            | Self::Complete { .. }
            | Self::Fail { .. } => Access::Write,
            Self::Dashboard(page) => page.access(),
        }
    }
}

/// The one method of a path, and what it does.
fn at(segments: &[&str]) -> Option<(Method, Operation)> {
    use Operation as Op;
    let own = |segment: &str| segment.to_owned();
    let (method, operation) = match *segments {
        ["healthz"] => (Method::GET, Op::Health),
        ["metrics"] => (Method::GET, Op::Metrics),
        ["openapi.json"] => (Method::GET, Op::Description),
        ["v1", "schema", dialect] => (
            Method::GET,
            Op::Schema {
                dialect: own(dialect),
            },
        ),
        ["v1", "migrate"] => (Method::POST, Op::Migrate),
        ["v1", "jobs"] => (Method::GET, Op::Jobs),
        ["v1", "jobs", job, "batches"] => (Method::POST, Op::Acquire { job: own(job) }),
        ["v1", "jobs", job, "batches", "many"] => (Method::POST, Op::AcquireMany { job: own(job) }),
        ["v1", "jobs", job, "plan"] => (Method::POST, Op::Plan { job: own(job) }),
        ["v1", "jobs", job, "progress"] => (Method::POST, Op::Progress { job: own(job) }),
        ["v1", "jobs", job, "warnings"] => (Method::POST, Op::Warnings { job: own(job) }),
        ["v1", "jobs", job, "audit"] => (Method::GET, Op::Audit { job: own(job) }),
        ["v1", "jobs", job, "requeue"] => (Method::POST, Op::Requeue { job: own(job) }),
        ["v1", "batches"] => (Method::GET, Op::Batches),
        ["v1", "batches", token, "items"] => (
            Method::GET,
            Op::Items {
                claim_token: own(token),
            },
        ),
        ["v1", "batches", token, "heartbeat"] => (
            Method::POST,
            Op::Heartbeat {
                claim_token: own(token),
            },
        ),
        ["v1", "batches", token, "complete"] => (
            Method::POST,
            Op::Complete {
                claim_token: own(token),
            },
        ),
        ["v1", "batches", token, "fail"] => (
            Method::POST,
            Op::Fail {
                claim_token: own(token),
            },
        ),
        ["v1", "tables", table, "items", uid, "history"] => (
            Method::GET,
            Op::ItemHistory {
                meta_table: own(table),
                uid: own(uid),
            },
        ),
        _ => {
            let (method, page) = Page::at(segments)?;
            (method, Op::Dashboard(page))
        }
    };
    Some((method, operation))
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
    use super::*;

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
