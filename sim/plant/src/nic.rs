//! The network interface that joins a `smoltcp` stack to a simulated link.
//!
//! One received frame at a time goes in, any number of frames come out, and spent buffers are kept
//! for the next frame so that steady traffic allocates nothing.

use std::cell::RefCell;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::frame::{Frame, Label};

/// Most spent buffers that one interface keeps.
const SPARE_BUFFERS_MAX: usize = 64;

/// How many spent buffers an interface should have at hand: enough for an answer, few enough that
/// those who receive more than they send do not hoard.
const SPARE_BUFFERS: std::ops::RangeInclusive<usize> = 2..=8;

/// Largest Ethernet frame without its check sequence, bytes.
pub(crate) const FRAME_BYTES_MAX: usize = 1514;

/// A network interface.
#[derive(Debug, Default)]
pub(crate) struct Nic {
    received: Option<Vec<u8>>,
    /// Frames that the stack wants to send, oldest first.
    pub(crate) sent: Vec<Frame>,
    /// What the next sent frames belong to.
    pub(crate) label: Label,
    spare: Spare,
}

/// Spent buffers. Both tokens of one poll may want them, so they are shared.
#[derive(Debug, Default)]
struct Spare(RefCell<Vec<Vec<u8>>>);

impl Spare {
    fn keep(&self, bytes: Vec<u8>) {
        let mut spare = self.0.borrow_mut();
        if spare.len() < SPARE_BUFFERS_MAX {
            spare.push(bytes);
        }
    }

    fn take(&self) -> Vec<u8> {
        let spent = self.0.borrow_mut().pop();
        spent.unwrap_or_else(|| Vec::with_capacity(FRAME_BYTES_MAX))
    }
}

impl Nic {
    /// Puts a frame where the stack's next poll finds it.
    pub(crate) fn put_received(&mut self, bytes: Vec<u8>) {
        assert!(
            self.received.is_none(),
            "the stack is polled after every frame"
        );
        self.received = Some(bytes);
    }

    /// Gives spent buffers to the common pool, or takes some, so that nobody has to allocate.
    pub(crate) fn balance(&mut self, pool: &mut Vec<Vec<u8>>) {
        let spare = self.spare.0.get_mut();
        while spare.len() > *SPARE_BUFFERS.end() {
            pool.extend(spare.pop());
        }
        while spare.len() < *SPARE_BUFFERS.start() {
            let Some(buffer) = pool.pop() else { return };
            spare.push(buffer);
        }
    }

    /// Takes back the buffer of a frame that is done with.
    pub(crate) fn recycle(&mut self, bytes: Vec<u8>) {
        self.spare.keep(bytes);
    }
}

/// A frame on its way into the stack.
pub(crate) struct Received<'a> {
    bytes: Vec<u8>,
    spare: &'a Spare,
}

impl RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        let result = f(&self.bytes);
        self.spare.keep(self.bytes);
        result
    }
}

/// Room for one frame on its way out of the stack. The stack takes more of these than it uses, so a
/// buffer is only found for one that is used.
pub(crate) struct Outgoing<'a> {
    spare: &'a Spare,
    label: Label,
    sent: &'a mut Vec<Frame>,
}

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut bytes = self.spare.take();
        bytes.clear();
        bytes.resize(len, 0);
        let result = f(&mut bytes);
        self.sent.push(Frame {
            bytes,
            label: self.label,
        });
        result
    }
}

impl Device for Nic {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _timestamp: Instant) -> Option<(Received<'_>, Outgoing<'_>)> {
        let bytes = self.received.take()?;
        let outgoing = Outgoing {
            spare: &self.spare,
            label: self.label,
            sent: &mut self.sent,
        };
        Some((
            Received {
                bytes,
                spare: &self.spare,
            },
            outgoing,
        ))
    }

    fn transmit(&mut self, _timestamp: Instant) -> Option<Outgoing<'_>> {
        Some(Outgoing {
            spare: &self.spare,
            label: self.label,
            sent: &mut self.sent,
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_BYTES_MAX;
        capabilities
    }
}
