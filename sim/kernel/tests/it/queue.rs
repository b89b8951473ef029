//! The event queue: one total order, no ties, no way back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sim_kernel::queue::MAX_EVENTS_PER_INSTANT;
use sim_kernel::{EventKey, EventQueue, Hasher, Phase, SimTime};

const PHASES: [Phase; 6] = [
    Phase::ExternalInput,
    Phase::ProcessStep,
    Phase::FrameArrival,
    Phase::DeviceTimer,
    Phase::PlcScan,
    Phase::Observer,
];

fn key(time_ns: u64, phase: Phase, target: u32, source: u32, source_seq: u64) -> EventKey {
    EventKey {
        time: SimTime::from_nanos(time_ns),
        phase,
        target,
        source,
        source_seq,
    }
}

fn timer(time_ns: u64, source_seq: u64) -> EventKey {
    key(time_ns, Phase::DeviceTimer, 0, 0, source_seq)
}

#[test]
fn key_when_compared_then_fields_count_in_their_order() {
    let ascending = [
        key(1, Phase::Observer, 9, 9, 9),
        key(2, Phase::ExternalInput, 9, 9, 9),
        key(2, Phase::ProcessStep, 8, 9, 9),
        key(2, Phase::ProcessStep, 9, 8, 9),
        key(2, Phase::ProcessStep, 9, 9, 8),
        key(2, Phase::ProcessStep, 9, 9, 9),
        key(2, Phase::FrameArrival, 0, 0, 0),
        key(2, Phase::DeviceTimer, 0, 0, 0),
        key(2, Phase::PlcScan, 0, 0, 0),
        key(2, Phase::Observer, 0, 0, 0),
    ];
    assert!(ascending.is_sorted_by(|a, b| a < b));
}

