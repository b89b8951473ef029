//! The port to the outside: a place on a switch whose cable leaves the simulation.
//!
//! What is at its other end, such as a real client or another stack, sends frames in as inputs, and gets the frames
//! that the switch sends down the cable. The cable has the latency and bandwidth of the network's other links.
//!
//! **Invariant:** a port that nothing was sent into changes no digest: a live run that nobody touched is the run that
//! `run` makes.

use sim_kernel::time::SimTime;

use super::World;
use crate::frame::{Frame, Label};
use crate::nic::FRAME_BYTES_MAX;
use crate::respond::InputError;

/// Name of the host that stands for whatever is plugged in from outside.
pub const OUTSIDE: &str = "outside";

impl World {
    /// Number of hosts that are simulated; the one that is not comes after them.
    pub(super) fn simulated_hosts(&self) -> usize {
        self.hosts.len() - usize::from(self.outside.is_some())
    }

    pub(super) fn check_outside(&self, bytes: &[u8]) -> Result<(), InputError> {
        if self.outside.is_none() {
            return Err(InputError::NoOutside);
        }
        match bytes.len() {
            14..=FRAME_BYTES_MAX => Ok(()),
            bytes => Err(InputError::BadFrame { bytes }),
        }
    }

    pub(super) fn send_from_outside(&mut self, now: SimTime, bytes: Vec<u8>) {
        let host = self.outside.expect("checked when it was submitted");
        let label = Label::BENIGN;
        self.hosts[host].nic.sent.push(Frame { bytes, label });
        self.flush_host(now, host);
    }
}
