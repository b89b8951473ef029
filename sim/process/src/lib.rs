//! Physics of plant equipment, Purdue level 0.
//!
//! One module per kind of equipment; [`bottling`] puts them together into the line of the first
//! plant. The crate knows nothing of controllers, networks or people beyond the points they touch:
//! a controller reads sensors with `sense`, drives actuators with `drive`, and a person works on the
//! machines with `person`.
//!
//! # Invariants
//!
//! - The next state is a function of the state, the commands and the named random streams; there is
//!   no clock in here. Reading a sensor changes nothing, so an observer cannot disturb a run.
//! - Arithmetic is `+ − × ÷ √` and comparisons, which IEEE 754 defines to the last bit. The one
//!   exception, `exp` in the median of a repair time, comes from `libm` and is the same everywhere.
//! - SI units inside (m, s, kg, m³, N·m, rad/s); plant units (mL, %, Hz, °C) only at the points.
//! - Liquid and bottles are conserved: whatever enters is in the plant, shipped, rejected, scrapped,
//!   or on the floor, and a ledger can prove it at any step.

pub mod actuator;
pub mod belt;
pub mod bottle;
pub mod bottling;
pub mod capper;
pub mod digest;
pub mod inspection;
pub mod instrumented;
pub mod item;
pub mod motor;
pub mod nozzle;
pub mod num;
pub mod packer;
pub mod palletiser;
pub mod point;
pub mod production;
pub mod reject;
pub mod safety;
pub mod sensor;
pub mod stoppage;
pub mod table;
pub mod tank;

/// Standard gravity, m/s². Exact by definition (3rd CGPM, 1901).
pub const STANDARD_GRAVITY_M_PER_S2: f64 = 9.806_65;

/// A named stream of random numbers, as the simulator hands one to each component.
///
/// The crate defines what it needs and depends on no generator; the kernel's stream implements it.
pub trait Draws {
    /// A number in `[0, 1)`, every representable step equally likely.
    fn uniform(&mut self) -> f64;
    /// A standard normal deviate.
    fn gaussian(&mut self) -> f64;
    /// An exponential deviate with the given mean, in the unit of `mean`.
    fn exponential(&mut self, mean: f64) -> f64;
    /// A lognormal deviate: `median · exp(sigma · z)`, in the unit of `median`.
    fn lognormal(&mut self, median: f64, sigma: f64) -> f64;
}
