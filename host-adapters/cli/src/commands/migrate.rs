//! `batchintory migrate`

use crate::error::{Code, Failure};
use crate::output::{print_json, tell};
use crate::settings::Settings;

/// Creates the inventory table where it is missing.
pub async fn run(settings: &Settings, json: bool) -> Result<Code, Failure> {
    let migration = settings.new_inventory().await?.migrate().await?;
    if json {
        print_json(&migration)?;
    } else if migration.created {
        tell("created the inventory");
    }
    Ok(Code::Done)
}
