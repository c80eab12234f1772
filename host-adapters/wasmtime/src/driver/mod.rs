//! Drivers: one database each. All have the same rooms: the driver itself, its values, its errors.

pub(crate) mod mysql;
pub(crate) mod postgres;
pub(crate) mod sqlite;
mod time_limit;
mod tls;
