//! Components of components.

use anyhow::{Context, Result};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId};

/// Gives a component what another one exports of what it imports. What is left of its imports, and what
/// the other one imports, the whole imports.
pub fn plug(socket: &[u8], plug: &[u8]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let socket = register(&mut graph, "batchintory:socket", socket)?;
    let plug = register(&mut graph, "batchintory:plug", plug)?;
    wac_graph::plug(&mut graph, vec![plug], socket).context("nothing of the components fits")?;
    Ok(graph.encode(EncodeOptions::default())?)
}

fn register(graph: &mut CompositionGraph, name: &str, component: &[u8]) -> Result<PackageId> {
    let package = Package::from_bytes(name, None, component, graph.types_mut())
        .with_context(|| format!("the component {name} cannot be read"))?;
    Ok(graph.register_package(package)?)
}
