//! What the components have in common that give the HTTP service its databases and its settings.

#[cfg(target_family = "wasm")]
mod log;

#[cfg(target_family = "wasm")]
pub use log::write_line;

/// Who may do what, as it is written: texts for the service, which alone knows what they mean.
#[derive(Clone, Default)]
pub struct Access {
    /// A token that may do everything.
    pub api_token: Option<String>,
    /// Further tokens.
    pub api_tokens: Option<String>,
    /// Whether reading the inventory needs none.
    pub public_reads: Option<String>,
    /// The meta tables that callers may name.
    pub allowed_tables: Option<String>,
    /// The address under which callers reach the service.
    pub public_url: Option<String>,
}
