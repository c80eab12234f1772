//! One module per command.

pub mod attack;
pub mod bench;
pub mod compatibility;
pub mod component;
pub mod demo;
pub mod docs;
pub mod fuzz;
pub mod lint;
pub mod package;
pub mod setup;
pub mod simulate;
pub mod test;
pub mod version;
