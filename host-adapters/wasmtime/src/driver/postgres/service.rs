//! Connection services: parameters by a name, in a file.

use std::path::PathBuf;

use super::keyword;
use super::surroundings::{Surroundings, text_of};

/// The parameters of a service: in the given file, else in that of the user's home, else in the system's.
pub(super) fn parameters(
    service: &str,
    file: Option<&str>,
    surroundings: &Surroundings,
) -> Result<Vec<(&'static str, String)>, String> {
    let own = match file {
        Some(file) => Some(PathBuf::from(file)),
        None => surroundings.in_home(".pg_service.conf"),
    };
    let folder = surroundings.variable("PGSYSCONFDIR");
    let system = folder.map(|folder| PathBuf::from(folder).join("pg_service.conf"));
    for path in own.into_iter().chain(system) {
        let unusable = |reason: String| format!("the service file {}: {reason}", path.display());
        let Some(text) = text_of(&path).map_err(unusable)? else {
            continue;
        };
        if let Some(found) = section(&text, service).map_err(unusable)? {
            return Ok(found);
        }
    }
    Err(
        "the service is in none of the service files: PGSERVICEFILE, ~/.pg_service.conf, and \
         pg_service.conf in PGSYSCONFDIR"
            .into(),
    )
}

/// The parameters below `[service]`. No line is told: there may be a password in it.
fn section(text: &str, service: &str) -> Result<Option<Vec<(&'static str, String)>>, String> {
    let mut found: Option<Vec<(&'static str, String)>> = None;
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            if found.is_some() {
                break;
            }
            if name == service {
                found = Some(Vec::new());
            }
            continue;
        }
        let Some(parameters) = &mut found else {
            continue;
        };
        let fault = |reason: &str| format!("line {number} of the service {reason}");
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| fault("is not of the form name=value"))?;
        let keyword = keyword::find(name.trim_end())
            .ok_or_else(|| fault("has a parameter that is not known"))?;
        if keyword.name == "service" {
            return Err(fault("names another service, which is not supported"));
        }
        // As in libpq, the first one counts.
        if parameters.iter().all(|(given, _)| *given != keyword.name) {
            parameters.push((keyword.name, value.trim_start().to_owned()));
        }
    }
    Ok(found)
}
