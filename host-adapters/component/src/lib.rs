//! batchintory's WebAssembly components, as bytes.
//!
//! A published version of this crate holds the bytes that `cargo xtask component` built for it, and
//! their SHA-256, which the build checks. In a checkout they come from the target directory.
//! `BATCHINTORY_COMPONENT` and `BATCHINTORY_HTTP_COMPONENT` in the environment of the build name
//! other files.

#![forbid(unsafe_code)]

#[cfg(any(feature = "planner", feature = "service"))]
include!(concat!(env!("OUT_DIR"), "/found.rs"));

/// The planner: it imports a database and randomness, and exports the inventory.
///
/// # Panics
///
/// In a checkout that has not built it. Call it in a constant: then that is an error of the build.
#[cfg(feature = "planner")]
#[must_use]
pub const fn planner() -> &'static [u8] {
    embedded(FOUND_PLANNER)
}

/// The HTTP service with the planner: it imports a database and its configuration, and answers
/// requests.
///
/// # Panics
///
/// In a checkout that has not built it. Call it in a constant: then that is an error of the build.
#[cfg(feature = "service")]
#[must_use]
pub const fn service() -> &'static [u8] {
    embedded(FOUND_SERVICE)
}

#[cfg(any(feature = "planner", feature = "service"))]
const fn embedded(found: Result<&'static [u8], &'static str>) -> &'static [u8] {
    match found {
        Ok(bytes) => bytes,
        Err(why) => panic!("{}", why),
    }
}
