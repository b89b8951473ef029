//! The fault log: the last faults, one entry for each kind and line in a row.
//!
//! **Invariant:** at most [`ENTRIES_MAX`] entries; the oldest goes first.

use std::collections::VecDeque;

use sim_kernel::digest::Hasher;
use sim_kernel::time::SimTime;
use sim_st::Trap;
use sim_wire::modbus::engineering::answer;

/// Most entries of the log.
const ENTRIES_MAX: usize = 32;

/// What kind of fault; the codes are part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FaultCode {
    /// A division by zero stopped the program.
    DivisionByZero = 1,
    /// An index out of its bounds stopped the program.
    ArrayBounds = 2,
    /// A scan took longer than the watchdog allows.
    Watchdog = 3,
    /// A scan took longer than the time between two scans.
    Overrun = 4,
    /// A program or firmware that was sent was not accepted.
    Rejected = 5,
    /// The firmware does not start.
    Firmware = 6,
    /// A value outside its subrange stopped the program.
    Subrange = 7,
}

impl FaultCode {
    pub(crate) fn of(trap: Trap) -> Self {
        match trap {
            Trap::DivisionByZero { .. } => Self::DivisionByZero,
            Trap::ArrayBounds { .. } => Self::ArrayBounds,
            Trap::Subrange { .. } => Self::Subrange,
            Trap::Watchdog { .. } => Self::Watchdog,
        }
    }
}

struct Entry {
    at: SimTime,
    code: FaultCode,
    count: u32,
    line: u32,
    text: String,
}

/// The log.
#[derive(Default)]
pub(crate) struct FaultLog {
    entries: VecDeque<Entry>,
    total: u32,
}

impl FaultLog {
    /// Writes a fault down. Returns how often it has happened in a row.
    pub(crate) fn add(&mut self, at: SimTime, code: FaultCode, line: u32, text: String) -> u32 {
        self.total = self.total.saturating_add(1);
        if let Some(last) = self.entries.back_mut()
            && (last.code, last.line) == (code, line)
        {
            last.at = at;
            last.count = last.count.saturating_add(1);
            last.text = text;
            return last.count;
        }
        if self.entries.len() >= ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            at,
            code,
            count: 1,
            line,
            text,
        });
        1
    }

    /// Number of faults since the controller was switched on.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    /// Code and time of the last fault; 0 and 0 for none.
    pub(crate) fn last(&self) -> (u8, u64) {
        let of = |entry: &Entry| (entry.code as u8, entry.at.as_nanos() / 1_000_000);
        self.entries.back().map_or((0, 0), of)
    }

    /// Writes entries from the newest on into a list, without the first few. Returns how many there
    /// are in the log.
    pub(crate) fn list(&self, first: u16, list: &mut Vec<u8>) -> u16 {
        for entry in self.entries.iter().rev().skip(usize::from(first)) {
            let fault = answer::Fault {
                at_ms: entry.at.as_nanos() / 1_000_000,
                code: entry.code as u8,
                count: entry.count,
                line: entry.line,
                text: &entry.text,
            };
            if !fault.put(list) {
                break;
            }
        }
        u16::try_from(self.entries.len()).expect("the log is bounded")
    }

    pub(crate) fn digest(&self, put: &mut Hasher) {
        put.put_u32(self.total);
        for entry in &self.entries {
            put.put_u64(entry.at.as_nanos());
            put.put_u8(entry.code as u8);
            put.put_u32(entry.count);
            put.put_u32(entry.line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_when_the_same_fault_repeats_then_one_entry_counts() {
        let mut log = FaultLog::default();
        let at = SimTime::from_secs;
        assert_eq!(log.add(at(1), FaultCode::Overrun, 0, "a".to_owned()), 1);
        assert_eq!(log.add(at(2), FaultCode::Overrun, 0, "a".to_owned()), 2);
        assert_eq!(log.add(at(3), FaultCode::Watchdog, 7, "b".to_owned()), 1);
        assert_eq!((log.total(), log.last()), (3, (3, 3_000)));
        let mut list = Vec::new();
        assert_eq!(log.list(0, &mut list), 2);
        for line in 0..100 {
            log.add(at(4), FaultCode::ArrayBounds, line, String::new());
        }
        assert_eq!(log.list(0, &mut Vec::new()), 32);
    }
}
