//! The event queue: one total order over everything that happens.
//!
//! Each event carries an [`EventKey`]; the queue gives the event with the smallest key and moves
//! the clock to its time. The order of two events is thus decided by what they are and never by
//! which was pushed first.
//!
//! # Invariants
//!
//! - **Every two events of a run have different keys; a tie is a panic.** A tie would be a hidden
//!   coin toss: either event could come first. See [`EventQueue`] for where it is found.
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

/// A key packed for comparison, and where the event's payload lies. The queue moves places about and
/// leaves payloads alone; nearly every comparison is decided by one wide number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Time in ns, phase, target and source, most significant first.
    rank: u128,
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
        let ids = (key.phase as u64) << 60 | u64::from(key.target) << 30 | u64::from(key.source);
        Self {
            rank: u128::from(key.time.as_nanos()) << 64 | u128::from(ids),
            source_seq: key.source_seq,
            slot,
        }
    }

    #[inline]
    fn time(&self) -> SimTime {
        SimTime::from_nanos(u64::try_from(self.rank >> 64).expect("the upper half fits"))
    }

    #[inline]
    fn key(&self) -> EventKey {
        const ID: u128 = COMPONENT_MAX as u128;
        let id = |shift: u32| u32::try_from(self.rank >> shift & ID).expect("30 bits fit");
        let phase = match self.rank >> 60 & 0xf {
            0 => Phase::ExternalInput,
            1 => Phase::ProcessStep,
            2 => Phase::FrameArrival,
            3 => Phase::DeviceTimer,
            4 => Phase::PlcScan,
            _ => Phase::Observer,
        };
        EventKey {
            time: self.time(),
            phase,
            target: id(30),
            source: id(0),
            source_seq: self.source_seq,
        }
    }

    /// As `<`, with the time looked at first: mostly it decides.
    #[inline]
    fn comes_before(&self, other: &Self) -> bool {
        let (time, other_time) = (self.rank >> 64, other.rank >> 64);
        time < other_time || (time == other_time && *self < *other)
    }

    /// Whether both stand for the same key.
    #[inline]
    fn ties(&self, other: &Self) -> bool {
        (self.rank, self.source_seq) == (other.rank, other.source_seq)
    }
}

/// Most events that lie in order. More are kept in a heap until it is their turn.
const SOON_MAX: usize = 128;

/// How many of the very next events are looked at one by one.
const SOON_NEAR: usize = 12;

/// How many events change between the two at once.
const SOON_MOVED: usize = SOON_MAX / 2;

/// Pending events and the clock that they drive.
///
/// # Where a tie is found
///
/// Two pending events with one key are next to each other in the order, so [`EventQueue::pop`]
/// compares the key that it takes with the one that is then next: one comparison per event, and
/// no index of keys to keep. A key that was already popped can only come again while its time is
/// still now, so [`EventQueue::push`] compares an event for this very instant with those that the
/// instant has given. Few events are pushed without delay, and few share an instant. Together the
/// two checks find every tie, at the latest when its first event is popped.
///
/// # Cost
///
/// Most events are for the next microseconds: a frame on its link, a request in its queue. The first
/// hundred or so events therefore lie in order in one piece of memory, from whose end they are taken,
/// and near whose end most new ones belong. Only what is further off goes through a heap. For a cell
/// of ten controllers that takes a bit more than half of the instructions of a heap alone.
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
    /// The next events, the very next one last. Empty only if the queue is.
    soon: Vec<Place>,
    /// All others: none comes before any of `soon`.
    later: BinaryHeap<Reverse<Place>>,
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
            soon: Vec::new(),
            later: BinaryHeap::new(),
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
        self.insert(place);
    }

    #[inline]
    fn insert(&mut self, place: Place) {
        if self.soon.len() == SOON_MAX {
            self.spill();
        }
        // A few steps from the end find the place of most; the rest is searched by halves.
        let end = self.soon.len();
        let near = end.saturating_sub(SOON_NEAR);
        let nearest = self.soon[near..].iter().rev();
        let earlier = nearest.take_while(|next| next.comes_before(&place)).count();
        if earlier < end - near {
            self.soon.insert(end - earlier, place);
        } else {
            self.insert_further_off(place);
        }
    }

    fn insert_further_off(&mut self, place: Place) {
        if let Some(Reverse(next)) = self.later.peek()
            && *next < place
        {
            self.later.push(Reverse(place));
            return;
        }
        let at = self.soon.partition_point(|other| place.comes_before(other));
        self.soon.insert(at, place);
    }

    /// Moves the furthest of the events in order to the heap.
    #[cold]
    fn spill(&mut self) {
        let places = self.soon.drain(..SOON_MOVED);
        self.later.extend(places.map(Reverse));
    }

    /// Gets the next events from the heap when those in order have been used up.
    #[cold]
    fn refill(&mut self) {
        let due = self.later.len().min(SOON_MOVED);
        let places = (0..due).filter_map(|_| self.later.pop());
        self.soon.extend(places.map(|Reverse(place)| place));
        self.soon.reverse();
    }

    /// Takes the event with the smallest key and moves the clock to its time.
    ///
    /// # Panics
    ///
    /// If another pending event has the same key, or if more than [`MAX_EVENTS_PER_INSTANT`] events
    /// happen at one time.
    #[inline]
    pub fn pop(&mut self) -> Option<(EventKey, E)> {
        let place = self.soon.pop()?;
        if self.soon.is_empty() && !self.later.is_empty() {
            self.refill();
        }
        let key = place.key();
        if let Some(next) = self.soon.last() {
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
        Some((key, event.expect("a place has its event")))
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
        self.soon.last().map(Place::time)
    }

    /// The key of the next event, if there is one.
    #[must_use]
    #[inline]
    pub fn peek_key(&self) -> Option<EventKey> {
        self.soon.last().map(Place::key)
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
        self.soon.len() + self.later.len()
    }

    /// Whether no event is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.soon.is_empty()
    }

    /// All pending events in the order in which they will happen, for a digest of state.
    ///
    /// Sorts on every call, because the layout of the heap depends on the order of pushes.
    #[must_use]
    pub fn pending(&self) -> Vec<(EventKey, &E)> {
        let mut events: Vec<_> = self
            .soon
            .iter()
            .chain(self.later.iter().map(|Reverse(place)| place))
            .map(|place| {
                let event = self.events[place.slot as usize].as_ref();
                (place.key(), event.expect("a place has its event"))
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
