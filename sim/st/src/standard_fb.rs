//! The standard function blocks: their fields and what one call of each does.
//!
//! **Invariants:** a call reads and writes only the fields of its instance, all of it in canonical
//! form; timers measure with the `now` of the scan alone, so their accuracy does not depend on how
//! regularly they are called, and two calls in one scan see the same time.
//!
//! Source: IEC 61131-3:2013, 6.6.3.5: Table 43 (bistable), Table 44 (edge detection), Table 45
//! (counters), Table 46 and Figure 15 (timers); 6.7.2, Table 54 (steps).

use crate::types::Elementary;

/// Who may touch a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldRole {
    Input,
    Output,
    /// Part of the state that no program sees.
    Hidden,
}

/// One slot of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) ty: Elementary,
    pub(crate) role: FieldRole,
}

/// What a standard function block does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Behaviour {
    Ton = 0,
    Tof = 1,
    Tp = 2,
    Ctu = 3,
    Ctd = 4,
    Ctud = 5,
    RTrig = 6,
    FTrig = 7,
    Sr = 8,
    Rs = 9,
    Rtc = 10,
    /// A step of a Sequential Function Chart; its type has no name in a source.
    Step = 11,
}

/// A standard function block: a behaviour, and the type that a counter counts in or that a timer
/// measures in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StandardFb {
    pub(crate) behaviour: Behaviour,
    /// The first of [`Behaviour::variants`] for a block without variants.
    pub(crate) of: Elementary,
}

const NAMES: [(&str, Behaviour); 12] = [
    ("TON", Behaviour::Ton),
    ("TOF", Behaviour::Tof),
    ("TP", Behaviour::Tp),
    ("CTU", Behaviour::Ctu),
    ("CTD", Behaviour::Ctd),
    ("CTUD", Behaviour::Ctud),
    ("R_TRIG", Behaviour::RTrig),
    ("F_TRIG", Behaviour::FTrig),
    ("SR", Behaviour::Sr),
    ("RS", Behaviour::Rs),
    ("RTC", Behaviour::Rtc),
    (crate::sfc::STEP_TYPE, Behaviour::Step),
];

/// Types that a counter can count in: those of Table 45, and UINT.
const COUNTER_TYPES: [Elementary; 6] = [
    Elementary::Int,
    Elementary::Dint,
    Elementary::Lint,
    Elementary::Uint,
    Elementary::Udint,
    Elementary::Ulint,
];

/// Types that a timer can measure in (Table 46).
const TIMER_TYPES: [Elementary; 2] = [Elementary::Time, Elementary::Ltime];

impl Behaviour {
    /// Types that the block comes in. The block without a type in its name has the first of them;
    /// one that comes in no other has INT, which stands for nothing.
    fn variants(self) -> &'static [Elementary] {
        match self {
            Self::Ton | Self::Tof | Self::Tp => &TIMER_TYPES,
            Self::Ctu | Self::Ctd | Self::Ctud => &COUNTER_TYPES,
            _ => &COUNTER_TYPES[..1],
        }
    }
}

