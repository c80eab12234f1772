//! The service's routes, a row each. `openapi.json` describes just those for programs; docs/security.md says in a
//! table what callers need for them.

use http::Method;

use crate::access::Access::{self, Admin, Inventory, Known, Open, Read, Work};
use crate::api::{about, batches, jobs};
use crate::asked::Asked;
use crate::dashboard::{assets, home, items, job, requeue, sign_in};
use crate::path::{Names, segments};
use crate::problem::Problem;
use crate::response::Response;

/// What answers.
type Handler = fn(Asked<'_>) -> Result<Response, Problem>;

/// A path with its one method, who may ask, and what answers.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// `{…}` is any one part.
    pub(crate) path: &'static str,
    /// What a caller needs; with results and logs it is more, which only the query tells.
    pub(crate) access: Access,
    /// What the audit log calls it.
    pub(crate) name: &'static str,
    pub(crate) audience: Audience,
    pub(crate) handler: Handler,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Whoever looks whether the service works: goes by addresses, and is told nothing.
    Probes,
    /// Programs, which send their token in a header.
    Programs,
    /// People, whose browsers may keep a token.
    People,
}

use Audience::{People, Probes, Programs};

const GET: Method = Method::GET;
const POST: Method = Method::POST;

#[rustfmt::skip]
static ROUTES: [Route; 31] = [
    row(GET, "/healthz", Open, "health", Probes, about::health),
    row(GET, "/metrics", Inventory, "metrics", Programs, about::metrics),
    row(GET, "/openapi.json", Known, "description", Programs, about::description),
    row(GET, "/v1/schema/{dialect}", Known, "schema-statements", Programs, about::schema),
    row(POST, "/v1/migrate", Admin, "migrate", Programs, about::migrate),

    row(GET, "/v1/jobs", Inventory, "jobs", Programs, jobs::list),
    row(POST, "/v1/jobs/{job}/batches", Work, "acquire", Programs, jobs::acquire),
    row(POST, "/v1/jobs/{job}/advance", Work, "advance", Programs, jobs::advance),
    row(POST, "/v1/jobs/{job}/batches/many", Work, "acquire-many", Programs, jobs::acquire_many),
    row(POST, "/v1/jobs/{job}/plan", Read, "plan", Programs, jobs::plan),
    row(POST, "/v1/jobs/{job}/progress", Read, "progress", Programs, jobs::progress),
    row(POST, "/v1/jobs/{job}/warnings", Read, "warnings", Programs, jobs::warnings),
    row(GET, "/v1/jobs/{job}/audit", Admin, "audit", Programs, jobs::audit),
    row(POST, "/v1/jobs/{job}/requeue", Admin, "requeue", Programs, jobs::requeue),

    row(GET, "/v1/batches", Inventory, "history", Programs, batches::history),
    row(GET, "/v1/batches/{claim_token}", Work, "batch", Programs, batches::batch),
    row(GET, "/v1/batches/{claim_token}/items", Work, "items", Programs, batches::items),
    row(POST, "/v1/batches/{claim_token}/heartbeat", Work, "heartbeat", Programs, batches::heartbeat),
    row(POST, "/v1/batches/{claim_token}/complete", Work, "complete", Programs, batches::complete),
    row(POST, "/v1/batches/{claim_token}/fail", Work, "fail", Programs, batches::fail),
    row(POST, "/v1/batches/{claim_token}/release", Work, "release", Programs, batches::release),
    row(GET, "/v1/tables/{meta_table}/items/{uid}/history", Inventory, "item-history", Programs, batches::item_history),

    row(GET, "/", Inventory, "dashboard", People, home::page),
    row(GET, "/dashboard/job", Inventory, "dashboard", People, job::page),
    row(GET, "/dashboard/items", Inventory, "dashboard", People, items::page),
    row(POST, "/dashboard/requeue", Admin, "requeue", People, requeue::answer),
    row(GET, "/dashboard/sign-in", Open, "dashboard", People, sign_in::page),
    row(POST, "/dashboard/signed-in", Open, "dashboard", People, sign_in::take),
    row(POST, "/dashboard/sign-out", Open, "dashboard", People, sign_in::forget),
    row(GET, "/dashboard/style.css", Open, "dashboard", People, assets::style),
    row(GET, "/dashboard/refresh.js", Open, "dashboard", People, assets::script),
];

