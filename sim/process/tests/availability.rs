//! Failures: validation test 8 of the reference, with the model's own stops and buffer.

mod common;

use common::TestDraws;
use sim_process::bottle::Bottle;
use sim_process::stoppage::{Failure, Repair, StopClock, Stoppage, StoppageConfig};
use sim_process::table::{AccumulationTable, TableConfig};

/// A machine whose faults are repaired in exactly the drawn time.
struct Repaired {
    stop: Stoppage,
    draws: TestDraws,
    worked_s: f64,
}

impl Repaired {
    fn new(fault: Failure, clock: StopClock, name: &str) -> Self {
        let mut draws = TestDraws::new(11, name);
        let config = StoppageConfig {
            micro: Failure::NEVER,
            fault,
        };
        Self {
            stop: Stoppage::new(config, clock, &mut draws),
            draws,
            worked_s: 0.0,
        }
    }

    fn is_up(&self) -> bool {
        self.stop.is_able()
    }

    fn step(&mut self, running: bool, step_s: f64) {
        if let Some(repair_s) = self.stop.repair_s() {
            self.worked_s += step_s;
            if self.worked_s >= repair_s {
                self.stop.clear();
                self.worked_s = 0.0;
            }
        } else {
            self.stop.step(running, true, step_s, &mut self.draws);
        }
    }
}

#[test]
fn machine_when_alone_then_availability_is_mtbf_over_mtbf_plus_mttr() {
    for clock in [StopClock::Calendar, StopClock::Running] {
        assert_availability(clock);
    }
}

fn assert_availability(clock: StopClock) {
    let (mtbf_s, mttr_s, sigma) = (2700.0_f64, 180.0_f64, 0.6_f64);
    let exponential = Repair::Exponential { mean_s: mttr_s };
    let lognormal = Repair::Lognormal {
        mean_s: mttr_s,
        sigma,
    };
    for (repair, variance_s2) in [
        (exponential, mttr_s * mttr_s),
        (
            lognormal,
            mttr_s * mttr_s * (libm::exp(sigma * sigma) - 1.0),
        ),
    ] {
        let mut machine = Repaired::new(Failure { mtbf_s, repair }, clock, "single");
        let step_s = 0.1;
        let hours = 1000.0;
        let (mut up, mut total) = (0.0, 0.0);
        while total * step_s < hours * 3600.0 {
            let is_up = machine.is_up();
            up += f64::from(u8::from(is_up));
            total += 1.0;
            machine.step(is_up, step_s);
        }
        let availability = up / total;
        let expect = mtbf_s / (mtbf_s + mttr_s);
        // Variance of the up-share of an alternating renewal process over a long time.
        let period_s = mtbf_s + mttr_s;
        let numerator = mttr_s * mttr_s * mtbf_s * mtbf_s + mtbf_s * mtbf_s * variance_s2;
        let deviation = (numerator / (period_s * period_s * period_s * hours * 3600.0)).sqrt();
        assert!(
            (availability - expect).abs() < 3.0 * deviation,
            "{clock:?}: {availability}, expected {expect} ± {deviation}"
        );
    }
}

/// Where a machine is down, by second.
fn downs(clock: StopClock, held: impl Fn(u32) -> bool) -> Vec<bool> {
    let repair = Repair::Exponential { mean_s: 60.0 };
    let failure = Failure {
        mtbf_s: 600.0,
        repair,
    };
    let mut machine = Repaired::new(failure, clock, "held");
    (0..100_000)
        .map(|second| {
            machine.step(machine.is_up() && !held(second), 1.0);
            !machine.is_up()
        })
        .collect()
}

#[test]
fn machine_when_held_for_a_while_then_its_later_stops_by_the_calendar_keep_their_times() {
    let held = |second: u32| (20_000..20_900).contains(&second);
    let differing = |clock| {
        let (free, disturbed) = (downs(clock, |_| false), downs(clock, held));
        assert_eq!(free[..20_000], disturbed[..20_000]);
        let pairs = free[22_000..].iter().zip(&disturbed[22_000..]);
        pairs.filter(|(one, other)| one != other).count()
    };
    assert_eq!(differing(StopClock::Calendar), 0);
    assert!(differing(StopClock::Running) > 1000);
}

#[test]
fn machine_when_held_over_several_stops_then_only_the_longest_waits_for_it() {
    let free = downs(StopClock::Calendar, |_| false);
    let end = 50_000;
    let disturbed = downs(StopClock::Calendar, |second| {
        (end - 20_000..end).contains(&second)
    });
    let (from, to) = (end as usize - 20_000, end as usize);
    assert!(!disturbed[from + 600..to].contains(&true));
    let runs = |downs: &[bool]| -> Vec<usize> {
        downs
            .split(|is_down| !is_down)
            .map(<[bool]>::len)
            .filter(|&seconds| seconds > 0)
            .collect()
    };
    let missed = runs(&free[from..to]);
    let longest = missed.iter().max().expect("it would have stopped");
    assert!(missed.len() > 10, "{missed:?}");
    let caught_up = runs(&disturbed[to..to + 2000])[0];
    // The last missed stop may still be going on in the free machine, and is then cut off there.
    assert!(
        caught_up.abs_diff(*longest) <= 1,
        "{caught_up} s, expected {longest} s"
    );
}

