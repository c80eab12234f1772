//! What a caller needs.

/// What a caller needs for what a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// A token of any role: it tells what the service is, and nothing of what it has.
    Known,
    /// To see what is in the inventory, without results and logs: the role `read`, or reading is public.
    Inventory,
    /// The role `read`.
    Read,
    /// The role `work`.
    Work,
    /// The role `admin`.
    Admin,
}
