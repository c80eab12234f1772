//! `batchintory migrate`

use crate::error::{Code, Failure};
use crate::output::print_json;
use crate::settings::Settings;
use crate::stderr::tell;

/// Creates the inventory table where it is missing, or upgrades one of pybatchintory.
pub async fn run(settings: &Settings, json: bool) -> Result<Code, Failure> {
    let migration = settings.new_inventory().await?.migrate().await?;
    if json {
        print_json(&migration)?;
    } else if migration.created {
        tell("created the inventory");
    } else if migration.upgraded {
        tell(
            "upgraded the inventory of pybatchintory; `history --queue exhausted` lists what failed",
        );
    }
    Ok(Code::Done)
}
