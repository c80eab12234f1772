//! Paths as logs may hold them: whoever knows a claim token owns the batch, and a path may hold one in any
//! spelling, also where it leads nowhere.

use percent_encoding::percent_decode_str;

use crate::routes;

/// How many parts of a path are shown.
const PARTS: usize = 8;

/// How long a job's or a table's name may be, as the path spells it, to be shown.
const LONGEST: usize = 800;

/// A path without what may be a claim token. Where it is one of the API's, names of jobs and tables are
/// shown as they are spelled; where it leads nowhere, only words that paths of the service have.
#[must_use]
pub fn logged_path(path: &str) -> String {
    let parts: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    let shown: Vec<&str> = match routes::paths().find_map(|route| named(route, &parts)) {
        Some(shown) => shown,
        None => parts.iter().take(PARTS).map(|part| known(part)).collect(),
    };
    let end = if parts.len() > shown.len() {
        "/…"
    } else {
        ""
    };
    format!("/{}{end}", shown.join("/"))
}

/// The parts of a path, if it is this route's, but for a claim token.
fn named<'a>(route: &str, parts: &[&'a str]) -> Option<Vec<&'a str>> {
    let route: Vec<&str> = route.split('/').skip(1).collect();
    if route.len() != parts.len() {
        return None;
    }
    let mut shown = Vec::new();
    for (expected, part) in route.into_iter().zip(parts) {
        match expected {
            "{claim_token}" => shown.push("…"),
            name if name.starts_with('{') => shown.push(match part.len() {
                0..=LONGEST => part,
                _ => "…",
            }),
            word if word == decoded(part) => shown.push(part),
            _ => return None,
        }
    }
    Some(shown)
}

/// A part that is a word of the service's own paths, spelled simply, or what stands for any other.
fn known(part: &str) -> &'static str {
    let decoded = decoded(part);
    if decoded.is_empty() {
        return "";
    }
    routes::paths()
        .flat_map(|path| path.split('/'))
        .find(|word| *word == decoded && !word.starts_with('{'))
        .unwrap_or("…")
}

fn decoded(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_path_has_its_claim_token_shown() {
        for (path, shown) in [
            ("/", "/"),
            ("/healthz", "/healthz"),
            ("/v1/jobs/a%2Fb/batches", "/v1/jobs/a%2Fb/batches"),
            (
                "/v1/tables/files/items/1/history",
                "/v1/tables/files/items/1/history",
            ),
            ("/v1/batches", "/v1/batches"),
            ("/dashboard/job", "/dashboard/job"),
            ("/v1/batches/s3cret/items", "/v1/batches/…/items"),
            ("/v1/%62atches/s3cret/items", "/v1/%62atches/…/items"),
            (
                "/%76%31/b%61tches/s3cret/%63omplete",
                "/%76%31/b%61tches/…/%63omplete",
            ),
            ("//v1/batches/s3cret/items", "//v1/batches/…/items"),
            ("/v1//batches/s3cret/items", "/v1//batches/…/items"),
            ("/v1/batches/s3cret", "/v1/batches/…"),
            ("/v1/batches/s3cret/", "/v1/batches/…/"),
            ("/v1/batches/s3cret/nothing", "/v1/batches/…/…"),
            ("/v1/batches/items/s3cret", "/v1/batches/items/…"),
            ("/v1/batches%2Fs3cret%2Fitems", "/v1/…"),
            ("/V1/batches/s3cret/items", "/…/batches/…/items"),
            ("/v1/../v1/batches/s3cret/items", "/v1/…/v1/batches/…/items"),
            ("s3cret", "/…"),
            ("*", "/…"),
            (
                "http://x/v1/batches/s3cret/items",
                "/…//…/v1/batches/…/items",
            ),
            ("/%ff/s3cret", "/…/…"),
            ("/1/2/3/4/5/6/7/8/9/10", "/…/…/…/…/…/…/…/…/…"),
        ] {
            assert_eq!(logged_path(path), shown, "{path}");
        }
        let long = format!("/v1/jobs/{}/plan", "x".repeat(5_000));
        assert_eq!(logged_path(&long), "/v1/jobs/…/plan");
    }
}
