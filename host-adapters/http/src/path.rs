//! Paths, and what they name.

use percent_encoding::percent_decode_str;

use crate::problem::Problem;

/// What the parts of a path are that its route leaves open, by the names that they have there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(Vec<(&'static str, String)>);

impl Names {
    /// What a path names, if it is the one of a route; there, `{…}` is any one part.
    pub(crate) fn of(route: &'static str, segments: &[String]) -> Option<Self> {
        let expected = parts(route);
        if expected.clone().count() != segments.len() {
            return None;
        }
        let mut names = Vec::new();
        for (expected, segment) in expected.zip(segments) {
            match name(expected) {
                Some(name) => names.push((name, segment.clone())),
                None if expected == segment => {}
                None => return None,
            }
        }
        Some(Self(names))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A name that the route has.
    pub(crate) fn take(&mut self, name: &str) -> String {
        let found = self.0.iter_mut().find(|(known, _)| *known == name);
        found.map_or_else(String::new, |(_, value)| std::mem::take(value))
    }
}

/// The name of a part that is left open.
fn name(part: &'static str) -> Option<&'static str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

/// A path's parts; `/` has none.
fn parts(path: &str) -> impl Iterator<Item = &str> + Clone {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').filter(move |_| !path.is_empty())
}

/// A path's parts, decoded one by one: an encoded slash does not part them.
pub(crate) fn segments(path: &str) -> Result<Vec<String>, Problem> {
    parts(path)
        .map(|segment| {
            let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| {
                Problem::invalid_request("the path, once decoded, is not UTF-8 text")
            })?;
            Ok(decoded.into_owned())
        })
        .collect()
}
