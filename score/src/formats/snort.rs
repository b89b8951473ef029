//! Snort 3's `alert_json`.
//!
//! Which fields it has is for its configuration to say. Its `timestamp` has neither zone nor, without
//! `-y`, a year, so that `seconds` is what should be there; where both are, the fraction comes from
//! `timestamp`, which is that of the same packet. `pkt_num` counts per thread and is no frame number.
//!
//! # Source
//!
//! Snort 3, `src/loggers/alert_json.cc`: names and forms of all fields; `src/packet_io/active.cc`: actions.

use serde_json::Value;

use super::shape::{End, Record, Shape, What};
use super::sniff::Object;
use super::{Import, ImportError, ImportOptions, severity};

const SHAPE: Shape = Shape {
    time: &["seconds", "timestamp"],
    time_hint: "\"seconds\" : 1767592815",
    sensor: &["iface"],
    sig_id: &["rule"],
    sig_name: &["msg"],
    also: &["sid"],
    severity: &["priority"],
    scale: severity::priority,
    src: End {
        ip: &["src_addr"],
        port: &["src_port"],
        mac: &["eth_src"],
        ..End::NONE
    },
    dst: End {
        ip: &["dst_addr"],
        port: &["dst_port"],
        mac: &["eth_dst"],
        ..End::NONE
    },
    proto: &["service", "proto"],
    action: &["action"],
    ..Shape::NONE
};

/// Reads one record into `import`.
pub(super) fn record(
    line: u64,
    mut object: Object,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(), ImportError> {
    name_rule(&mut object);
    for (both, address, port) in [
        ("src_ap", "src_addr", "src_port"),
        ("dst_ap", "dst_addr", "dst_port"),
    ] {
        take_apart(&mut object, both, address, port);
    }
    // A reset blocks as well, and has the same words before it: `force_reset`, `would_reset`, `cant_reset`.
    if let Some(Value::String(action)) = object.get_mut("action") {
        *action = action.replace("reset", "block");
    }
    if object.get("service").and_then(Value::as_str) == Some("unknown") {
        object.remove("service");
    }
    if let Some(exact) = with_fraction(&object) {
        object.insert("seconds".to_owned(), exact.into());
    }
    let record = Record {
        object: &object,
        line,
    };
    SHAPE.take(&record, What::Alert, options, import)
}

/// `gid:sid`, without the revision: a rule that was edited is still the rule.
fn name_rule(object: &mut Object) {
    let rule = object
        .get("rule")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let parts: Vec<&str> = rule.iter().flat_map(|rule| rule.split(':')).collect();
    let (gid, sid) = match parts.as_slice() {
        [gid, sid, ..] => ((*gid).to_owned(), (*sid).to_owned()),
        _ => {
            let number = |name: &str| object.get(name).and_then(Value::as_u64);
            let (Some(gid), Some(sid)) = (number("gid"), number("sid")) else {
                return;
            };
            (gid.to_string(), sid.to_string())
        }
    };
    object.insert("rule".to_owned(), format!("{gid}:{sid}").into());
    object.insert("sid".to_owned(), sid.into());
}

/// `10.20.1.66:49812`; `:0` for a packet without IP.
fn take_apart(object: &mut Object, both: &str, address: &str, port: &str) {
    let Some((ip, number)) = object
        .get(both)
        .and_then(Value::as_str)
        .and_then(|text| text.rsplit_once(':'))
        .filter(|(ip, _)| !ip.is_empty())
    else {
        return;
    };
    let (ip, number) = (ip.to_owned(), number.to_owned());
    object.entry(address).or_insert(ip.into());
    if number != "0" {
        object.entry(port).or_insert(number.into());
    }
}

/// Whole seconds with the fraction of `timestamp`.
fn with_fraction(object: &Object) -> Option<String> {
    let seconds = object.get("seconds")?.as_u64()?;
    let (_, digits) = object.get("timestamp")?.as_str()?.rsplit_once('.')?;
    let is_fraction = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_fraction.then(|| format!("{seconds}.{digits}"))
}
