//! Exception codes.

use std::fmt;

/// Why a server refused a request (APS 7, table "MODBUS Exception Codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExceptionCode {
    /// 01: the server does not implement the function, or not in its present state.
    IllegalFunction = 1,
    /// 02: the address, or address plus quantity, lies outside the server's tables.
    IllegalDataAddress = 2,
    /// 03: a quantity, byte count, length or value the function does not allow.
    IllegalDataValue = 3,
    /// 04: an unrecoverable error happened while the server performed the action.
    ServerDeviceFailure = 4,
    /// 05: accepted, but it takes long; the client should poll for completion.
    Acknowledge = 5,
    /// 06: the server is busy with a long command; the client should repeat the request later.
    ServerDeviceBusy = 6,
    /// 08: a parity error in extended memory (functions 20 and 21).
    MemoryParityError = 8,
    /// 10: a gateway is misconfigured or overloaded.
    GatewayPathUnavailable = 10,
    /// 11: the device behind the gateway did not answer.
    GatewayTargetFailedToRespond = 11,
}

impl ExceptionCode {
    /// All codes of the specification, ascending.
    pub const ALL: [Self; 9] = [
        Self::IllegalFunction,
        Self::IllegalDataAddress,
        Self::IllegalDataValue,
        Self::ServerDeviceFailure,
        Self::Acknowledge,
        Self::ServerDeviceBusy,
        Self::MemoryParityError,
        Self::GatewayPathUnavailable,
        Self::GatewayTargetFailedToRespond,
    ];

    /// The code as on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The exception with this code, or `None` where the specification assigns none.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|exception| exception.code() == code)
    }
}

impl fmt::Display for ExceptionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IllegalFunction => "illegal function",
            Self::IllegalDataAddress => "illegal data address",
            Self::IllegalDataValue => "illegal data value",
            Self::ServerDeviceFailure => "server device failure",
            Self::Acknowledge => "acknowledge",
            Self::ServerDeviceBusy => "server device busy",
            Self::MemoryParityError => "memory parity error",
            Self::GatewayPathUnavailable => "gateway path unavailable",
            Self::GatewayTargetFailedToRespond => "gateway target device failed to respond",
        })
    }
}
