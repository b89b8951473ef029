//! What the safety functions of a plant were asked and did in a run.
//!
//! Demands, trips and misses come from the physics and not from what the safety controller counted: its
//! program may have been changed. A trip is not production, and not the defense's merit either: the outage was
//! the price of the plant's own last line of defense, so it stands by itself.
//!
//! # Source
//!
//! IEC 61511-1:2016, clause 3.2: safety instrumented function, demand, spurious trip, bypass.

use serde::{Deserialize, Serialize};

/// The safety functions of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Safety {
    /// Each function.
    pub functions: Vec<Function>,
    /// Time in which a function was bypassed, s.
    pub bypass_s: u64,
    /// Time in which a safety controller was not as it was commissioned (not in RUN; another program,
    /// firmware or scan period; forces), s.
    pub impaired_s: u64,
}

/// One safety function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// Its name, such as `SIF-1`.
    pub name: String,
    /// The process passed the trip point.
    pub demands: u64,
    /// Demands that were answered in time.
    pub trips: u64,
    /// Demands that were not.
    pub missed: u64,
    /// Trips without a demand.
    pub spurious: u64,
    /// Time beyond the response time with a demand and without the safe state, s.
    pub unprotected_s: f64,
    /// Time in which the process stood by the function's order, s.
    pub tripped_s: f64,
}

/// How a total is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number of events.
    Count,
    /// Seconds.
    Time,
}

/// A total over the functions, as tables list it.
pub type Row = (&'static str, Kind, fn(&Safety) -> f64);

/// The totals in the order in which tables list them.
pub const ROWS: [Row; 8] = [
    ("Demands", Kind::Count, |s| s.demands() as f64),
    ("Trips in time", Kind::Count, |s| s.trips() as f64),
    ("Missed", Kind::Count, |s| s.missed() as f64),
    ("Spurious trips", Kind::Count, |s| {
        s.total(|f| f.spurious) as f64
    }),
    ("Unprotected", Kind::Time, |s| s.total(|f| f.unprotected_s)),
    ("Tripped", Kind::Time, Safety::tripped_s),
    ("Bypassed", Kind::Time, |s| s.bypass_s as f64),
    ("Impaired", Kind::Time, |s| s.impaired_s as f64),
];

impl Safety {
    fn total<T: std::iter::Sum>(&self, of: fn(&Function) -> T) -> T {
        self.functions.iter().map(of).sum()
    }

    /// Demands that were answered in time, over all functions.
    #[must_use]
    pub fn trips(&self) -> u64 {
        self.total(|function| function.trips)
    }

    /// Demands that were not answered in time, over all functions.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.total(|function| function.missed)
    }

    /// Demands over all functions.
    #[must_use]
    pub fn demands(&self) -> u64 {
        self.total(|function| function.demands)
    }

    /// Time in which the process stood by order of a function, over all functions, s.
    #[must_use]
    pub fn tripped_s(&self) -> f64 {
        self.total(|function| function.tripped_s)
    }
}
