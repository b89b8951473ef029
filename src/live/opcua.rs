//! The OPC UA server of a live session: starting it, and what is said of it.

use std::net::SocketAddr;

use twinrange_bridge::live::opcua::{PROGRAM, Served};
use twinrange_bridge::live::{OpcuaError, OpcuaOut, PlantTags};
use twinrange_range::problem::Problem;

use crate::support::beside::beside;

/// What the server says first where it is the address that is wrong.
const CANNOT_LISTEN: &str = "cannot listen";

/// Starts the server with the plant's tags.
///
/// # Errors
///
/// `TR0606` if there is no such program, `TR0602` if it cannot listen at the address.
pub(super) fn serve(address: SocketAddr, plant: &PlantTags) -> Result<OpcuaOut, Problem> {
    let build = "build it: cargo build --release -p twinrange-opcua";
    let program = beside(PROGRAM).ok_or_else(|| {
        let message = format!("the OPC UA server `{PROGRAM}` does not lie beside this program");
        Problem::new("TR0606", message).hint(build)
    })?;
    OpcuaOut::start(&program, address, plant).map_err(|error| match error {
        OpcuaError::Program(_) => Problem::new("TR0606", error.to_string()).hint(build),
        OpcuaError::Server(why) => {
            let problem = Problem::new("TR0602", format!("OPC UA clients cannot be served: {why}"));
            if why.starts_with(CANNOT_LISTEN) {
                return problem
                    .hint("name another address with `--opcua`; port 0 takes a free one");
            }
            problem
        }
    })
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
