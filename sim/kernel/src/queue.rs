//! The event queue: one total order over everything that happens.
//!
//! Each event carries an [`EventKey`]; the queue gives the event with the smallest key and moves
//! the clock to its time. The order of two events is thus decided by what they are and never by
//! which was pushed first.
//!
//! # Invariants
//!
//! - **Every two events of a run have different keys; a tie is a panic.** A tie would be a hidden
//!   coin toss: the heap could give either event first. See [`EventQueue`] for where it is found.
//! - **Time never goes back.** An event before [`EventQueue::now`] cannot be pushed.
//! - Within one instant, an event that is being handled may push another with a smaller key, such
//!   as a scan that wakes a device's timer at once. It comes out next: its cause had to come first.
//! - An instant ends: more than [`MAX_EVENTS_PER_INSTANT`] events at one time are a panic, because
//!   two components that wake each other without delay would otherwise hang the run.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::digest::Hasher;
use crate::time::SimTime;

/// Most events that may happen at one time. A plant has some hundreds of components, each of which
/// does a few things at once; more is an endless loop.
pub const MAX_EVENTS_PER_INSTANT: usize = 65_536;

/// What comes first among events of the same time. The order is semantic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Phase {
    /// What came from outside the run: it sees the plant as all before this instant left it.
    ExternalInput = 0,
    /// The physics of the plant advance.
    ProcessStep = 1,
    /// A frame reaches the end of a link.
    FrameArrival = 2,
    /// A device other than a controller acts on its own: a poll, a timeout, a person.
    DeviceTimer = 3,
    /// A controller runs one scan cycle, on inputs that are up to date.
    PlcScan = 4,
    /// What only watches: it sees the instant completed.
    Observer = 5,
}

/// The place of an event in the total order: compared field by field, in this order.
///
/// Component ids come from the sorted names of the components, never from the order in a file, so
/// that reordering a file does not reorder a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// When the event happens.
    pub time: SimTime,
    /// What comes first among events of that time.
    pub phase: Phase,
    /// Id of the component that the event happens to.
    pub target: u32,
    /// Id of the component that caused the event.
    pub source: u32,
    /// Number of the event among all that `source` caused; the source counts up.
    pub source_seq: u64,
}

impl EventKey {
    /// Hashes all fields in their order.
    pub fn digest_into(&self, hasher: &mut Hasher) {
        hasher.put_time(self.time);
        hasher.put_u8(self.phase as u8);
        hasher.put_u32(self.target);
        hasher.put_u32(self.source);
        hasher.put_u64(self.source_seq);
    }
}

/// Largest component id: two of them and the phase share one word of a packed key.
pub const COMPONENT_MAX: u32 = (1 << 30) - 1;

/// A key packed for comparison, and where the event's payload lies. The heap moves places about and
/// leaves payloads alone; nearly every comparison is decided by the first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time_ns: u64,
    /// Phase, target and source, most significant first.
    rank: u64,
    source_seq: u64,
    slot: u32,
}

impl Place {
    #[inline]
    fn new(key: EventKey, slot: u32) -> Self {
        assert!(
            key.target <= COMPONENT_MAX && key.source <= COMPONENT_MAX,
            "component ids are limited to {COMPONENT_MAX}: {key:?}"
        );
        let rank = (key.phase as u64) << 60 | u64::from(key.target) << 30 | u64::from(key.source);
        Self {
            time_ns: key.time.as_nanos(),
            rank,
            source_seq: key.source_seq,
            slot,
        }
    }

    #[inline]
    fn key(&self) -> EventKey {
        const ID: u64 = COMPONENT_MAX as u64;
        let id = |shift: u32| u32::try_from(self.rank >> shift & ID).expect("30 bits fit");
        let phase = match self.rank >> 60 {
            0 => Phase::ExternalInput,
            1 => Phase::ProcessStep,
            2 => Phase::FrameArrival,
            3 => Phase::DeviceTimer,
            4 => Phase::PlcScan,
            _ => Phase::Observer,
        };
        EventKey {
            time: SimTime::from_nanos(self.time_ns),
            phase,
            target: id(30),
            source: id(0),
            source_seq: self.source_seq,
        }
    }

    /// Whether both stand for the same key.
    #[inline]
    fn ties(&self, other: &Self) -> bool {
        (self.time_ns, self.rank, self.source_seq) == (other.time_ns, other.rank, other.source_seq)
    }
}

/// Pending events and the clock that they drive.
///
/// # Where a tie is found
///
/// Two pending events with one key are next to each other in the order, so [`EventQueue::pop`]
/// compares the key that it takes with the one that is then on top: one comparison per event, and
/// no index of keys to keep. A key that was already popped can only come again while its time is
/// still now, so [`EventQueue::push`] compares an event for this very instant with those that the
/// instant has given. Few events are pushed without delay, and few share an instant. Together the
/// two checks find every tie, at the latest when its first event is popped.
///
/// # Examples
///
/// ```
/// use sim_kernel::{EventKey, EventQueue, Phase, SimTime};
///
/// let key = |phase, target| EventKey {
///     time: SimTime::from_millis(10),
///     phase,
///     target,
///     source: 0,
///     source_seq: 0,
/// };
/// let mut queue = EventQueue::new();
/// queue.push(key(Phase::PlcScan, 1), "scan");
/// queue.push(key(Phase::ProcessStep, 2), "step");
/// assert_eq!(queue.pop(), Some((key(Phase::ProcessStep, 2), "step")));
/// assert_eq!(queue.now(), SimTime::from_millis(10));
/// assert_eq!(queue.pop(), Some((key(Phase::PlcScan, 1), "scan")));
/// assert_eq!(queue.pop(), None);
/// ```
#[derive(Clone, Debug)]
pub struct EventQueue<E> {
    heap: BinaryHeap<Reverse<Place>>,
    /// Payloads by slot; a free slot is empty.
    events: Vec<Option<E>>,
    free: Vec<u32>,
    now: SimTime,
    /// Places of all events popped at `now`, in the order of popping.
    popped_now: Vec<Place>,
}

