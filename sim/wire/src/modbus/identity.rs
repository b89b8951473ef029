//! The objects behind Read Device Identification, function 43 / MEI type 14 (APS 6.21).

use super::{ExceptionCode, PDU_MAX_BYTES, function};
use crate::bytes::{low_u8, u8_at};
use std::collections::BTreeMap;
use thiserror::Error;

/// Bytes of a response before its first object.
const RESPONSE_HEADER_BYTES: usize = 7;

/// Longest object value, bytes: an object is indivisible and must fit one response.
pub const OBJECT_MAX_BYTES: usize = PDU_MAX_BYTES - RESPONSE_HEADER_BYTES - 2;

/// Object id of the vendor's name, mandatory.
pub const VENDOR_NAME: u8 = 0x00;
/// Object id of the product code, mandatory.
pub const PRODUCT_CODE: u8 = 0x01;
/// Object id of the major and minor revision, mandatory.
pub const MAJOR_MINOR_REVISION: u8 = 0x02;
/// Object id of the vendor's URL.
pub const VENDOR_URL: u8 = 0x03;
/// Object id of the product's name.
pub const PRODUCT_NAME: u8 = 0x04;
/// Object id of the model's name.
pub const MODEL_NAME: u8 = 0x05;
/// Object id of the user application's name.
pub const USER_APPLICATION_NAME: u8 = 0x06;
/// First object id of the extended, private category; 0x07 to 0x7F are reserved.
pub const EXTENDED_FIRST: u8 = 0x80;

/// Read Device ID code: how objects are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Access {
    /// 1: a stream of objects 0x00 to 0x02.
    Basic = 1,
    /// 2: a stream of objects 0x00 to 0x7F.
    Regular = 2,
    /// 3: a stream of all objects.
    Extended = 3,
    /// 4: one object.
    Individual = 4,
}

impl Access {
    /// The code as on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The access with this code, or `None` outside 1 to 4.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Basic,
            2 => Self::Regular,
            3 => Self::Extended,
            4 => Self::Individual,
            _ => return None,
        })
    }

    /// Last object id of the stream.
    const fn last_object(self) -> u8 {
        match self {
            Self::Basic => MAJOR_MINOR_REVISION,
            Self::Regular => EXTENDED_FIRST - 1,
            Self::Extended | Self::Individual => u8::MAX,
        }
    }
}

/// Why an object cannot be part of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// The value does not fit one response.
    #[error("object {object:#04x} has {value_bytes} bytes; at most {OBJECT_MAX_BYTES} fit")]
    TooLong {
        /// The object id.
        object: u8,
        /// Its length, bytes.
        value_bytes: usize,
    },
    /// The id is reserved.
    #[error("object id {object:#04x} is reserved; use 0x00..=0x06 or 0x80..=0xff")]
    Reserved {
        /// The object id.
        object: u8,
    },
}

/// What a device says it is.
///
/// **Invariant:** the three mandatory objects are present, no id is reserved, each value fits one
/// response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceIdentity {
    objects: BTreeMap<u8, Vec<u8>>,
    individual_access: bool,
}

impl DeviceIdentity {
    /// An identity of the three mandatory objects, with individual access.
    ///
    /// # Errors
    ///
    /// [`IdentityError::TooLong`] for the first value that does not fit a response.
    pub fn new(
        vendor_name: &str,
        product_code: &str,
        major_minor_revision: &str,
    ) -> Result<Self, IdentityError> {
        Self {
            objects: BTreeMap::new(),
            individual_access: true,
        }
        .with_object(VENDOR_NAME, vendor_name.as_bytes())?
        .with_object(PRODUCT_CODE, product_code.as_bytes())?
        .with_object(MAJOR_MINOR_REVISION, major_minor_revision.as_bytes())
    }

