//! The engineering session: how an engineering workstation loads and commands a controller.
//!
//! Function 90 carries it as the data of ordinary Modbus requests and responses, as several vendors
//! do with theirs. Each message is a session number, an operation and its fields; each answer repeats
//! both, then says `0xFE` and its fields, or `0xFD` and a [`Reason`]. Numbers are big-endian, a text
//! is its length in one byte and UTF-8. `docs/engineering-protocol.md` has all messages in one table.
//!
//! | module | holds |
//! | --- | --- |
//! | [`command`] | what a client asks for |
//! | [`answer`] | what a controller says |
//! | [`files`] | the same transfers as file records |
//!
//! **Invariant:** parsing takes any bytes without a panic; what was emitted parses to itself as long
//! as texts and lists are within the limits given here.

pub mod answer;
pub mod command;
pub mod files;

pub use answer::{Answer, Fault, Faults, Forces, Status};
pub use command::Command;

use crate::bytes::low_u8;

/// First bytes of an answer that the command was carried out.
pub const OK: u8 = 0xFE;
/// First bytes of an answer that it was refused.
pub const REFUSED: u8 = 0xFD;

/// Most bytes of a program or firmware in one message.
pub const BLOCK_MAX_BYTES: usize = 240;

/// Longest text in a message, bytes.
pub const TEXT_MAX_BYTES: usize = 80;

/// Length of the number that a password is proved with, bytes.
pub const NONCE_BYTES: usize = 16;

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$entry_doc:meta])* $entry:ident = $code:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$entry_doc])* $entry = $code,)* }

        impl $name {
            /// All of them, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$entry),*];

            /// The code on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The one with this code.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$entry),)* _ => None }
            }

            /// In words.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$entry => $text,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

codes! {
    /// What a controller is doing.
    Mode {
        /// The program runs.
        Run = 1, "RUN";
        /// The program can be changed; it does not run.
        Program = 2, "PROGRAM";
        /// The program does not run.
        Stop = 3, "STOP";
    }
}

codes! {
    /// Where the key switch at the controller stands.
    Key {
        /// Only reading is allowed from afar.
        Run = 1, "RUN";
        /// Everything is allowed from afar.
        Remote = 2, "REMOTE";
        /// Somebody works at the controller; it does not run.
        Program = 3, "PROGRAM";
    }
}

codes! {
    /// A table of the process image.
    Area {
        /// `%IX`.
        InputBit = 0, "%IX";
        /// `%QX`.
        OutputBit = 1, "%QX";
        /// `%MX`.
        MarkerBit = 2, "%MX";
        /// `%IW`.
        InputWord = 3, "%IW";
        /// `%QW`.
        OutputWord = 4, "%QW";
        /// `%MW`.
        MarkerWord = 5, "%MW";
    }
}

codes! {
    /// What is sent to a controller.
    Content {
        /// A program's container.
        Program = 1, "program";
        /// A firmware image.
        Firmware = 2, "firmware";
    }
}

codes! {
    /// How a program that was sent begins to run.
    Activation {
        /// Outputs off, load, cold start.
        Load = 0, "stop and load";
        /// Between two scans; variables with the same name and type keep their values.
        Online = 1, "online change";
        /// As an online change, and refused if more than one POU differs from what runs.
        OnePou = 2, "online edit of one POU";
    }
}

codes! {
    /// How a controller begins anew.
    Restart {
        /// Every variable has its initial value.
        Cold = 0, "cold";
        /// RETAIN variables and markers keep their values.
        Warm = 1, "warm";
    }
}

codes! {
    /// Why a command was refused.
    Reason {
        /// Another client holds the session.
        InUse = 1, "another client holds the session";
        /// There is no such session, or no longer.
        NoSession = 2, "no such session";
        /// The password has not been proved.
        NotAuthenticated = 3, "not authenticated";
        /// The proof is wrong.
        WrongPassword = 4, "wrong password";
        /// There were too many wrong proofs; for a while none is looked at.
        Locked = 5, "locked after too many attempts";
        /// The key switch does not allow it.
        KeySwitch = 6, "the key switch does not allow it";
        /// Not in this mode, or nothing was begun that could go on.
        WrongState = 7, "not possible now";
        /// An offset, length, address or number is out of range.
        OutOfRange = 8, "out of range";
        /// The bytes are not those that the digest was of.
        Digest = 9, "the digest does not match";
        /// The container is no program that may run, or the image is no firmware.
        Rejected = 10, "rejected by the verifier";
        /// The firmware is not signed with the key that this controller asks for.
        Signature = 11, "the signature does not match";
        /// A change is under way.
        Busy = 12, "a change is under way";
        /// There is no room for another one.
        Full = 13, "no room";
    }
}

/// A forced entry of the process image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Force {
    /// Which table.
    pub area: Area,
    /// Index of the bit or word in the table; `%IX1.3` is bit 11.
    pub index: u16,
    /// The word, or 0 and 1 for a bit.
    pub value: u16,
}

/// Reads fields from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.first_chunk().copied()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::from(self.u8()?);
        if length > TEXT_MAX_BYTES {
            return None;
        }
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    fn force(&mut self) -> Option<Force> {
        Some(Force {
            area: Area::from_code(self.u8()?)?,
            index: self.u16()?,
            value: self.u16()?,
        })
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    let text = cut(text);
    out.push(low_u8(text.len()));
    out.extend_from_slice(text.as_bytes());
}

/// A text cut to what a message can hold.
#[must_use]
pub fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn put_force(force: Force, out: &mut Vec<u8>) {
    out.push(force.area.code());
    out.extend_from_slice(&force.index.to_be_bytes());
    out.extend_from_slice(&force.value.to_be_bytes());
}
