//! What cannot be true in a run.
//!
//! A line that is not in its format ends the import. A record that is well-formed but names what the
//! run does not have (a time behind its end, a frame that was never captured, an address that is
//! none) is left out, counted and named with line and field: it must not earn anything, and to drop it
//! silently would make the tool look quieter than it was.

// An address is a number: `core` has no sockets.
use core::net::IpAddr;

use serde_json::Value;

use super::field::values;
use super::sniff::Object;
use super::{Import, ImportOptions};
use crate::alert::Alert;
use crate::records::{LISTED, LeftOut};

/// Reason: stamped before simulated time 0.
pub(super) const BEFORE_RUN: &str = "before the start of the run";
/// Reason: stamped behind the last instant of the run.
pub(crate) const AFTER_RUN: &str = "after the end of the run";
/// Reason: stamped in the clean period, where nothing is scored. True, and no mistake.
pub(crate) const IN_CLEAN_PERIOD: &str = "in the clean period";
const RECEIVED_AFTER_RUN: &str = "received after the end of the run";
const RECEIVED_TOO_EARLY: &str = "received before it happened";
const NO_SUCH_SPAN: &str = "no such span in the run";
const NO_SUCH_FRAME: &str = "no such frame in the run";
const BAD_IP: &str = "not an IP address";
const BAD_MAC: &str = "not a MAC address";

/// Where a format keeps what is checked: paths of fields, for people.
#[derive(Clone, Copy)]
pub(super) struct Paths {
    pub(super) time: &'static str,
    pub(super) received: &'static str,
    /// `None` for a format whose records do not name a SPAN.
    pub(super) span: Option<&'static str>,
    pub(super) frame: &'static str,
    pub(super) ips: [&'static str; 2],
    pub(super) macs: [&'static str; 2],
}

impl Import {
    /// Keeps a record if it can be true in the run, else counts and names it.
    pub(super) fn take(
        &mut self,
        line: u64,
        object: &Object,
        alert: Alert,
        paths: &Paths,
        options: &ImportOptions,
    ) {
        match impossible(&alert, object, paths, options) {
            None => self.alerts.push(alert),
            Some((field, reason)) => self.leave_out(line, object, field, reason),
        }
    }

    /// Counts a record that cannot be true, and names it while there is room.
    pub(super) fn leave_out(
        &mut self,
        line: u64,
        object: &Object,
        field: &'static str,
        reason: &'static str,
    ) {
        self.skip(reason);
        self.impossible += 1;
        if self.left_out.len() < LISTED {
            self.left_out.push(LeftOut {
                line,
                field: field.to_owned(),
                found: shown(object, field),
                reason: reason.to_owned(),
            });
        }
    }
}

/// The first field that cannot be true, and why.
fn impossible(
    alert: &Alert,
    object: &Object,
    paths: &Paths,
    options: &ImportOptions,
) -> Option<(&'static str, &'static str)> {
    let end_ns = options.duration_ns.unwrap_or(u64::MAX);
    if alert.t_ns > end_ns {
        return Some((paths.time, AFTER_RUN));
    }
    match alert.t_received_ns {
        Some(received_ns) if received_ns > end_ns => {
            return Some((paths.received, RECEIVED_AFTER_RUN));
        }
        Some(received_ns) if received_ns < alert.t_ns => {
            return Some((paths.received, RECEIVED_TOO_EARLY));
        }
        _ => {}
    }
    if let Some(frames) = &options.frames {
        // A SPAN that the record does not name itself is our guess, and no reason to leave it out.
        let named = paths
            .span
            .and_then(|field| Some((field, object.get(field)?.as_str()?)));
        let last = match named {
            Some((field, span)) => match frames.get(span) {
                Some(&last) => last,
                None => return Some((field, NO_SUCH_SPAN)),
            },
            None => frames.values().copied().max().unwrap_or(0),
        };
        if alert.frame.is_some_and(|frame| frame > last) {
            return Some((paths.frame, NO_SUCH_FRAME));
        }
    }
    for (end, (ip, mac)) in [&alert.src, &alert.dst]
        .into_iter()
        .zip(paths.ips.into_iter().zip(paths.macs))
    {
        if end.ip.as_deref().is_some_and(|text| !is_ip(text)) {
            return Some((ip, BAD_IP));
        }
        if end.mac.as_deref().is_some_and(|text| !is_mac(text)) {
            return Some((mac, BAD_MAC));
        }
    }
    None
}

/// IPv4 or IPv6; the latter perhaps with a zone, `fe80::1%eth0`.
pub(super) fn is_ip(text: &str) -> bool {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    address.parse::<IpAddr>().is_ok()
}

/// Twelve hexadecimal digits in any of the usual groupings.
fn is_mac(text: &str) -> bool {
    let digits = || text.chars().filter(|c| !matches!(c, ':' | '-' | '.'));
    digits().count() == 12 && digits().all(|c| c.is_ascii_hexdigit())
}

/// What stands in a field of the tool's own record, at most 60 characters.
fn shown(object: &Object, path: &str) -> String {
    let text = match values(object, path).first() {
        None => return "nothing".to_owned(),
        Some(Value::String(text)) => format!("{text:?}"),
        Some(other) => other.to_string(),
    };
    if text.chars().count() <= 60 {
        return text;
    }
    let short: String = text.chars().take(59).collect();
    format!("{short}…")
}
