//! The planner component: compiled once, instantiated as often as needed.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use wasmtime::component::{Component, Linker};
use wasmtime::{Cache, Config, Engine};

use crate::database::Databases;
use crate::error::Error;
use crate::host::{Host, PlannerPre, add_to_linker};
use crate::instance::PlannerInstance;
use crate::limits::{Limits, start_ticking};

/// A planner component, compiled and ready to be instantiated. Cheap to clone.
#[derive(Clone)]
pub struct PlannerComponent {
    planner: Arc<PlannerPre<Host>>,
}

impl PlannerComponent {
    /// The component that this crate was built with.
    pub const EMBEDDED: &[u8] = batchintory_component::planner();

    /// The component that this crate was built with, compiled once per process; the compiled code
    /// is kept in the user's cache directory for the next one.
    pub fn embedded() -> Result<Self, Error> {
        static COMPILED: OnceLock<PlannerComponent> = OnceLock::new();
        if let Some(compiled) = COMPILED.get() {
            return Ok(compiled.clone());
        }
        let compiled = Self::compile(Self::EMBEDDED, "the embedded component")?;
        Ok(COMPILED.get_or_init(|| compiled).clone())
    }

    /// Another component, from a file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::ComponentFile {
            path: path.into(),
            source,
        })?;
        Self::compile(&bytes, &format!("the file {}", path.display()))
    }

    /// Another component, from its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::compile(bytes, "what was given")
    }

    /// A new instance over these databases; [`crate::Inventory`] makes them by itself.
    pub async fn instantiate(
        &self,
        databases: Databases,
        limits: Limits,
    ) -> Result<PlannerInstance, Error> {
        PlannerInstance::new(&self.planner, databases, limits).await
    }

    fn compile(bytes: &[u8], origin: &str) -> Result<Self, Error> {
        let compile = || -> wasmtime::Result<PlannerPre<Host>> {
            let engine = engine()?;
            let component = Component::from_binary(&engine, bytes)?;
            let mut linker = Linker::new(&engine);
            add_to_linker(&mut linker)?;
            PlannerPre::new(linker.instantiate_pre(&component)?)
        };
        let planner = compile().map_err(|error| Error::Component {
            origin: origin.into(),
            reason: format!("{error:#}"),
        })?;
        Ok(Self {
            planner: Arc::new(planner),
        })
    }
}

impl std::fmt::Debug for PlannerComponent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PlannerComponent")
    }
}

pub(crate) fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    // Looking at a clock costs half of what fuel does.
    config.epoch_interruption(true);
    // Without a directory to keep compiled code in, it is compiled anew: slower, never wrong.
    config.cache(Cache::from_file(None).ok());
    let engine = Engine::new(&config)?;
    start_ticking(&engine)?;
    Ok(engine)
}
