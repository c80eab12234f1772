//! Temporary files in memory: tests make hundreds of databases that nobody keeps, and wait for a slow disk
//! most of their time.

use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs};

/// Where Linux keeps files in memory, for whoever wants.
const FOLDER: &str = "/dev/shm";

/// Tests need a part of it; programs under test the rest.
const LEAST_KIBIBYTES: u64 = 8 * 1024 * 1024;

/// The folder for temporary files in memory, unless `TMPDIR` names another one or there is little room.
pub fn folder() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<&'static Path>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let has_room = || {
            let told = fs::read_to_string("/proc/meminfo").unwrap_or_default();
            available(&told).is_some_and(|available| available >= LEAST_KIBIBYTES)
        };
        let folder = Path::new(FOLDER);
        (env::var_os("TMPDIR").is_none() && folder.is_dir() && has_room()).then_some(folder)
    })
}

/// How much memory programs may take, in KiB, by the text of `/proc/meminfo`.
fn available(told: &str) -> Option<u64> {
    let line = (told.lines()).find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_as_linux_tells_it() {
        let told =
            "MemTotal:       24669068 kB\nMemFree:  1606968 kB\nMemAvailable:   20480000 kB\n";
        assert_eq!(available(told), Some(20_480_000));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
        assert_eq!(available("MemAvailable: much\n"), None);
    }
}
