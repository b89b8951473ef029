//! The OPC UA server of a live session: starting it, and what is said of it.

use std::net::SocketAddr;

use sim_plant::spec::{TagKind, TagSpec};
use twinrange_bridge::live::opcua::{Node, NodeKind, Nodes, PROGRAM, Served};
use twinrange_bridge::live::{OpcuaError, OpcuaOut};
use twinrange_range::evidence::EPOCH_UNIX_NS;
use twinrange_range::problem::Problem;

use crate::support::beside::beside;
use crate::support::recording::Recording;
use crate::support::scenario::Ready;

/// Starts the server with the plant's tags.
///
/// # Errors
///
/// `TR0606` if there is no such program, `TR0602` if it cannot listen at the address.
pub(super) fn serve(address: SocketAddr, ready: &Ready) -> Result<OpcuaOut, Problem> {
    let build = "build it: cargo build --release -p twinrange-opcua";
    let program = beside(PROGRAM).ok_or_else(|| {
        let message = format!("the OPC UA server `{PROGRAM}` does not lie beside this program");
        Problem::new("TR0606", message).hint(build)
    })?;
    let nodes = nodes(ready);
    OpcuaOut::start(&program, address, &nodes).map_err(|error| match error {
        OpcuaError::Program(_) => Problem::new("TR0606", error.to_string()).hint(build),
        OpcuaError::Server(_) => {
            let message = format!("OPC UA clients cannot be served: {error}");
            Problem::new("TR0602", message)
                .hint("name another address with `--opcua`; port 0 takes a free one")
        }
    })
}

/// What clients see: the tags of the plant, in the order in which a session has them.
fn nodes(ready: &Ready) -> Nodes {
    let plant = &ready.prepared.plant;
    let mut tags: Vec<&TagSpec> = plant.tags.iter().collect();
    tags.sort_by(|one, other| one.name.cmp(&other.name));
    let node = |tag: &TagSpec| Node {
        name: tag.name.clone(),
        device: tag.controller.clone(),
        kind: match tag.kind {
            TagKind::Bool => NodeKind::Boolean,
            TagKind::Int | TagKind::Uint | TagKind::Dint | TagKind::Udint | TagKind::Real => {
                NodeKind::Double
            }
        },
        unit: tag.unit.clone(),
        description: tag.description.clone(),
    };
    Nodes {
        plant: plant.name.clone(),
        epoch_unix_ns: EPOCH_UNIX_NS,
        tags: tags.into_iter().map(node).collect(),
    }
}

/// The server was started before there was a session, and samples name a tag by its place.
pub(super) fn assert_same_tags(ready: &Ready, recording: &Recording<'_>) {
    let told = nodes(ready).tags;
    let told = told.iter().map(|tag| &tag.name);
    let tags = recording.session.world().tags().iter();
    assert!(
        tags.map(|tag| &tag.name).eq(told),
        "tags have another order"
    );
}

/// Says what the server did not take.
pub(super) fn note(served: &Served) {
    let lost = served.lost;
    match &served.trouble {
        None if lost == 0 => {}
        None => eprintln!("note: the OPC UA server did not take {lost} samples"),
        Some(why) if lost == 0 => eprintln!("note: the OPC UA server failed: {why}"),
        Some(why) => {
            eprintln!("note: the OPC UA server did not take at least {lost} samples: {why}");
        }
    }
}