impl StandardFb {
    /// The block with this name in capitals: `TON`, `TON_LTIME`, `CTU`, `CTU_DINT`.
    pub(crate) fn from_key(key: &str) -> Option<Self> {
        let plain = |key: &str| {
            NAMES
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, kind)| *kind)
        };
        if let Some(behaviour) = plain(key) {
            let of = behaviour.variants()[0];
            return Some(Self { behaviour, of });
        }
        let (name, ty) = key.split_once('_')?;
        let behaviour = plain(name)?;
        let variants = behaviour.variants();
        let of = *variants.iter().find(|of| of.name() == ty)?;
        (variants.len() > 1).then_some(Self { behaviour, of })
    }

    /// The block with these numbers in a container.
    pub(crate) fn from_codes(behaviour: u8, of: u32) -> Option<Self> {
        let (_, behaviour) = *NAMES.get(usize::from(behaviour))?;
        let of = Elementary::from_code(u8::try_from(of).ok()?)?;
        behaviour
            .variants()
            .contains(&of)
            .then_some(Self { behaviour, of })
    }

    pub(crate) fn name(self) -> String {
        let (name, _) = NAMES[self.behaviour as usize];
        if self.of == self.behaviour.variants()[0] {
            name.to_owned()
        } else {
            format!("{name}_{}", self.of)
        }
    }

    pub(crate) fn names<'a>() -> impl Iterator<Item = &'a str> {
        let nameable = NAMES.iter().filter(|(name, _)| !name.starts_with('$'));
        nameable.map(|(name, _)| *name)
    }

    /// The slots of an instance in order; [`StandardFb::call`] knows them by position.
    pub(crate) fn fields(self) -> Vec<Field> {
        use Elementary::{Bool, Dt, Lint, Time, Usint};
        use FieldRole::{Hidden, Input, Output};
        let of = self.of;
        let table: &[(&'static str, Elementary, FieldRole)] = match self.behaviour {
            Behaviour::Ton | Behaviour::Tof | Behaviour::Tp => &[
                ("IN", Bool, Input),
                ("PT", of, Input),
                ("Q", Bool, Output),
                ("ET", of, Output),
                ("_START", Lint, Hidden),
                ("_STATE", Usint, Hidden),
            ],
            Behaviour::Ctu => &[
                ("CU", Bool, Input),
                ("R", Bool, Input),
                ("PV", of, Input),
                ("Q", Bool, Output),
                ("CV", of, Output),
                ("_CU", Bool, Hidden),
            ],
            Behaviour::Ctd => &[
                ("CD", Bool, Input),
                ("LD", Bool, Input),
                ("PV", of, Input),
                ("Q", Bool, Output),
                ("CV", of, Output),
                ("_CD", Bool, Hidden),
            ],
            Behaviour::Ctud => &[
                ("CU", Bool, Input),
                ("CD", Bool, Input),
                ("R", Bool, Input),
                ("LD", Bool, Input),
                ("PV", of, Input),
                ("QU", Bool, Output),
                ("QD", Bool, Output),
                ("CV", of, Output),
                ("_CU", Bool, Hidden),
                ("_CD", Bool, Hidden),
            ],
            Behaviour::RTrig | Behaviour::FTrig => &[
                ("CLK", Bool, Input),
                ("Q", Bool, Output),
                ("_M", Bool, Hidden),
            ],
            Behaviour::Sr => &[
                ("S1", Bool, Input),
                ("R", Bool, Input),
                ("Q1", Bool, Output),
            ],
            Behaviour::Rtc => &[
                ("IN", Bool, Input),
                ("PDT", Dt, Input),
                ("Q", Bool, Output),
                ("CDT", Dt, Output),
                ("_OFFSET", Lint, Hidden),
            ],
            Behaviour::Step => &[
                ("$IN", Bool, Input),
                ("$SET", Bool, Input),
                ("X", Bool, Output),
                ("T", Time, Output),
                ("$START", Lint, Hidden),
            ],
            Behaviour::Rs => &[
                ("S", Bool, Input),
                ("R1", Bool, Input),
                ("Q1", Bool, Output),
            ],
        };
        table
            .iter()
            .map(|&(name, ty, role)| Field { name, ty, role })
            .collect()
    }

    /// The type of an input or output, by its name in capitals.
    pub(crate) fn parameter(self, name: &str) -> Option<Elementary> {
        let fields = self.fields().into_iter();
        let mut seen = fields.filter(|field| field.role != FieldRole::Hidden);
        seen.find(|field| field.name == name).map(|field| field.ty)
    }

    /// Runs one call.
    ///
    /// # Arguments
    ///
    /// * `slots` — the instance, as long as [`StandardFb::fields`].
    /// * `now_ns` — time of the scan, ns; never smaller than at the call before.
    #[inline]
    pub(crate) fn call(self, slots: &mut [u64], now_ns: u64) {
        match self.behaviour {
            Behaviour::Ton => timer(slots, now_ns, ton),
            Behaviour::Tof => timer(slots, now_ns, tof),
            Behaviour::Tp => timer(slots, now_ns, tp),
            Behaviour::Ctu => ctu(slots, self.of),
            Behaviour::Ctd => ctd(slots, self.of),
            Behaviour::Ctud => ctud(slots, self.of),
            Behaviour::RTrig => trigger(slots, 0),
            Behaviour::FTrig => trigger(slots, 1),
            // Table 43: the input with the 1 in its name dominates.
            Behaviour::Sr => slots[2] = slots[0] | ((slots[1] ^ 1) & slots[2]),
            Behaviour::Rtc => rtc(slots, now_ns),
            Behaviour::Step => step(slots, now_ns),
            Behaviour::Rs => slots[2] = (slots[1] ^ 1) & (slots[0] | slots[2]),
        }
    }
}

