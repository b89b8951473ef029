//! Where real clients find the controllers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use sim_wire::modbus::PORT;
use twinrange_bridge::live::{Doors, Tls, TlsError, tls};
use twinrange_range::outside::Outside;
use twinrange_range::problem::Problem;

use super::Args;
use crate::support::scenario::Ready;

/// A controller, and where real clients find it.
pub(super) struct OpenDoor {
    pub(super) plc: String,
    pub(super) unit: u8,
    pub(super) inside: SocketAddrV4,
    pub(super) address: SocketAddr,
    /// Where it speaks Modbus inside TLS.
    pub(super) tls: Option<SocketAddr>,
}

/// Reads the files of TLS doors, if there are to be any.
pub(super) fn read_tls(args: &Args) -> Result<Option<Tls>, Problem> {
    let (Some(chain), Some(key), Some(clients)) =
        (&args.tls_cert, &args.tls_key, &args.tls_clients)
    else {
        return Ok(None);
    };
    let tls = Tls::read(chain, key, clients).map_err(|TlsError { file, message }| {
        Problem::new("TR0607", message)
            .in_file(file.display().to_string())
            .hint("docs/live.md has the openssl commands that make all three files")
    })?;
    Ok(Some(tls))
}

/// Listens for every controller of the network, by name.
pub(super) fn open_doors(
    args: &Args,
    ready: &Ready,
    outside: &Outside,
    doors: &Doors,
    tls: Option<&Tls>,
) -> Result<Vec<OpenDoor>, Problem> {
    let plant = &ready.prepared.plant;
    let mut open = Vec::new();
    for (plc, controller) in sim_plant::devices(plant) {
        let host = plant.hosts.iter().find(|host| host.name == plc);
        let host = host.expect("a loaded plant was checked");
        if host.network != outside.network {
            continue;
        }
        let place = u16::try_from(open.len()).expect("plants are bounded");
        let asked = address_of(args, place)?;
        let inside = SocketAddrV4::new(host.ip, PORT);
        let address = doors
            .open(asked, inside)
            .map_err(|error| cannot_listen(plc, asked, &error))?;
        open.push(OpenDoor {
            plc: plc.to_owned(),
            unit: controller.unit,
            inside,
            address,
            tls: None,
        });
    }
    if let Some(tls) = tls {
        let count = u16::try_from(open.len()).expect("plants are bounded");
        for (door, place) in open.iter_mut().zip(0..) {
            let asked = tls_address_of(args, place, count)?;
            let address = doors
                .open_tls(asked, door.inside, tls)
                .map_err(|error| cannot_listen(&door.plc, asked, &error))?;
            door.tls = Some(address);
        }
    }
    Ok(open)
}

fn cannot_listen(plc: &str, asked: SocketAddr, error: &std::io::Error) -> Problem {
    Problem::new(
        "TR0602",
        format!("{plc}: nobody can listen at {asked}: {error}"),
    )
    .hint("name another `--listen` or `--port`; ports below 1024 need a privilege")
}

fn too_many(args: &Args) -> Problem {
    Problem::new(
        "TR0602",
        format!(
            "there is no room for all controllers from {} on",
            args.listen
        ),
    )
}

/// Where a controller is to be found, by its place in the list.
fn address_of(args: &Args, place: u16) -> Result<SocketAddr, Problem> {
    if args.addresses {
        let IpAddr::V4(first) = args.listen else {
            let message = "addresses of their own are IPv4 ones";
            return Err(Problem::new("TR0112", message).hint("such as `--listen 127.0.0.2`"));
        };
        let own = first.to_bits().checked_add(u32::from(place));
        let own = own.ok_or_else(|| too_many(args))?;
        let port = if args.port == 0 { PORT } else { args.port };
        return Ok(SocketAddr::from((Ipv4Addr::from_bits(own), port)));
    }
    let port = match args.port {
        0 => 0,
        first => first.checked_add(place).ok_or_else(|| too_many(args))?,
    };
    Ok(SocketAddr::from((args.listen, port)))
}

/// Where a controller is to be found inside TLS, by its place in the list: at the standard's port or a free one, or, where a
/// port is named, behind the plain ones of the same address.
fn tls_address_of(args: &Args, place: u16, controllers: u16) -> Result<SocketAddr, Problem> {
    let mut address = address_of(args, place)?;
    let port = match (args.port, args.addresses) {
        (0, true) => tls::PORT,
        (0, false) => 0,
        (_, addresses) => {
            let plain_ones = if addresses { 1 } else { controllers };
            let port = address.port().checked_add(plain_ones);
            port.ok_or_else(|| too_many(args))?
        }
    };
    address.set_port(port);
    Ok(address)
}