const fn row(
    method: Method,
    path: &'static str,
    access: Access,
    name: &'static str,
    audience: Audience,
    handler: Handler,
) -> Route {
    Route {
        method,
        path,
        access,
        name,
        audience,
        handler,
    }
}

impl Route {
    /// The route of a request, with what its path names.
    pub(crate) fn find(method: &Method, path: &str) -> Result<(&'static Self, Names), Problem> {
        let segments = segments(path)?;
        let (route, names) = (ROUTES.iter())
            .find_map(|route| Some((route, Names::of(route.path, &segments)?)))
            .ok_or_else(Problem::not_found)?;
        let is_meant =
            *method == route.method || (*method == Method::HEAD && route.method == Method::GET);
        match (is_meant, route.method == Method::GET) {
            (true, _) => Ok((route, names)),
            (false, true) => Err(Problem::method_not_allowed("GET, HEAD")),
            (false, false) => Err(Problem::method_not_allowed("POST")),
        }
    }

    /// Whether it is a page, with what is in the inventory.
    pub(crate) fn is_page(&self) -> bool {
        self.audience == People && self.method == Method::GET && self.access != Open
    }
}

/// The paths of all routes.
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.path)
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
    fn what_is_routed_for_programs_is_described_and_what_is_described_is_routed() {
        let routed: BTreeSet<_> = (ROUTES.iter())
            .filter(|route| route.audience != People)
            .map(|route| (route.method.to_string(), route.path.to_owned()))
            .collect();
        assert_eq!(routed, described());
    }

    #[test]
    fn every_route_is_found_with_its_names() {
        for route in &ROUTES {
            let filled = route.path.replace(['{', '}'], "");
            let (found, names) = Route::find(&route.method, &filled).unwrap_or_else(|problem| {
                panic!("{filled}: {}", problem.detail);
            });
            assert_eq!(found.path, route.path);
            for part in route.path.split('/').filter(|part| part.starts_with('{')) {
                let name = part.trim_matches(['{', '}']);
                assert_eq!(names.get(name), Some(name), "{}", route.path);
            }
        }
    }

    fn find(method: Method, path: &str) -> Result<(&'static str, Names), u16> {
        Route::find(&method, path)
            .map(|(route, names)| (route.path, names))
            .map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn names_are_taken_from_the_path_once_decoded() {
        let (path, names) = find(POST, "/v1/jobs/a%2Fb%20c/batches").unwrap();
        assert_eq!(path, "/v1/jobs/{job}/batches");
        assert_eq!(names.get("job"), Some("a/b c"));
        let item = "/v1/tables/public.files/items/-5/history";
        let (path, mut names) = find(Method::GET, item).unwrap();
        assert_eq!(path, "/v1/tables/{meta_table}/items/{uid}/history");
        assert_eq!(names.take("meta_table"), "public.files");
        assert_eq!(names.take("uid"), "-5");
    }

    #[test]
    fn what_is_read_can_be_asked_for_without_its_body() {
        let (path, _) = find(Method::HEAD, "/v1/jobs").unwrap();
        assert_eq!(path, "/v1/jobs");
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
            "/dashboard",
            "/dashboard/",
        ] {
            assert_eq!(find(Method::GET, path), Err(404), "{path}");
        }
        assert_eq!(find(GET, "/v1/jobs/%ff/audit"), Err(400));
        assert_eq!(find(Method::DELETE, "/v1/jobs"), Err(405));
    }
}