/// The timer's inputs for one call, and the state it keeps.
struct Timer {
    input: bool,
    /// A negative preset counts as none, ns.
    preset_ns: i64,
    start_ns: u64,
    state: u64,
    now_ns: u64,
}

/// Nothing is being measured.
const IDLE: u64 = 0;
/// Time runs since `start_ns`.
const RUNNING: u64 = 1;
/// The preset has passed; the result holds until IN releases it.
const DONE: u64 = 2;

impl Timer {
    fn elapsed_ns(&self) -> i64 {
        i64::try_from(self.now_ns.saturating_sub(self.start_ns)).unwrap_or(i64::MAX)
    }

    fn start(&mut self) {
        self.state = RUNNING;
        self.start_ns = self.now_ns;
    }

    /// Elapsed time while running, the preset once it has passed; tells which.
    fn measure(&mut self) -> (bool, i64) {
        let elapsed_ns = self.elapsed_ns();
        if elapsed_ns >= self.preset_ns {
            self.state = DONE;
            (true, self.preset_ns)
        } else {
            (false, elapsed_ns)
        }
    }
}

/// Loads and stores the fields around one timer's rule, which returns Q and ET.
#[inline]
fn timer(slots: &mut [u64], now_ns: u64, rule: fn(&mut Timer, previous_et_ns: i64) -> (bool, i64)) {
    let [input, preset, q, et, start, state] = slots else {
        unreachable!("the verifier has checked the layout of the instance");
    };
    let mut timer = Timer {
        input: *input != 0,
        preset_ns: preset.cast_signed().max(0),
        start_ns: *start,
        state: *state,
        now_ns,
    };
    let (new_q, new_et_ns) = rule(&mut timer, et.cast_signed());
    *q = new_q.into();
    *et = new_et_ns.cast_unsigned();
    *start = timer.start_ns;
    *state = timer.state;
}

/// Q rises when IN has been true for PT, and falls with IN.
fn ton(timer: &mut Timer, previous_et_ns: i64) -> (bool, i64) {
    if !timer.input {
        timer.state = IDLE;
        return (false, 0);
    }
    if timer.state == IDLE {
        timer.start();
    }
    if timer.state == DONE {
        (true, previous_et_ns)
    } else {
        timer.measure()
    }
}

/// Q rises with IN, and falls when IN has been false for PT.
///
/// IDLE here means that IN has never been true or the delay has run out; RUNNING from then on is
/// only reached over a true IN, which DONE stands for.
fn tof(timer: &mut Timer, previous_et_ns: i64) -> (bool, i64) {
    if timer.input {
        timer.state = DONE;
        return (true, 0);
    }
    match timer.state {
        DONE => timer.start(),
        RUNNING => {}
        _ => return (false, previous_et_ns),
    }
    let (passed, et_ns) = timer.measure();
    if passed {
        timer.state = IDLE;
    }
    (!passed, et_ns)
}