/// Failure and repair rates of one machine, 1/s.
#[derive(Clone, Copy)]
struct Rates {
    fail: f64,
    repair: f64,
}

/// Efficiency of two machines of equal speed with a buffer of `buffer` parts between them, in the
/// continuous-flow limit, failures depending on operation.
///
/// J. A. Buzacott, "Automatic transfer lines with buffer stocks", Int. J. Prod. Res. 5 (1967);
/// S. B. Gershwin, "Manufacturing Systems Engineering", Prentice Hall 1994, chapter 3 (two-machine
/// continuous line). With the density of (machine 1 up, 2 down) at level x equal to that of
/// (1 down, 2 up), f(x) = f(0)·exp(k·x); the masses at the empty and the full buffer follow from the
/// balance of each boundary state:
/// P(0; up, up) = f(0)/λ2, P(0; down, up) = L·f(0)/(λ2·μ1), P(N; up, up) = f(N)/λ1,
/// P(N; up, down) = L·f(N)/(λ1·μ2), with L = λ1 + λ2 and M = μ1 + μ2.
fn two_machine_efficiency(one: Rates, two: Rates, buffer: f64) -> f64 {
    let fail = one.fail + two.fail;
    let repair = one.repair + two.repair;
    let k = two.fail * repair / fail - one.fail + one.repair * fail / repair - two.repair;
    let end = libm::exp(k * buffer);
    let area = if k.abs() < 1e-12 {
        buffer
    } else {
        (end - 1.0) / k
    };
    let both_up = area * repair / fail;
    let both_down = area * fail / repair;
    let starved_up = 1.0 / two.fail;
    let starved_down = fail / (two.fail * one.repair);
    let full_up = end / one.fail;
    let full_down = end * fail / (one.fail * two.repair);
    let second_runs = both_up + area + starved_up + full_up;
    let all = both_up + 2.0 * area + both_down + starved_up + starved_down + full_up + full_down;
    second_runs / all
}

#[test]
fn formula_when_buffer_vanishes_or_is_endless_then_meets_the_known_limits() {
    let one = Rates {
        fail: 1.0 / 1800.0,
        repair: 1.0 / 120.0,
    };
    let two = Rates {
        fail: 1.0 / 1500.0,
        repair: 1.0 / 150.0,
    };
    let (down_one, down_two) = (one.fail / one.repair, two.fail / two.repair);
    let none = two_machine_efficiency(one, two, 0.0);
    assert!(
        (none - 1.0 / (1.0 + down_one + down_two)).abs() < 1e-12,
        "{none}"
    );
    let endless = two_machine_efficiency(one, two, 1e5);
    assert!((endless - 1.0 / (1.0 + down_two)).abs() < 1e-9, "{endless}");
}

#[test]
fn two_machines_when_a_finite_buffer_stands_between_them_then_efficiency_is_gershwins() {
    let failure = |mtbf_s, mean_s| Failure {
        mtbf_s,
        repair: Repair::Exponential { mean_s },
    };
    // The formula takes failures to depend on operation.
    let clock = StopClock::Running;
    let mut first = Repaired::new(failure(1800.0, 120.0), clock, "first");
    let mut second = Repaired::new(failure(1500.0, 150.0), clock, "second");
    let buffer = 150;
    let config = TableConfig {
        capacity: buffer,
        length_m: 0.0,
        ..TableConfig::default()
    };
    let mut table = AccumulationTable::new(&config);
    let part = Bottle::new(1, 0.0, 1.0);
    let batches = 40;
    let batch_s = 360_000_u32;
    let mut shares = Vec::new();
    for _ in 0..batches {
        let mut made = 0.0;
        for _ in 0..batch_s {
            // One part per second. A full or empty buffer still lets a part through when both run.
            let one_runs = first.is_up() && (!table.is_full() || second.is_up());
            let two_runs = second.is_up() && (!table.is_empty() || one_runs);
            let taken = two_runs && table.pop_ready().is_some();
            if one_runs {
                table.push(part.clone()).expect("room was checked");
            }
            if two_runs && !taken {
                assert!(table.pop_ready().is_some(), "the part that has just come");
            }
            made += f64::from(u8::from(two_runs));
            first.step(one_runs, 1.0);
            second.step(two_runs, 1.0);
        }
        shares.push(made / f64::from(batch_s));
    }
    let count = shares.len() as f64;
    let mean = shares.iter().sum::<f64>() / count;
    let variance = shares
        .iter()
        .map(|share| (share - mean) * (share - mean))
        .sum::<f64>();
    let deviation = (variance / (count * (count - 1.0))).sqrt();
    let one = Rates {
        fail: 1.0 / 1800.0,
        repair: 1.0 / 120.0,
    };
    let two = Rates {
        fail: 1.0 / 1500.0,
        repair: 1.0 / 150.0,
    };
    let expect = two_machine_efficiency(one, two, f64::from(buffer));
    assert!(deviation < 0.002, "too few batches: {deviation}");
    assert!(
        (mean - expect).abs() < 3.0 * deviation,
        "{mean}, expected {expect} ± {deviation}"
    );
    let without = two_machine_efficiency(one, two, 0.0);
    assert!(
        mean - without > 3.0 * deviation,
        "the buffer must show: {mean} against {without}"
    );
}
