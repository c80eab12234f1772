//! A request on its way to what answers it.

use crate::authorization::Caller;
use crate::callers_inventory::CallersInventory;
use crate::notices::Notices;
use crate::path::Names;
use crate::request::Request;
use crate::settings::Rules;

/// A request that may be answered, with all that its answer goes by.
pub(crate) struct Asked<'a> {
    /// What its path names.
    pub(crate) names: Names,
    pub(crate) request: Request<'a>,
    pub(crate) caller: &'a Caller<'a>,
    pub(crate) rules: &'a Rules,
    pub(crate) inventory: &'a CallersInventory<'a>,
    pub(crate) notices: &'a dyn Notices,
}