/// A rising IN starts a pulse of PT on Q that nothing shortens or prolongs.
///
/// DONE holds ET and keeps a steady IN from starting a second pulse.
fn tp(timer: &mut Timer, previous_et_ns: i64) -> (bool, i64) {
    if timer.state == IDLE && timer.input {
        timer.start();
    }
    let mut result = (
        false,
        if timer.state == DONE {
            previous_et_ns
        } else {
            0
        },
    );
    if timer.state == RUNNING {
        let (passed, et_ns) = timer.measure();
        result = (!passed, et_ns);
    }
    if timer.state == DONE && !timer.input {
        timer.state = IDLE;
        result = (false, 0);
    }
    result
}

/// `Q := CLK AND NOT M; M := CLK`, for F_TRIG on the inverted CLK.
///
/// M starts FALSE for both, so that F_TRIG fires in its first call when CLK is FALSE: the note to
/// Table 44 says so.
fn trigger(slots: &mut [u64], inverted: u64) {
    let clock = slots[0] ^ inverted;
    slots[1] = clock & (slots[2] ^ 1);
    slots[2] = clock;
}

/// A rising IN sets the clock to PDT; while IN stands it runs with the time of the scans.
fn rtc(slots: &mut [u64], now_ns: u64) {
    if slots[0] & (slots[2] ^ 1) != 0 {
        slots[4] = slots[1].wrapping_sub(now_ns);
    }
    slots[2] = slots[0];
    if slots[0] != 0 {
        slots[3] = slots[4].wrapping_add(now_ns);
    }
}

/// X while the step is active; T counts from its beginning, and stands when it has ended (IEC
/// 61131-3:2013, Table 54).
fn step(slots: &mut [u64], now_ns: u64) {
    let [active, set, x, t, start] = slots else {
        unreachable!("a step has five fields");
    };
    if *set != 0 {
        *start = now_ns;
    }
    *x = *active | *set;
    if *x != 0 {
        *t = now_ns.saturating_sub(*start).min(i64::MAX.cast_unsigned());
    }
}

/// True once per rising edge of `slots[input]`; `slots[memory]` remembers.
fn rising(slots: &mut [u64], input: usize, memory: usize) -> bool {
    let edge = slots[input] & (slots[memory] ^ 1);
    slots[memory] = slots[input];
    edge != 0
}

/// `value` one up or down, unless it stands at the end of the type.
fn count(value: u64, counter: Elementary, up: bool) -> u64 {
    let (low, high) = limits(counter);
    match up {
        true if value != high => value.wrapping_add(1),
        false if value != low => value.wrapping_sub(1),
        _ => value,
    }
}

/// Smallest and largest value of the counter, as slots.
fn limits(counter: Elementary) -> (u64, u64) {
    let high = if counter.is_signed() {
        u64::MAX >> 1
    } else {
        u64::MAX
    } >> counter.unused_bits();
    (if counter.is_signed() { !high } else { 0 }, high)
}

fn at_least(value: u64, bound: u64, counter: Elementary) -> u64 {
    let reached = if counter.is_signed() {
        value.cast_signed() >= bound.cast_signed()
    } else {
        value >= bound
    };
    reached.into()
}

fn ctu(slots: &mut [u64], counter: Elementary) {
    let edge = rising(slots, 0, 5);
    if slots[1] != 0 {
        slots[4] = 0;
    } else if edge {
        slots[4] = count(slots[4], counter, true);
    }
    slots[3] = at_least(slots[4], slots[2], counter);
}

fn ctd(slots: &mut [u64], counter: Elementary) {
    let edge = rising(slots, 0, 5);
    if slots[1] != 0 {
        slots[4] = slots[2];
    } else if edge {
        slots[4] = count(slots[4], counter, false);
    }
    slots[3] = at_least(0, slots[4], counter);
}

fn ctud(slots: &mut [u64], counter: Elementary) {
    let up = rising(slots, 0, 8);
    let down = rising(slots, 1, 9);
    if slots[2] != 0 {
        slots[7] = 0;
    } else if slots[3] != 0 {
        slots[7] = slots[4];
    } else if up != down {
        // Both edges at once leave the count alone.
        slots[7] = count(slots[7], counter, up);
    }
    slots[5] = at_least(slots[7], slots[4], counter);
    slots[6] = at_least(0, slots[7], counter);
}
