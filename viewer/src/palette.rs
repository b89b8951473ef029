//! Colours that mean something, told apart with any colour vision.
//!
//! # Source
//!
//! Okabe and Ito 2008, *Color Universal Design*: eight colours that people with protanopia, deuteranopia and tritanopia
//! tell apart. Attack and belief are never told by colour alone: attack pulses are spiked, what a screen claims is a
//! hatched ring, what is wrong has a sign.

use bevy::prelude::*;
use twinrange_range::evidence::frames::Protocol;

/// What an attack does.
pub const ATTACK: Color = Color::srgb(0.90, 0.16, 0.10);
/// What a defense does.
pub const DEFENSE: Color = Color::srgb(0.34, 0.71, 0.91);
/// What a screen claims.
pub const BELIEF: Color = Color::srgb(0.95, 0.56, 0.85);
/// What is true.
pub const TRUTH: Color = Color::srgb(0.20, 0.75, 0.62);
/// From when on nothing helps.
pub const TURN: Color = Color::srgb(0.85, 0.45, 1.0);
/// Something to look at.
pub const WARNING: Color = Color::srgb(0.96, 0.70, 0.08);
/// Fine.
pub const GOOD: Color = Color::srgb(0.25, 0.78, 0.45);
/// Text.
pub const TEXT: Color = Color::srgb(0.92, 0.95, 0.97);
/// Text that stands back.
pub const DIM: Color = Color::srgb(0.60, 0.67, 0.74);
/// Ground of a panel.
pub const PANEL: Color = Color::srgba(0.03, 0.045, 0.065, 0.88);
/// Edge of a panel.
pub const EDGE: Color = Color::srgba(0.35, 0.50, 0.62, 0.40);

/// The colour of ordinary traffic by what it is for.
#[must_use]
pub fn protocol(protocol: Protocol) -> Color {
    match protocol {
        Protocol::Arp => Color::srgb(0.94, 0.89, 0.26),
        Protocol::Tcp => Color::srgb(0.62, 0.66, 0.70),
        Protocol::ModbusRead => Color::srgb(0.34, 0.71, 0.91),
        Protocol::ModbusWrite => Color::srgb(0.90, 0.62, 0.0),
        Protocol::Engineering => Color::srgb(0.80, 0.47, 0.65),
        Protocol::Icmp | Protocol::Udp | Protocol::Other => Color::srgb(0.0, 0.62, 0.45),
    }
}

/// The colour of a zone's floor, by its number.
#[must_use]
pub fn zone(number: usize) -> Color {
    const ZONES: [Color; 5] = [
        Color::srgb(0.0, 0.45, 0.70),
        Color::srgb(0.0, 0.62, 0.45),
        Color::srgb(0.80, 0.47, 0.65),
        Color::srgb(0.90, 0.62, 0.0),
        Color::srgb(0.34, 0.71, 0.91),
    ];
    ZONES[number % ZONES.len()]
}
