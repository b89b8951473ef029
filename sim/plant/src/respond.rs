//! What reaches the plant from outside: actions that a defense asks for, and what they take; frames of devices
//! that are not simulated; verdicts of a defense that stands in a cable.
//!
//! Words follow OpenC2: `deny` stops traffic at the switch, `contain` isolates a host, `restore` puts a
//! controller's program and memory back from the golden copy. Every action first waits for approval,
//! then takes its time to carry out, and has its consequence in the plant: a contained HMI is blind, a
//! controller that is being restored drives nothing.

use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sim_kernel::time::SimDuration;
use sim_wire::ethernet::MacAddrError;

use crate::inline::{DELAY_MAX_NS, Verdict};
use crate::nic::FRAME_BYTES_MAX;

/// Longest time that a deny or contain may last, s: thirty days.
pub const DURATION_MAX_S: u64 = 30 * 86_400;

/// Whom a `deny` is aimed at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DenyTarget {
    /// All packets from or to an address.
    Ip(Ipv4Addr),
    /// All frames from or to a hardware address, `02:54:57:14:01:42`.
    Mac(String),
    /// All frames that come in through a port.
    SwitchPort {
        /// Name of the switch.
        switch: String,
        /// Port number, from 0.
        port: u16,
    },
}

/// The host of a `contain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostTarget {
    /// Name of the host.
    pub host: String,
}

/// The controller of a `restore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControllerTarget {
    /// Host name of the controller.
    pub controller: String,
}

/// How long an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionArgs {
    /// Seconds from when the action takes effect.
    pub duration_s: u64,
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Stop traffic at the switch.
    Deny {
        /// Whom it stops.
        target: DenyTarget,
        /// How long.
        args: ActionArgs,
    },
    /// Isolate a host by shutting its switch port.
    Contain {
        /// Which host.
        target: HostTarget,
        /// How long.
        args: ActionArgs,
    },
    /// Put program and memory back from the golden copy.
    Restore {
        /// Which controller.
        target: ControllerTarget,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deny {
                target: DenyTarget::Ip(ip),
                args,
            } => write!(f, "deny ip {ip} for {} s", args.duration_s),
            Self::Deny {
                target: DenyTarget::Mac(mac),
                args,
            } => write!(f, "deny mac {mac} for {} s", args.duration_s),
            Self::Deny {
                target: DenyTarget::SwitchPort { switch, port },
                args,
            } => {
                write!(f, "deny port {port} of {switch} for {} s", args.duration_s)
            }
            Self::Contain { target, args } => {
                write!(f, "contain {} for {} s", target.host, args.duration_s)
            }
            Self::Restore { target } => write!(f, "restore {}", target.controller),
        }
    }
}

/// Anything that reaches the plant from outside the simulation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A defense acts.
    Action(Action),
    /// A device outside of the simulation sends a frame into the plant's outside port.
    Frame(OutsideFrame),
    /// A defense in a cable drops a frame, or holds it back.
    Verdict(Verdict),
}

impl Input {
    /// The action, if it is one.
    #[must_use]
    pub fn action(&self) -> Option<&Action> {
        match self {
            Self::Action(action) => Some(action),
            Self::Frame(_) | Self::Verdict(_) => None,
        }
    }
}

/// Lengths of a frame from outside, bytes.
const FRAME_BYTES: std::ops::RangeInclusive<usize> = 14..=FRAME_BYTES_MAX;

/// An Ethernet frame from outside: header and payload without check sequence, 14 to 1,514 bytes. In files: text of
/// two hexadecimal digits a byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideFrame(pub Vec<u8>);

impl Serialize for OutsideFrame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(2 * self.0.len());
        for byte in &self.0 {
            for digit in [byte >> 4, byte & 0x0f] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for OutsideFrame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a frame is an even number of hexadecimal digits");
        if !FRAME_BYTES.contains(&(text.len() / 2)) {
            let (least, most) = (FRAME_BYTES.start(), FRAME_BYTES.end());
            let message = format!(
                "a frame has {least} to {most} bytes, not {}",
                text.len() / 2
            );
            return Err(serde::de::Error::custom(message));
        }
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || text.len() % 2 != 0 {
            return Err(wrong());
        }
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).ok();
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
        bytes.map(Self).ok_or_else(wrong)
    }
}

/// What actions take, seconds each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseTimes {
    /// Until somebody has approved it.
    pub approval_s: f64,
    /// Until a rule is in the switch.
    pub deny_s: f64,
    /// Until a port is shut.
    pub contain_s: f64,
    /// How long a controller is in PROGRAM mode while it is restored.
    pub restore_s: f64,
}

impl Default for ResponseTimes {
    fn default() -> Self {
        Self {
            approval_s: 30.0,
            deny_s: 5.0,
            contain_s: 5.0,
            restore_s: 90.0,
        }
    }
}

impl ResponseTimes {
    /// Time from asking for an action until it takes effect.
    #[must_use]
    pub fn until_effect(&self, action: &Action) -> SimDuration {
        let takes_s = match action {
            Action::Deny { .. } => self.deny_s,
            Action::Contain { .. } => self.contain_s,
            Action::Restore { .. } => 0.0,
        };
        SimDuration::from_secs_f64(self.approval_s + takes_s)
    }

    /// How long an action stands once it has taken effect.
    #[must_use]
    pub fn lasts(&self, action: &Action) -> SimDuration {
        match action {
            Action::Deny { args, .. } | Action::Contain { args, .. } => {
                SimDuration::from_secs(args.duration_s)
            }
            Action::Restore { .. } => SimDuration::from_secs_f64(self.restore_s),
        }
    }
}

/// Why an input was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// There is no such host, controller, switch or port.
    #[error("there is no {kind} `{name}` in this plant")]
    Unknown {
        /// What was looked for.
        kind: &'static str,
        /// The name that was given.
        name: String,
    },
    /// A hardware address does not parse.
    #[error(transparent)]
    BadMac(#[from] MacAddrError),
    /// A frame is too short or too long for the network.
    #[error("a frame has 14 to {FRAME_BYTES_MAX} bytes, not {bytes}")]
    BadFrame {
        /// How many it has.
        bytes: usize,
    },
    /// A frame from outside, and this plant has no port for it.
    #[error("this run has no port to the outside")]
    NoOutside,
    /// A verdict, and no device stands in a cable of this run.
    #[error("no device of this run gives verdicts")]
    NoInline,
    /// A verdict about a frame that has gone by.
    #[error("frame {frame} has gone by")]
    LateVerdict {
        /// Number of the frame at the device.
        frame: u64,
    },
    /// A frame would be held back too long.
    #[error("a delay of {delay_ns} ns is longer than {DELAY_MAX_NS}")]
    BadDelay {
        /// The delay that was given, ns.
        delay_ns: u64,
    },
    /// The run has come to its end.
    #[error("the run is over")]
    TooLate,
    /// The duration is zero or longer than [`DURATION_MAX_S`].
    #[error("a duration of {duration_s} s is outside 1..={DURATION_MAX_S}")]
    BadDuration {
        /// The duration that was given, s.
        duration_s: u64,
    },
}