impl<E> EventQueue<E> {
    /// Creates an empty queue whose clock is at [`SimTime::ZERO`].
    #[must_use]
    pub const fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            now: SimTime::ZERO,
            popped_now: Vec::new(),
        }
    }

    /// Adds an event that is to happen at `key.time`.
    ///
    /// # Panics
    ///
    /// If `key.time` is before [`EventQueue::now`], or if an event with this key already happened.
    /// Both are bugs of the component `key.source`.
    #[inline]
    pub fn push(&mut self, key: EventKey, event: E) {
        assert!(
            key.time >= self.now,
            "event is in the past: now {}, {key:?}",
            self.now
        );
        let slot = match self.free.pop() {
            Some(slot) => {
                self.events[slot as usize] = Some(event);
                slot
            }
            None => {
                self.events.push(Some(event));
                u32::try_from(self.events.len() - 1).expect("pending events fit memory")
            }
        };
        let place = Place::new(key, slot);
        if key.time == self.now {
            assert!(
                !self.popped_now.iter().any(|popped| popped.ties(&place)),
                "tie with a past event: {key:?}"
            );
        }
        self.heap.push(Reverse(place));
    }

    /// Takes the event with the smallest key and moves the clock to its time.
    ///
    /// # Panics
    ///
    /// If another pending event has the same key, or if more than [`MAX_EVENTS_PER_INSTANT`] events
    /// happen at one time.
    #[inline]
    pub fn pop(&mut self) -> Option<(EventKey, E)> {
        let Reverse(place) = self.heap.pop()?;
        let key = place.key();
        if let Some(Reverse(next)) = self.heap.peek() {
            assert!(!next.ties(&place), "tie between two events: {key:?}");
        }
        assert!(
            key.time >= self.now,
            "time went back: now {}, {key:?}",
            self.now
        );
        if key.time > self.now {
            self.now = key.time;
            self.popped_now.clear();
        }
        assert!(
            self.popped_now.len() < MAX_EVENTS_PER_INSTANT,
            "an instant does not end: {MAX_EVENTS_PER_INSTANT} events came before {key:?}"
        );
        self.popped_now.push(place);
        self.free.push(place.slot);
        let event = self.events[place.slot as usize].take();
        Some((key, event.expect("a place in the heap has its event")))
    }

    /// Takes the next event as [`EventQueue::pop`] does, but only if its time is before `end`.
    ///
    /// # Panics
    ///
    /// As [`EventQueue::pop`].
    #[inline]
    pub fn pop_before(&mut self, end: SimTime) -> Option<(EventKey, E)> {
        if self.peek_time()? < end {
            self.pop()
        } else {
            None
        }
    }

    /// The time of the next event, if there is one.
    #[must_use]
    #[inline]
    pub fn peek_time(&self) -> Option<SimTime> {
        self.heap
            .peek()
            .map(|Reverse(place)| SimTime::from_nanos(place.time_ns))
    }

    /// The key of the next event, if there is one.
    #[must_use]
    #[inline]
    pub fn peek_key(&self) -> Option<EventKey> {
        self.heap.peek().map(|Reverse(place)| place.key())
    }

    /// The simulated time: that of the last popped event, or where [`EventQueue::advance_to`] put
    /// it since.
    #[must_use]
    #[inline]
    pub const fn now(&self) -> SimTime {
        self.now
    }

    /// Moves the clock to `time` although nothing happens then, as at the end of an interval.
    ///
    /// # Panics
    ///
    /// If `time` is before [`EventQueue::now`] or after the next event, which would be skipped.
    pub fn advance_to(&mut self, time: SimTime) {
        assert!(
            time >= self.now,
            "the clock cannot go back from {} to {time}",
            self.now
        );
        if let Some(key) = self.peek_key() {
            assert!(
                time <= key.time,
                "the clock cannot skip an event: to {time}, over {key:?}"
            );
        }
        if time > self.now {
            self.now = time;
            self.popped_now.clear();
        }
    }

    /// The number of pending events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether no event is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// All pending events in the order in which they will happen, for a digest of state.
    ///
    /// Sorts on every call, because the heap's own layout depends on the order of pushes.
    #[must_use]
    pub fn pending(&self) -> Vec<(EventKey, &E)> {
        let mut events: Vec<_> = self
            .heap
            .iter()
            .map(|Reverse(place)| {
                let event = self.events[place.slot as usize].as_ref();
                (
                    place.key(),
                    event.expect("a place in the heap has its event"),
                )
            })
            .collect();
        events.sort_unstable_by_key(|(key, _)| *key);
        events
    }
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}
