//! Named values in controllers: how their bits are read from and written to Modbus tables.

use sim_wire::modbus::{Span, Table};

use crate::spec::TagKind;

/// A tag with its names resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// Unique name.
    pub name: String,
    /// Index of the controller that holds it.
    pub(crate) controller: usize,
    /// Name of the controller that holds it.
    pub controller_name: String,
    /// Where Modbus serves it.
    pub span: Span,
    /// How to read its bits.
    pub kind: TagKind,
    /// Engineering units per raw unit.
    pub scale: f64,
    /// Engineering value at raw 0.
    pub offset: f64,
    /// Engineering unit.
    pub unit: String,
    /// One line for people.
    pub description: String,
    /// Whether an HMI lets its operator write it.
    pub writable: bool,
}

impl Tag {
    /// The tag's value in its unit, from its registers in the order of the table.
    ///
    /// # Panics
    ///
    /// If `words` is shorter than the tag.
    #[must_use]
    pub fn value_of_words(&self, words: &[u16]) -> f64 {
        let double = || (u32::from(words[0]) << 16) | u32::from(words[1]);
        let raw = match self.kind {
            TagKind::Bool => f64::from(u8::from(words[0] != 0)),
            TagKind::Int => f64::from(words[0].cast_signed()),
            TagKind::Uint => f64::from(words[0]),
            TagKind::Dint => f64::from(double().cast_signed()),
            TagKind::Udint => f64::from(double()),
            TagKind::Real => f64::from(f32::from_bits(double())),
        };
        raw * self.scale + self.offset
    }

    /// The registers that hold a value, rounded to the nearest and limited to what fits.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float to integer cast saturates, which is the wish here"
    )]
    pub fn words_of_value(&self, value: f64) -> Vec<u16> {
        let raw = (value - self.offset) / self.scale;
        let rounded = if raw < 0.0 { raw - 0.5 } else { raw + 0.5 };
        let double = |bits: u32| vec![(bits >> 16) as u16, (bits & 0xffff) as u16];
        match self.kind {
            TagKind::Bool => vec![u16::from(value != 0.0)],
            TagKind::Int => vec![(rounded as i16).cast_unsigned()],
            TagKind::Uint => vec![rounded as u16],
            TagKind::Dint => double((rounded as i32).cast_unsigned()),
            TagKind::Udint => double(rounded as u32),
            TagKind::Real => double((raw as f32).to_bits()),
        }
    }

    /// Whether the tag lies in a table of bits.
    #[must_use]
    pub fn is_bit(&self) -> bool {
        matches!(self.span.table, Table::Coils | Table::DiscreteInputs)
    }
}

/// Joins the spans of tags into few read requests.
///
/// Spans of one table are read together when no more than `gap_max` entries lie between them and the
/// whole stays within `quantity_max`. The result is sorted by table and address.
#[must_use]
pub(crate) fn join_spans(spans: &[Span], gap_max: u16, quantity_max: u16) -> Vec<Span> {
    let mut sorted = spans.to_vec();
    sorted.sort_unstable();
    let mut joined: Vec<Span> = Vec::new();
    for span in sorted {
        let end = span.address + span.quantity;
        if let Some(last) = joined.last_mut()
            && last.table == span.table
            && span.address <= last.address + last.quantity + gap_max
            && end - last.address <= quantity_max
        {
            let reach = end - last.address;
            if reach > last.quantity {
                last.quantity = reach;
            }
            continue;
        }
        joined.push(span);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(kind: TagKind, scale: f64, offset: f64) -> Tag {
        Tag {
            name: "T".into(),
            controller: 0,
            controller_name: "c".into(),
            span: Span {
                table: Table::HoldingRegisters,
                address: 0,
                quantity: 1,
            },
            kind,
            scale,
            offset,
            unit: String::new(),
            description: String::new(),
            writable: true,
        }
    }

    #[test]
    fn value_when_written_and_read_then_the_same() {
        for (kind, scale, offset, value, words) in [
            (TagKind::Bool, 1.0, 0.0, 1.0, vec![1]),
            (TagKind::Int, 0.1, 0.0, -12.5, vec![0xff83]),
            (TagKind::Uint, 1.0, 10.0, 65_545.0, vec![65_535]),
            (TagKind::Dint, 1.0, 0.0, -2.0, vec![0xffff, 0xfffe]),
            (TagKind::Udint, 1.0, 0.0, 65_536.0, vec![1, 0]),
            (TagKind::Real, 1.0, 0.0, 0.75, vec![0x3f40, 0]),
        ] {
            let tag = tag(kind, scale, offset);
            assert_eq!(tag.words_of_value(value), words, "{kind:?}");
            assert_eq!(tag.value_of_words(&words), value, "{kind:?}");
        }
    }

    #[test]
    fn value_when_it_does_not_fit_then_limited() {
        assert_eq!(tag(TagKind::Uint, 1.0, 0.0).words_of_value(-5.0), vec![0]);
        assert_eq!(
            tag(TagKind::Int, 1.0, 0.0).words_of_value(1e9),
            vec![0x7fff]
        );
    }

    #[test]
    fn spans_when_close_then_read_together() {
        let span = |table, address, quantity| Span {
            table,
            address,
            quantity,
        };
        let (c, h) = (Table::Coils, Table::HoldingRegisters);
        let got = join_spans(
            &[
                span(h, 10, 2),
                span(h, 0, 1),
                span(c, 3, 1),
                span(h, 3, 2),
                span(h, 4, 1),
                span(h, 120, 2),
            ],
            5,
            100,
        );
        assert_eq!(got, vec![span(c, 3, 1), span(h, 0, 12), span(h, 120, 2)]);
        assert_eq!(
            join_spans(&[span(h, 0, 60), span(h, 60, 60)], 5, 100).len(),
            2
        );
    }
}
