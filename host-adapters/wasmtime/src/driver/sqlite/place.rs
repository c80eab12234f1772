//! Where an SQLite database is, and how it is opened.

use std::path::Path;

use batchintory_database_url::{SqliteUrl, unsupported};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusqlite::{Error, ErrorCode, OpenFlags};

use crate::connect::Access;

/// Options of SQLite's own URLs; `uri` is SQLAlchemy's word for one of these.
const OPTIONS: [&str; 7] = ["cache", "immutable", "mode", "nolock", "psow", "uri", "vfs"];

/// What is encoded in a path that becomes part of a URL of SQLite's.
const ENCODED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_');

/// Where a database is, and how it is opened.
pub(super) struct Place {
    /// A path, `:memory:`, or a URL of SQLite's own where a path cannot say all.
    pub(super) name: String,
    pub(super) flags: OpenFlags,
    pub(super) is_in_memory: bool,
    pub(super) is_read_only: bool,
}

impl Place {
    /// Reads a URL's path and options.
    pub(super) fn of(url: &SqliteUrl, access: Access) -> Result<Self, String> {
        if let Some(refusal) = unsupported(&url.options, &OPTIONS) {
            return Err(refusal);
        }
        let path = url.path.as_str();
        if path.is_empty() {
            return Err("the path of the file is missing, as in sqlite:lake.sqlite".into());
        }
        let is_uri = path.starts_with("file:");
        let given = |wanted: &str| {
            let found = url.options.iter().find(|(name, _)| name == wanted);
            found.map_or("", |(_, value)| value.as_str())
        };
        let mode = given("mode");
        if !["", "memory", "ro", "rw", "rwc"].contains(&mode) {
            return Err("mode must be one of memory, ro, rw and rwc".into());
        }
        let is_named_memory = path == ":memory:";
        let is_in_memory = is_named_memory || mode == "memory";
        let is_read_only = !is_in_memory
            && (access == Access::ReadOnly
                || mode == "ro"
                || !["", "0"].contains(&given("immutable")));
        let must_exist = access != Access::Create || is_read_only || mode == "rw";
        if must_exist && !is_in_memory && !is_uri && !Path::new(path).exists() {
            return Err("there is no such file".into());
        }
        let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        flags |= match (is_read_only, must_exist) {
            (true, _) => OpenFlags::SQLITE_OPEN_READ_ONLY,
            (false, true) => OpenFlags::SQLITE_OPEN_READ_WRITE,
            (false, false) => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        // The flags say what `mode` says, but for a database in memory.
        let options: Vec<String> = (url.options.iter())
            .filter(|(name, value)| name != "uri" && !value.is_empty())
            .filter(|(name, value)| name != "mode" || value == "memory")
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, &ENCODED)))
            .collect();
        let file = match (is_uri, options.is_empty() || is_named_memory) {
            (_, true) => path.to_owned(),
            (true, false) => format!("{path}?{}", options.join("&")),
            (false, false) => format!(
                "file:{}?{}",
                utf8_percent_encode(path, &ENCODED),
                options.join("&")
            ),
        };
        Ok(Self {
            name: file,
            flags,
            is_in_memory,
            is_read_only,
        })
    }

    /// Why the database cannot be opened. A file in WAL mode needs two others beside it, even to be read.
    pub(super) fn explain(&self, error: &Error) -> String {
        let code = error.sqlite_error_code();
        let may_be_wal = matches!(code, Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly));
        if self.is_read_only && may_be_wal {
            return format!(
                "{error}; if the file is in WAL mode and its folder cannot be written to, it can be read where \
                 nobody writes to it: put ?immutable=1 behind its path"
            );
        }
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, options: &[(&str, &str)], access: Access) -> Result<Place, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let url = SqliteUrl {
            path: path.to_owned(),
            options: options.iter().map(owned).collect(),
        };
        Place::of(&url, access)
    }

    #[test]
    fn a_path_stays_one_unless_sqlite_must_be_told_more() -> Result<(), String> {
        let file = "src/lib.rs";
        for (path, options, name, is_read_only) in [
            ("a%b?.sqlite", &[][..], "a%b?.sqlite", false),
            (file, &[("mode", "ro")], file, true),
            (
                file,
                &[("immutable", "1")],
                "file:src/lib.rs?immutable=1",
                true,
            ),
            (
                file,
                &[("immutable", "0")],
                "file:src/lib.rs?immutable=0",
                false,
            ),
            (
                "file:a%20b",
                &[("mode", "ro"), ("uri", "true")],
                "file:a%20b",
                true,
            ),
            ("file:a", &[("vfs", "u&x")], "file:a?vfs=u%26x", false),
            ("a b", &[("nolock", "1")], "file:a%20b?nolock=1", false),
            (":memory:", &[("mode", "ro")], ":memory:", false),
            ("m", &[("mode", "memory")], "file:m?mode=memory", false),
        ] {
            let place = place(path, options, Access::Create)?;
            assert_eq!(
                (place.name.as_str(), place.is_read_only),
                (name, is_read_only)
            );
        }
        Ok(())
    }

    #[test]
    fn a_file_is_made_only_where_it_may_be() {
        for (options, access) in [
            (&[][..], Access::ReadOnly),
            (&[], Access::ReadWrite),
            (&[("mode", "rwc")], Access::ReadOnly),
            (&[("mode", "rw")], Access::Create),
            (&[("immutable", "1")], Access::Create),
        ] {
            let refusal = place("/no/such", options, access).err().unwrap_or_default();
            assert_eq!(refusal, "there is no such file", "{options:?}");
        }
        assert!(place("", &[], Access::Create).is_err());
        assert!(place("m", &[("mode", "memory")], Access::ReadOnly).is_ok());
        let refusal = place("x", &[("mode", "r0")], Access::Create).err();
        assert!(refusal.is_some_and(|refusal| refusal.contains("one of memory, ro, rw")));
        let refusal = place("x", &[("sslmode", "on")], Access::Create).err();
        assert!(refusal.is_some_and(|refusal| refusal.contains("the option sslmode")));
    }
}
