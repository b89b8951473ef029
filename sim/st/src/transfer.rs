//! The copies between the process image and a program's memory, prepared when the program is loaded.
//!
//! A scan begins and ends with one copy for every located variable, which for ordinary control logic is
//! as much work as the logic. So what each copy does is found out once: nearly all are single bits and
//! words, which are kept by table.
//!
//! **Invariants:** every located variable is in exactly one list; a copy does what [`Image::load`] and
//! [`Image::store`] do, which also serve the rare kinds.

use crate::container::Located;
use crate::image::{Address, Area, Image, Width};
use crate::types::Elementary;

/// One bit or word of a table, and its slot in the memory.
#[derive(Clone, Copy, Debug)]
struct Pair {
    unit: u32,
    slot: u32,
}

/// A located variable of another kind: bytes, double and long words.
#[derive(Clone, Copy, Debug)]
struct Wide {
    address: Address,
    ty: Elementary,
    slot: u32,
}

/// The copies of one area.
#[derive(Clone, Debug, Default)]
struct Lists {
    bits: Vec<Pair>,
    unsigned_words: Vec<Pair>,
    signed_words: Vec<Pair>,
    wide: Vec<Wide>,
}

/// All copies of a program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transfers {
    input: Lists,
    output: Lists,
    marker: Lists,
}

impl Transfers {
    pub(crate) fn new(located: &[Located]) -> Self {
        let mut all = Self::default();
        for one in located {
            let lists = match one.address.area {
                Area::Input => &mut all.input,
                Area::Output => &mut all.output,
                Area::Marker => &mut all.marker,
            };
            let pair = Pair {
                unit: one.address.first_unit(),
                slot: one.slot,
            };
            match one.address.width {
                Width::Bit => lists.bits.push(pair),
                Width::Word if one.ty.is_signed() => lists.signed_words.push(pair),
                Width::Word => lists.unsigned_words.push(pair),
                Width::Byte | Width::Double | Width::Long => lists.wide.push(Wide {
                    address: one.address,
                    ty: one.ty,
                    slot: one.slot,
                }),
            }
        }
        all
    }

    /// Copies every located variable from the image into the memory.
    pub(crate) fn load(&self, image: &Image, memory: &mut [u64]) {
        self.input.load(&image.ix, &image.iw, image, memory);
        self.output.load(&image.qx, &image.qw, image, memory);
        self.marker.load(&image.mx, &image.mw, image, memory);
    }

    /// Copies the located outputs and markers from the memory into the image.
    pub(crate) fn store(&self, memory: &[u64], image: &mut Image) {
        self.output.store_wide(memory, image);
        self.marker.store_wide(memory, image);
        self.output.store(memory, &mut image.qx, &mut image.qw);
        self.marker.store(memory, &mut image.mx, &mut image.mw);
    }
}

impl Lists {
    fn load(&self, bits: &[bool], words: &[u16], image: &Image, memory: &mut [u64]) {
        for pair in &self.bits {
            let bit = bits.get(pair.unit as usize).copied().unwrap_or(false);
            memory[pair.slot as usize] = bit.into();
        }
        for pair in &self.unsigned_words {
            let word = words.get(pair.unit as usize).copied().unwrap_or(0);
            memory[pair.slot as usize] = word.into();
        }
        for pair in &self.signed_words {
            let word = words.get(pair.unit as usize).copied().unwrap_or(0);
            memory[pair.slot as usize] = i64::from(word.cast_signed()).cast_unsigned();
        }
        for wide in &self.wide {
            memory[wide.slot as usize] = image.load(wide.address, wide.ty);
        }
    }

    fn store(&self, memory: &[u64], bits: &mut [bool], words: &mut [u16]) {
        for pair in &self.bits {
            if let Some(bit) = bits.get_mut(pair.unit as usize) {
                *bit = memory[pair.slot as usize] != 0;
            }
        }
        for pair in self.unsigned_words.iter().chain(&self.signed_words) {
            if let Some(word) = words.get_mut(pair.unit as usize) {
                let [.., high, low] = memory[pair.slot as usize].to_be_bytes();
                *word = u16::from_be_bytes([high, low]);
            }
        }
    }

    fn store_wide(&self, memory: &[u64], image: &mut Image) {
        for wide in &self.wide {
            image.store(wide.address, wide.ty, memory[wide.slot as usize]);
        }
    }
}
