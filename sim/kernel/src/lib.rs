//! Time, events, random streams, input log and digest of a deterministic simulation.
//!
//! The kernel is what makes a run a function of its record. It knows no word of the domain: no
//! controller, no frame, no plant. What it gives is a small set of parts in which the usual sources
//! of irreproducibility cannot occur.
//!
//! | module | gives | so that |
//! | --- | --- | --- |
//! | [`time`] | [`SimTime`], [`SimDuration`]: integer nanoseconds | no rounding of clocks, no wall clock |
//! | [`queue`] | [`EventQueue`]: one total order of events | no order is left to chance |
//! | [`rng`] | [`Stream`]: one random stream per component name | one more draw moves nothing elsewhere |
//! | [`math`] | elementary functions in portable code | the same bits on every processor |
//! | [`input`] | [`InputLog`]: all that came from outside | live and replay are the same code |
//! | [`digest`] | [`Hasher`], [`Chain`]: a fingerprint of state | sameness is proved, not claimed |
//!
//! # Invariants
//!
//! - Nothing in this crate reads a clock, a file, the environment or an unordered collection.
//! - Every two events of a run differ in their [`EventKey`]; a tie is a panic.
//! - Simulated time never goes back.
//! - All stored, hashed and serialised integers have a fixed width.
//! - The bits of a [`Stream`], a [`Digest`] and a [`math`] function are pinned by golden tests.
//!
//! # Examples
//!
//! A conveyor with two stations, whose service times come from streams of their own:
//!
//! ```
//! use sim_kernel::{EventKey, EventQueue, Hasher, Phase, Seed, SimDuration, SimTime};
//!
//! let seed = Seed::new(7);
//! let mut streams = [seed.stream("station/0"), seed.stream("station/1")];
//! let mut queue = EventQueue::new();
//! for station in 0..2 {
//!     let key = EventKey {
//!         time: SimTime::ZERO,
//!         phase: Phase::DeviceTimer,
//!         target: station,
//!         source: station,
//!         source_seq: 0,
//!     };
//!     queue.push(key, "part arrives");
//! }
//!
//! let mut trace = Hasher::new();
//! while let Some((key, event)) = queue.pop() {
//!     trace.put_time(key.time);
//!     trace.put_u32(key.target);
//!     trace.put_str(event);
//!     let service_s = streams[key.target as usize].exponential(2.0);
//!     let next = EventKey {
//!         time: key.time + SimDuration::from_secs_f64(service_s),
//!         source_seq: key.source_seq + 1,
//!         ..key
//!     };
//!     if next.time < SimTime::from_secs(60) {
//!         queue.push(next, event);
//!     }
//! }
//! // The digest is the same in every run, on every machine.
//! println!("{}", trace.finish());
//! ```

pub mod digest;
pub mod input;
pub mod math;
pub mod queue;
pub mod rng;
pub mod time;

pub use digest::{Chain, Digest, Hasher};
pub use input::{InputLog, InputRecord, Origin};
pub use queue::{EventKey, EventQueue, Phase};
pub use rng::{Seed, Stream};
pub use time::{SimDuration, SimTime};
