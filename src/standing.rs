//! Where a job stands: what its next claim goes by, read in one statement.

use crate::configuration;
use crate::database::Database;
use crate::databases::{Databases, RowReader};
use crate::error::Error;
use crate::interface::OnChange;
use crate::job::Job;
use crate::next_batch::Density;
use crate::watermark::Watermark;

/// Where a job stands.
pub(crate) struct Standing {
    /// How far its ranges reach.
    pub(crate) watermark: Watermark,
    /// How dense its highest range is.
    pub(crate) density: Density,
    /// The request of its highest range, as it is kept.
    config: Option<String>,
    /// The inventory id of the oldest attempt whose range is to be handed out again.
    pub(crate) waiting: Option<i64>,
}

/// Reads where a job stands.
pub(crate) async fn read<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
) -> Result<Standing, Error> {
    let meta_table = job.meta_table.to_string();
    let statement =
        (databases.inventory).read_standing(&meta_table, &job.name, job.bounds, job.retries);
    let Some(mut row) = RowReader::first(databases.inventory(statement).await?)? else {
        return Ok(Standing {
            watermark: Watermark::at(None),
            density: Density::default(),
            config: None,
            waiting: None,
        });
    };
    let (id_start, id_end) = (row.int()?, row.int()?);
    Ok(Standing {
        watermark: Watermark::at(Some(id_end)),
        density: Density {
            count: row.count()?,
            weight: row.double()?,
            span: id_end.abs_diff(id_start).saturating_add(1),
        },
        config: Some(row.text()?),
        waiting: row.optional_int()?,
    })
}

impl Standing {
    /// Refuses a job whose configuration differs from that of its highest range: what was passed
    /// over under the one would be missed under the other.
    ///
    /// `config` is the job's request as it is to be kept. One that is not understood, such as an
    /// other program's, tells of no difference.
    pub(crate) fn check_configuration(&self, job: &Job, config: &str) -> Result<(), Error> {
        let Some(before) = self.config.as_deref() else {
            return Ok(());
        };
        if before == config || job.request.on_change == OnChange::Accept {
            return Ok(());
        }
        let Some(before) = configuration::read(before) else {
            return Ok(());
        };
        let differences = configuration::differences(&before, &job.request);
        if differences.is_empty() {
            return Ok(());
        }
        Err(Error::ConfigurationChanged(format!(
            "the job {:?} has another configuration than its latest range: {}; nothing was handed \
             out: ask as before, name another job, or accept the change (`on-change`)",
            job.name,
            differences.join("; ")
        )))
    }
}