    /// Adds or replaces an object.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] if the id is reserved or the value does not fit a response.
    pub fn with_object(mut self, object: u8, value: &[u8]) -> Result<Self, IdentityError> {
        if (USER_APPLICATION_NAME + 1..EXTENDED_FIRST).contains(&object) {
            return Err(IdentityError::Reserved { object });
        }
        if value.len() > OBJECT_MAX_BYTES {
            return Err(IdentityError::TooLong {
                object,
                value_bytes: value.len(),
            });
        }
        self.objects.insert(object, value.to_vec());
        Ok(self)
    }

    /// Says that the device answers streams only: access code 4 is then an illegal data value.
    #[must_use]
    pub fn without_individual_access(mut self) -> Self {
        self.individual_access = false;
        self
    }

    /// An object's value.
    #[must_use]
    pub fn object(&self, object: u8) -> Option<&[u8]> {
        self.objects.get(&object).map(Vec::as_slice)
    }

    /// The conformity level: 0x01 to 0x03, with 0x80 added for individual access.
    #[must_use]
    pub fn conformity_level(&self) -> u8 {
        let individual = if self.individual_access { 0x80 } else { 0x00 };
        self.level().code() | individual
    }

    /// The highest category the device has objects of.
    fn level(&self) -> Access {
        match self.objects.keys().next_back() {
            Some(EXTENDED_FIRST..) => Access::Extended,
            Some(VENDOR_URL..) => Access::Regular,
            _ => Access::Basic,
        }
    }

    /// Appends the response PDU to a request for `object` with `access`.
    ///
    /// A stream carries as many objects as fit and says where to go on. A start id that is not in
    /// the stream starts it over; a category above the device's level gets what there is.
    ///
    /// # Errors
    ///
    /// The exception to answer with; `out` is unchanged. Illegal data address for an individual
    /// object that does not exist, illegal data value if there is no individual access.
    pub fn respond(
        &self,
        access: Access,
        object: u8,
        out: &mut Vec<u8>,
    ) -> Result<(), ExceptionCode> {
        let last = match access {
            Access::Individual if !self.individual_access => {
                return Err(ExceptionCode::IllegalDataValue);
            }
            Access::Individual if !self.objects.contains_key(&object) => {
                return Err(ExceptionCode::IllegalDataAddress);
            }
            Access::Individual => object,
            _ => access.last_object(),
        };
        let is_known = object <= last && self.objects.contains_key(&object);
        let first = if is_known { object } else { VENDOR_NAME };

        let start = out.len();
        out.extend_from_slice(&[
            function::ENCAPSULATED_INTERFACE,
            function::MEI_READ_DEVICE_IDENTIFICATION,
            access.code(),
            self.conformity_level(),
            0, // More follows; set below with the two fields after it.
            0,
            0,
        ]);
        let mut count = 0;
        let mut next_object = None;
        for (&id, value) in self.objects.range(first..=last) {
            if out.len() - start + 2 + value.len() > PDU_MAX_BYTES {
                next_object = Some(id);
                break;
            }
            out.extend_from_slice(&[id, low_u8(value.len())]);
            out.extend_from_slice(value);
            count += 1;
        }
        if let Some(id) = next_object {
            out[start + 4] = 0xFF;
            out[start + 5] = id;
        }
        out[start + 6] = count;
        Ok(())
    }
}

/// The objects in a response, each an id and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objects<'a> {
    count: u8,
    bytes: &'a [u8],
}

impl<'a> Objects<'a> {
    /// The `count` objects that fill `bytes` exactly, or `None` if they do not.
    #[must_use]
    pub fn from_wire(count: u8, bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        for _ in 0..count {
            (_, _, rest) = split_object(rest)?;
        }
        rest.is_empty().then_some(Self { count, bytes })
    }

    /// Number of objects.
    #[must_use]
    pub fn count(&self) -> u8 {
        self.count
    }

    /// The objects as on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The objects in order of appearance.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (id, value, after) = split_object(rest)?;
            rest = after;
            Some((id, value))
        })
    }
}

/// Id and value of the first object, and the bytes that follow it.
fn split_object(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let id = u8_at(bytes, 0)?;
    let length = usize::from(u8_at(bytes, 1)?);
    let (value, after) = bytes.get(2..)?.split_at_checked(length)?;
    Some((id, value, after))
}
