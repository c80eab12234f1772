//! Giving memory back to the system.

/// Gives back what was freed and is not used. The allocator of glibc keeps it by itself, some 20 MB for each
/// thread, long after a crowd has gone.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back() {
    // SAFETY: it may be called at any time, and changes nothing that is in use.
    #[allow(unsafe_code)]
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
