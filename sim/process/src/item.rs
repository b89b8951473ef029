//! Discrete things on a line, as an onlooker sees them.

/// Where an item is, and what can be seen of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ItemView {
    /// Serial number, from 1.
    pub id: u32,
    /// Index into the list of places of its process, such as [`crate::bottling::PLACES`].
    pub place: u8,
    /// How far along its place, m; the process says from where.
    pub at_m: f64,
    /// Content, mL.
    pub content_ml: f64,
    /// Whether it is closed: it has a cap, a lid, a seal.
    pub closed: bool,
    /// Whether it lies down.
    pub fallen: bool,
    /// Whether it has burst.
    pub broken: bool,
}
