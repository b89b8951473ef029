//! Network interfaces of this machine in the plant.

use std::io::ErrorKind;

use twinrange_bridge::live::{Interface, TAP};
use twinrange_range::problem::Problem;

/// Takes a network interface of this machine.
pub(super) fn plug_in(name: &str) -> Result<Interface, Problem> {
    if std::path::Path::new("/sys/class/net")
        .join(name)
        .join("device")
        .exists()
    {
        eprintln!(
            "warning: {name} is a network card of this machine: what the simulated plant and its attacker send goes out on \
             a real network"
        );
    }
    Interface::open(name).map_err(|error| cannot_use(name, &error))
}

fn cannot_use(interface: &str, error: &std::io::Error) -> Problem {
    let hint = match (interface.starts_with(TAP), error.kind()) {
        (true, ErrorKind::PermissionDenied) => {
            "making a TAP device needs CAP_NET_ADMIN and /dev/net/tun: use a user and network namespace of your own \
             (docs/live.md), or root"
        }
        (true, ErrorKind::NotFound) => {
            "`modprobe tun` loads what makes TAP devices; a container gets it with `--device /dev/net/tun`"
        }
        (true, ErrorKind::AlreadyExists) => {
            "choose another name, or leave `tap:` out and be at the interface's other end"
        }
        (false, ErrorKind::PermissionDenied) => {
            "reading frames needs CAP_NET_RAW: use a network namespace of your own (docs/live.md), or root"
        }
        _ => {
            "`ip link` lists the interfaces; docs/live.md says how to make a pair, or a TAP device"
        }
    };
    Problem::new(
        "TR0603",
        format!("interface `{interface}` cannot be used: {error}"),
    )
    .hint(hint)
}

/// Says what was lost between the plant and an interface.
pub(super) fn note(interface: &Interface) {
    if interface.lost() > 0 {
        let (lost, name) = (interface.lost(), interface.name());
        eprintln!(
            "note: {lost} frames between the plant and interface {name} were lost: it was down or full, or brought them \
             faster than the plant took them"
        );
    }
}
