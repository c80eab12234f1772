//! Drivers: one database each. All have the same rooms: the driver itself, its values, its errors.

pub(crate) mod mysql;
pub(crate) mod postgres;
mod server_options;
pub(crate) mod sqlite;
mod standby;
mod time_limit;
mod tls;
