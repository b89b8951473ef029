//! The four primary tables, address spans, and borrowed runs of bits and registers.

use std::fmt;

/// One of the four primary tables of the data model (APS 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Bits, read and write.
    Coils,
    /// Bits, read only.
    DiscreteInputs,
    /// 16-bit words, read only.
    InputRegisters,
    /// 16-bit words, read and write.
    HoldingRegisters,
}

impl Table {
    /// The name in snake case, as used in evidence and truth files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coils => "coils",
            Self::DiscreteInputs => "discrete_inputs",
            Self::InputRegisters => "input_registers",
            Self::HoldingRegisters => "holding_registers",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A run of consecutive entries of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The table.
    pub table: Table,
    /// First PDU address, zero-based.
    pub address: u16,
    /// Number of entries: bits or 16-bit words.
    pub quantity: u16,
}

impl Span {
    /// Addresses covered, as `u32` because the end of a span at 65535 is 65536.
    #[must_use]
    pub fn addresses(&self) -> std::ops::Range<u32> {
        let first = u32::from(self.address);
        first..first + u32::from(self.quantity)
    }

    /// Whether the span covers this address of its table.
    #[must_use]
    pub fn contains(&self, address: u16) -> bool {
        self.addresses().contains(&u32::from(address))
    }

    /// Whether both spans name at least one common entry.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.addresses(), other.addresses());
        self.table == other.table && a.start < b.end && b.start < a.end
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}; {}]", self.table, self.address, self.quantity)
    }
}

/// A borrowed run of bits, packed as on the wire or as a slice of `bool`.
///
/// Equality and `Debug` see the bits alone, not how they are stored nor the padding of the last
/// byte.
#[derive(Clone, Copy)]
pub struct Bits<'a>(BitStore<'a>);

#[derive(Clone, Copy)]
enum BitStore<'a> {
    Packed { bytes: &'a [u8], count: usize },
    Native(&'a [bool]),
}

impl<'a> Bits<'a> {
    /// The first `count` bits of wire bytes: bit 0 of the first byte is the lowest address.
    ///
    /// `None` if the bytes hold fewer bits.
    #[must_use]
    pub fn from_packed(bytes: &'a [u8], count: usize) -> Option<Self> {
        let packed = bytes.get(..count.div_ceil(8))?;
        Some(Self(BitStore::Packed {
            bytes: packed,
            count,
        }))
    }

    /// Number of bits.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            BitStore::Packed { count, .. } => count,
            BitStore::Native(bits) => bits.len(),
        }
    }

    /// Whether there are no bits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bit at `index`, counted from the start address.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<bool> {
        match self.0 {
            BitStore::Packed { bytes, count } => {
                (index < count).then(|| bytes[index / 8] >> (index % 8) & 1 == 1)
            }
            BitStore::Native(bits) => bits.get(index).copied(),
        }
    }

    /// The bits in address order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = bool> + use<'a> {
        let bits = *self;
        (0..self.len()).map(move |index| bits.get(index).is_some_and(|on| on))
    }

    /// Appends the bits packed as on the wire, the last byte padded with zeros.
    pub fn pack(&self, out: &mut Vec<u8>) {
        pack_bits(self.iter(), out);
    }
}

impl<'a> From<&'a [bool]> for Bits<'a> {
    fn from(bits: &'a [bool]) -> Self {
        Self(BitStore::Native(bits))
    }
}

impl PartialEq for Bits<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Bits<'_> {}

impl fmt::Debug for Bits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bits(")?;
        for on in self.iter() {
            f.write_str(if on { "1" } else { "0" })?;
        }
        f.write_str(")")
    }
}

/// Appends bits packed as on the wire, lowest address in bit 0, the last byte padded with zeros.
pub(crate) fn pack_bits(bits: impl Iterator<Item = bool>, out: &mut Vec<u8>) {
    let (mut byte, mut filled) = (0_u8, 0_u32);
    for on in bits {
        byte |= u8::from(on) << filled;
        filled += 1;
        if filled == 8 {
            out.push(byte);
            (byte, filled) = (0, 0);
        }
    }
    if filled > 0 {
        out.push(byte);
    }
}

/// A borrowed run of 16-bit registers, as big-endian wire bytes or as a slice of `u16`.
///
/// Equality and `Debug` see the values alone, not how they are stored.
#[derive(Clone, Copy)]
pub struct Registers<'a>(RegisterStore<'a>);

#[derive(Clone, Copy)]
enum RegisterStore<'a> {
    Wire(&'a [u8]),
    Native(&'a [u16]),
}

impl<'a> Registers<'a> {
    /// The registers in wire bytes; `None` if the number of bytes is odd.
    #[must_use]
    pub fn from_wire(bytes: &'a [u8]) -> Option<Self> {
        bytes
            .len()
            .is_multiple_of(2)
            .then_some(Self(RegisterStore::Wire(bytes)))
    }

    /// Number of registers.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.0 {
            RegisterStore::Wire(bytes) => bytes.len() / 2,
            RegisterStore::Native(words) => words.len(),
        }
    }

    /// Whether there are no registers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The register at `index`, counted from the start address.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<u16> {
        match self.0 {
            RegisterStore::Wire(bytes) => crate::bytes::u16_at(bytes, index.checked_mul(2)?),
            RegisterStore::Native(words) => words.get(index).copied(),
        }
    }

    /// The values in address order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u16> + use<'a> {
        let registers = *self;
        (0..self.len()).map(move |index| registers.get(index).map_or(0, |word| word))
    }

    /// Appends the values as on the wire, high byte first.
    pub fn pack(&self, out: &mut Vec<u8>) {
        match self.0 {
            RegisterStore::Wire(bytes) => out.extend_from_slice(bytes),
            RegisterStore::Native(words) => {
                out.extend(words.iter().flat_map(|word| word.to_be_bytes()));
            }
        }
    }
}

impl<'a> From<&'a [u16]> for Registers<'a> {
    fn from(words: &'a [u16]) -> Self {
        Self(RegisterStore::Native(words))
    }
}

impl PartialEq for Registers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Registers<'_> {}

impl fmt::Debug for Registers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registers")?;
        f.debug_list().entries(self.iter()).finish()
    }
}
