//! Components of components.

use anyhow::{Context, Result};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

/// Gives a component what others export of what it imports. What is left of its imports, and what
/// the others import, the whole imports.
pub fn plug(socket: &[u8], plugs: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let package = Package::from_bytes(
        "batchintory:socket",
        None,
        socket.to_vec(),
        graph.types_mut(),
    )
    .context("a component cannot be read")?;
    let socket = graph.register_package(package)?;
    let mut registered = Vec::new();
    for (name, bytes) in plugs {
        let package = Package::from_bytes(name, None, bytes.to_vec(), graph.types_mut())
            .with_context(|| format!("the component {name} cannot be read"))?;
        registered.push(graph.register_package(package)?);
    }
    wac_graph::plug(&mut graph, registered, socket).context("nothing of the components fits")?;
    Ok(graph.encode(EncodeOptions::default())?)
}
