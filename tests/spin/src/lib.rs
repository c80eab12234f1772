//! A host with the interfaces that Spin gives to components: it serves what a `spin.toml` names, as
//! `spin up` does, for tests on machines without Spin.
//!
//! Where Spin would hang or be slow, a request ends with an error that tells so: see `postgres.rs` and
//! `answer.rs`.
//!
//! An instance serves one request. It sees the variables and reaches the hosts and databases that the
//! manifest names, and nothing else.

mod answer;
mod host;
pub mod manifest;
mod postgres;
mod sqlite;

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use batchintory_server::HttpComponent;
use tokio::net::TcpListener;

use host::{Application, Imports};
use manifest::Manifest;

/// Serves the component of a manifest until the runtime ends. Gives back its URL.
///
/// `variables` are those that a user sets; `sqlite` is the file of the database `default`.
pub async fn up(
    manifest: &Path,
    variables: HashMap<String, String>,
    sqlite: PathBuf,
) -> Result<String> {
    let folder = manifest.parent().context("a manifest is in a folder")?;
    let manifest = Manifest::read(manifest)?;
    let component = manifest.only_component()?;
    let source = folder.join(&component.source);
    let application = Application {
        variables: manifest.component_variables(component, &variables)?,
        allowed_hosts: manifest.allowed_hosts(component, &variables)?,
        sqlite_databases: component.sqlite_databases.clone(),
        sqlite,
    };
    let imports = Arc::new(application);
    let component = compiled(&source)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let handle = move |request| {
        let (component, imports) = (component.clone(), imports.clone());
        let imports = move || Imports::new(imports.clone());
        async move { Ok::<_, Infallible>(component.handle(imports, request).await) }
    };
    tokio::spawn(batchintory_server::serve(
        listener,
        batchintory_server::ServerOptions::default(),
        handle,
        std::future::pending(),
    ));
    Ok(url)
}

/// The component of a file, compiled once for all applications of this process: even compiled code that
/// is kept takes a second of computing to read where nothing is optimised.
fn compiled(source: &Path) -> Result<Arc<HttpComponent<Imports>>> {
    static COMPILED: Mutex<BTreeMap<PathBuf, Arc<HttpComponent<Imports>>>> =
        Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(component) = compiled.get(source) {
        return Ok(component.clone());
    }
    let bytes = std::fs::read(source).with_context(|| {
        format!(
            "{} cannot be read: run `cargo xtask component`",
            source.display()
        )
    })?;
    let component = Arc::new(HttpComponent::compile(&bytes, host::add_imports)?);
    compiled.insert(source.to_owned(), component.clone());
    Ok(component)
}