#[test]
fn phase_when_hashed_then_has_its_place_as_number() {
    let numbers: Vec<u8> = PHASES.iter().map(|phase| *phase as u8).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn key_when_a_field_differs_then_the_digest_differs() {
    let digest = |key: EventKey| {
        let mut hasher = Hasher::new();
        key.digest_into(&mut hasher);
        hasher.finish()
    };
    let base = key(1, Phase::ProcessStep, 2, 3, 4);
    for other in [
        key(9, Phase::ProcessStep, 2, 3, 4),
        key(1, Phase::PlcScan, 2, 3, 4),
        key(1, Phase::ProcessStep, 9, 3, 4),
        key(1, Phase::ProcessStep, 2, 9, 4),
        key(1, Phase::ProcessStep, 2, 3, 9),
    ] {
        assert_ne!(digest(base), digest(other), "{other:?}");
    }
}

#[test]
fn entry_when_stored_then_the_key_takes_32_bytes() {
    assert_eq!(size_of::<EventKey>(), 32);
}

#[test]
fn queue_when_empty_then_has_nothing_and_keeps_its_time() {
    let mut queue: EventQueue<()> = EventQueue::default();
    assert_eq!(queue.pop(), None);
    assert_eq!(queue.peek_time(), None);
    assert_eq!(queue.now(), SimTime::ZERO);
    assert!(queue.is_empty());
}

#[test]
fn pop_before_when_the_event_is_at_the_end_then_leaves_it() {
    let mut queue = EventQueue::new();
    queue.push(timer(10, 0), ());
    assert_eq!(queue.pop_before(SimTime::from_nanos(10)), None);
    assert_eq!(queue.now(), SimTime::ZERO);
    assert_eq!(
        queue.pop_before(SimTime::from_nanos(11)),
        Some((timer(10, 0), ()))
    );
    assert_eq!(queue.pop_before(SimTime::MAX), None);
}

#[test]
fn push_when_smaller_key_in_the_same_instant_then_comes_next() {
    let mut queue = EventQueue::new();
    queue.push(key(5, Phase::PlcScan, 1, 1, 0), "scan");
    queue.push(key(5, Phase::Observer, 2, 2, 0), "watch");
    assert_eq!(queue.pop().map(|(_, event)| event), Some("scan"));
    queue.push(key(5, Phase::DeviceTimer, 0, 1, 1), "woken");
    assert_eq!(queue.pop().map(|(_, event)| event), Some("woken"));
    assert_eq!(queue.pop().map(|(_, event)| event), Some("watch"));
}

#[test]
fn advance_to_when_nothing_is_skipped_then_moves_the_clock() {
    let mut queue = EventQueue::new();
    queue.push(timer(10, 0), ());
    queue.advance_to(SimTime::from_nanos(10));
    assert_eq!(queue.now(), SimTime::from_nanos(10));
    queue.push(key(10, Phase::ExternalInput, 0, 0, 0), ());
    assert_eq!(
        queue.pop(),
        Some((key(10, Phase::ExternalInput, 0, 0, 0), ()))
    );
}

#[test]
fn queue_when_cloned_then_both_go_on_alike() {
    let mut queue = EventQueue::new();
    for seq in 0..100 {
        queue.push(timer(seq * 7 % 31, seq), seq);
    }
    for _ in 0..40 {
        queue.pop();
    }
    let mut copy = queue.clone();
    while let Some(event) = queue.pop() {
        assert_eq!(copy.pop(), Some(event));
    }
    assert!(copy.is_empty());
}

#[test]
#[should_panic(expected = "tie between two events")]
fn pop_when_two_pending_events_tie_then_panics() {
    let mut queue = EventQueue::new();
    queue.push(timer(1, 0), "one");
    queue.push(timer(1, 0), "other");
    queue.pop();
}

#[test]
#[should_panic(expected = "tie with a past event")]
fn push_when_the_key_was_just_popped_then_panics() {
    let mut queue = EventQueue::new();
    queue.push(timer(1, 0), ());
    queue.pop();
    queue.push(timer(1, 0), ());
}

#[test]
#[should_panic(expected = "tie with a past event")]
fn push_when_the_key_was_popped_earlier_in_the_instant_then_panics() {
    let mut queue = EventQueue::new();
    for seq in 0..5 {
        queue.push(timer(1, seq), ());
    }
    while queue.pop().is_some() {}
    queue.advance_to(SimTime::from_nanos(1));
    queue.push(timer(1, 2), ());
}

#[test]
#[should_panic(expected = "event is in the past")]
fn push_when_before_now_then_panics() {
    let mut queue = EventQueue::new();
    queue.push(timer(10, 0), ());
    queue.pop();
    queue.push(timer(9, 1), ());
}

#[test]
#[should_panic(expected = "event is in the past")]
fn push_when_before_the_advanced_clock_then_panics() {
    let mut queue = EventQueue::new();
    queue.advance_to(SimTime::from_nanos(10));
    queue.push(timer(9, 0), ());
}

#[test]
#[should_panic(expected = "the clock cannot skip an event")]
fn advance_to_when_past_the_next_event_then_panics() {
    let mut queue = EventQueue::new();
    queue.push(timer(10, 0), ());
    queue.advance_to(SimTime::from_nanos(11));
}

#[test]
#[should_panic(expected = "the clock cannot go back")]
fn advance_to_when_before_now_then_panics() {
    let mut queue: EventQueue<()> = EventQueue::new();
    queue.advance_to(SimTime::from_nanos(10));
    queue.advance_to(SimTime::from_nanos(9));
}

#[test]
#[should_panic(expected = "an instant does not end")]
fn pop_when_an_event_wakes_itself_without_delay_then_panics() {
    let mut queue = EventQueue::new();
    queue.push(timer(1, 0), ());
    while let Some((key, ())) = queue.pop() {
        assert!(key.source_seq <= MAX_EVENTS_PER_INSTANT as u64);
        queue.push(timer(1, key.source_seq + 1), ());
    }
}

#[test]
fn pop_when_an_instant_is_full_then_still_ends() {
    let mut queue = EventQueue::new();
    for seq in 0..MAX_EVENTS_PER_INSTANT as u64 {
        queue.push(timer(1, seq), ());
    }
    queue.push(timer(2, 0), ());
    while queue.pop().is_some() {}
    assert_eq!(queue.now(), SimTime::from_nanos(2));
}

/// Keys from a small range, so that many share a time, a phase or a target.
fn any_key() -> impl Strategy<Value = EventKey> {
    (0u64..6, 0usize..PHASES.len(), 0u32..4, 0u32..4, 0u64..8).prop_map(
        |(time_ns, phase, target, source, source_seq)| {
            key(time_ns, PHASES[phase], target, source, source_seq)
        },
    )
}

proptest! {
    #[test]
    fn pop_when_pushed_in_any_order_then_is_the_total_order(
        keys in prop::collection::btree_set(any_key(), 0..600)
            .prop_map(|keys| keys.into_iter().collect::<Vec<_>>())
            .prop_shuffle(),
    ) {
        let mut queue = EventQueue::new();
        for key in &keys {
            queue.push(*key, *key);
        }
        let mut sorted = keys.clone();
        sorted.sort();
        let pending: Vec<EventKey> = queue.pending().into_iter().map(|(key, _)| key).collect();
        prop_assert_eq!(&pending, &sorted);
        prop_assert_eq!(queue.len(), sorted.len());
        for key in sorted {
            prop_assert_eq!(queue.peek_time(), Some(key.time));
            prop_assert_eq!(queue.pop(), Some((key, key)));
            prop_assert_eq!(queue.now(), key.time);
        }
        prop_assert!(queue.is_empty());
    }

    /// Pushes and pops in any mixture give what a sorted map gives.
    #[test]
    fn queue_when_pushes_and_pops_mix_then_agrees_with_a_sorted_map(
        steps in prop::collection::vec(
            prop::option::weighted(0.6, (0u64..100, 0usize..6, 0u32..4)),
            0..1500,
        ),
    ) {
        let mut queue = EventQueue::new();
        let mut model = BTreeMap::new();
        let mut now_ns = 0;
        for (seq, step) in (0u64..).zip(steps) {
            if let Some((delay_ns, phase, target)) = step {
                let key = key(now_ns + delay_ns, PHASES[phase], target, 0, seq);
                queue.push(key, seq);
                model.insert(key, seq);
            } else {
                let expected = model.pop_first();
                prop_assert_eq!(queue.pop(), expected);
                if let Some((key, _)) = expected {
                    now_ns = key.time.as_nanos();
                }
            }
            prop_assert_eq!(queue.now().as_nanos(), now_ns);
            prop_assert_eq!(queue.len(), model.len());
            prop_assert_eq!(queue.peek_key(), model.keys().next().copied());
        }
    }

    /// A doubled key is found wherever the two stand among other events, and before the second of
    /// them acts.
    #[test]
    fn queue_when_any_key_is_doubled_then_panics(
        keys in prop::collection::btree_set(any_key(), 1..60)
            .prop_map(|keys| keys.into_iter().collect::<Vec<_>>())
            .prop_shuffle(),
        doubled in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
    ) {
        let doubled = *doubled.get(&keys);
        let mut with_tie = keys.clone();
        with_tie.insert(place.index(keys.len() + 1), doubled);
        let smaller = keys.iter().filter(|key| **key < doubled).count();

        let mut queue = EventQueue::new();
        for key in with_tie {
            queue.push(key, ());
        }
        for _ in 0..smaller {
            prop_assert!(queue.pop().expect("an event is pending").0 < doubled);
        }
        let tie = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| queue.pop()));
        prop_assert!(tie.is_err());
    }
}
