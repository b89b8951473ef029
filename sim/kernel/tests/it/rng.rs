//! Random streams: pinned values, exact bounds, independence, and the shape of each distribution.
//!
//! Every test has a fixed seed, so a statistical bound either always holds or never does.

use proptest::prelude::*;
use sim_kernel::{Digest, Hasher, Seed, Stream, math};

const DRAWS: u32 = 200_000;

fn state_digest(stream: &Stream) -> Digest {
    let mut hasher = Hasher::new();
    stream.digest_into(&mut hasher);
    hasher.finish()
}

/// The first values of three streams. They come from an implementation of BLAKE3 and ChaCha8 that
/// is independent of the crates used here. If this test fails, every recorded run is void: the
/// derivation changed.
#[test]
fn stream_when_opened_then_first_values_are_pinned() {
    let check = |seed, name: &str, first: [u64; 4]| {
        let mut stream = Stream::new(seed, name);
        assert_eq!(
            [(); 4].map(|()| stream.next_u64()),
            first,
            "seed {seed}, `{name}`"
        );
    };
    check(
        0,
        "",
        [
            0xf124_bc21_027b_2cf1,
            0x3d19_d0cc_bce0_0605,
            0x680f_607d_a467_a281,
            0xd0ed_e57c_7acc_bff9,
        ],
    );
    check(
        7,
        "plant/filler/level-sensor",
        [
            0xf534_c945_9465_5dc8,
            0xbc8a_fb87_f37b_7e3d,
            0xbfea_c2a6_a578_0134,
            0x9b68_a59b_8b31_5273,
        ],
    );
    check(
        u64::MAX,
        "Öl",
        [
            0x40a7_85f5_5967_be4c,
            0x5513_80cc_0e64_d0d7,
            0xc1d6_c0f3_222e_37a6,
            0x91b5_f2ef_ed3c_247a,
        ],
    );
}

/// One digest over many draws of every kind: a change of any method's arithmetic or of the words it
/// takes shows here.
#[test]
fn draws_when_of_every_kind_then_are_pinned() {
    let mut stream = Stream::new(7, "golden");
    let mut hasher = Hasher::new();
    for n in 1..=1_000 {
        hasher.put_u32(stream.next_u32());
        hasher.put_u64(stream.next_u64());
        hasher.put_f64(stream.uniform());
        hasher.put_f64(stream.uniform_in(-2.0, 3.0));
        hasher.put_u64(stream.below(n));
        hasher.put_u64(stream.below(u64::MAX / 2 + n));
        hasher.put_f64(stream.gaussian());
        hasher.put_f64(stream.exponential(2.0));
        hasher.put_f64(stream.lognormal(3.0, 0.5));
        hasher.put_bool(stream.chance(0.3));
    }
    stream.digest_into(&mut hasher);
    assert_eq!(
        hasher.finish().to_string(),
        "48a997a919f1e917d67541a80522d364679df74e9226c5aa46eea50295c1ba15"
    );
}

#[test]
fn stream_when_seed_or_name_differs_then_differs() {
    let first = |seed, name: &str| Stream::new(seed, name).next_u64();
    let base = first(1, "a");
    assert_eq!(base, Seed::new(1).stream("a").next_u64());
    for other in [
        first(2, "a"),
        first(1, "b"),
        first(1, "a/"),
        first(1 << 8, "a"),
    ] {
        assert_ne!(base, other);
    }
}

#[test]
fn stream_when_another_draws_more_then_is_unmoved() {
    let run = |extra_draws: u32| {
        let seed = Seed::new(3);
        let (mut noisy, mut steady) = (seed.stream("noisy"), seed.stream("steady"));
        (0..100)
            .map(|_| {
                for _ in 0..extra_draws {
                    noisy.gaussian();
                }
                steady.gaussian().to_bits()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(run(0), run(5));
}

#[test]
fn word_pos_when_drawn_then_counts_every_word() {
    let mut stream = Stream::new(1, "position");
    let mut words = 0;
    assert_eq!(stream.word_pos(), 0);
    // Odd and even steps cross the boundaries of ChaCha's blocks and of its buffer in every way.
    for step in 0..1_000 {
        if step % 3 == 0 {
            stream.next_u32();
            words += 1;
        } else {
            stream.next_u64();
            words += 2;
        }
        assert_eq!(stream.word_pos(), words, "after step {step}");
    }
    for (draw, taken) in [
        (
            (|s| {
                s.uniform();
            }) as fn(&mut Stream),
            2,
        ),
        (
            |s| {
                s.uniform_in(0.0, 1.0);
            },
            2,
        ),
        (
            |s| {
                s.chance(0.0);
            },
            2,
        ),
        (
            |s| {
                s.chance(1.0);
            },
            2,
        ),
        (
            |s| {
                s.exponential(1.0);
            },
            2,
        ),
        (
            |s| {
                s.below(1);
            },
            2,
        ),
    ] {
        let before = stream.word_pos();
        draw(&mut stream);
        assert_eq!(stream.word_pos() - before, taken);
    }
}

#[test]
fn next_u64_when_taken_as_halves_then_is_low_word_first() {
    let (mut wide, mut narrow) = (Stream::new(1, "halves"), Stream::new(1, "halves"));
    for _ in 0..100 {
        let (low, high) = (narrow.next_u32(), narrow.next_u32());
        assert_eq!(wide.next_u64(), u64::from(low) | u64::from(high) << 32);
    }
}

#[test]
fn digest_when_a_deviate_is_held_back_then_differs() {
    let mut stream = Stream::new(1, "spare");
    let fresh = state_digest(&stream);
    stream.gaussian();
    let held_back = state_digest(&stream);
    let word_pos = stream.word_pos();
    stream.gaussian();
    let used = state_digest(&stream);
    assert_eq!(
        stream.word_pos(),
        word_pos,
        "the second deviate takes no words"
    );
    assert_ne!(fresh, held_back);
    assert_ne!(held_back, used);
}

#[test]
fn stream_when_cloned_then_both_go_on_alike() {
    let mut stream = Stream::new(9, "clone");
    stream.gaussian();
    stream.next_u32();
    let mut copy = stream.clone();
    assert_eq!(state_digest(&copy), state_digest(&stream));
    for _ in 0..100 {
        assert_eq!(copy.gaussian().to_bits(), stream.gaussian().to_bits());
        assert_eq!(copy.next_u64(), stream.next_u64());
    }
}

#[test]
fn debug_when_printed_then_hides_the_key() {
    assert_eq!(
        format!("{:?}", Stream::new(1, "x")),
        "Stream { word_pos: 0, spare: None, .. }"
    );
}

/// Mean and variance of `DRAWS` draws.
fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
    let draws: Vec<f64> = (0..DRAWS).map(|_| draw()).collect();
    let count = f64::from(DRAWS);
    let mean = draws.iter().sum::<f64>() / count;
    (
        mean,
        draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count,
    )
}

#[track_caller]
fn check_near(value: f64, expected: f64, tolerance: f64) {
    assert!(
        (value - expected).abs() < tolerance,
        "{value} is not {expected} ± {tolerance}"
    );
}

// The tolerances below are about four standard errors at `DRAWS` draws.

#[test]
fn uniform_when_drawn_often_then_has_its_moments() {
    let mut stream = Stream::new(11, "uniform");
    let (mean, variance) = moments(|| stream.uniform());
    check_near(mean, 0.5, 0.003);
    check_near(variance, 1.0 / 12.0, 0.001);
}

#[test]
fn gaussian_when_drawn_often_then_has_its_shape() {
    let mut stream = Stream::new(11, "gaussian");
    let draws: Vec<f64> = (0..DRAWS).map(|_| stream.gaussian()).collect();
    let mut next = draws.iter().copied();
    let (mean, variance) = moments(|| next.next().expect("as many as are asked for"));
    check_near(mean, 0.0, 0.01);
    check_near(variance, 1.0, 0.015);
    // Shares beyond 1, 2 and 3 standard deviations on one side, from the normal distribution.
    let share = |keep: &dyn Fn(f64) -> bool| {
        f64::from(u32::try_from(draws.iter().filter(|x| keep(**x)).count()).expect("is small"))
            / f64::from(DRAWS)
    };
    for (limit, expected, tolerance) in [
        (1.0, 0.158_655, 0.0035),
        (2.0, 0.022_750, 0.0014),
        (3.0, 0.001_350, 0.000_35),
    ] {
        check_near(share(&|x| x > limit), expected, tolerance);
        check_near(share(&|x| x < -limit), expected, tolerance);
    }
    // The two deviates of a pair are independent.
    let products: f64 = draws.chunks_exact(2).map(|pair| pair[0] * pair[1]).sum();
    check_near(products / f64::from(DRAWS / 2), 0.0, 0.013);
}

#[test]
fn exponential_when_drawn_often_then_has_its_moments() {
    let mut stream = Stream::new(11, "exponential");
    let (mean, variance) = moments(|| stream.exponential(3.0));
    check_near(mean, 3.0, 0.027);
    check_near(variance, 9.0, 0.23);
}

#[test]
fn lognormal_when_drawn_often_then_has_its_median_and_spread() {
    let mut stream = Stream::new(11, "lognormal");
    let (mean_of_log, variance_of_log) = moments(|| math::ln(stream.lognormal(4.0, 0.5)));
    check_near(mean_of_log, math::ln(4.0), 0.0045);
    check_near(variance_of_log, 0.25, 0.0032);
}

#[test]
fn chance_when_drawn_often_then_has_its_share() {
    let mut stream = Stream::new(11, "chance");
    let (share, _) = moments(|| if stream.chance(0.3) { 1.0 } else { 0.0 });
    check_near(share, 0.3, 0.0042);
}

#[test]
fn below_when_drawn_often_then_every_value_is_as_frequent() {
    let mut stream = Stream::new(11, "below");
    let mut counts = [0_u32; 7];
    for _ in 0..DRAWS {
        counts[usize::try_from(stream.below(7)).expect("is below 7")] += 1;
    }
    let expected = f64::from(DRAWS) / 7.0;
    let chi_squared: f64 = counts
        .iter()
        .map(|count| math::powi(f64::from(*count) - expected, 2) / expected)
        .sum();
    // The 99.9 % quantile for six degrees of freedom.
    assert!(
        chi_squared < 22.46,
        "chi squared is {chi_squared}, counts {counts:?}"
    );
}

/// With a range of 3·2⁶², draws from 2⁶⁴ values cannot be split evenly: one in four must be drawn
/// anew. A plain multiplication would give one residue in three twice as often as the others.
#[test]
fn below_when_the_range_is_uneven_then_rejects_and_stays_even() {
    const N: u64 = 3 << 62;
    let mut stream = Stream::new(11, "uneven");
    let draws = 30_000;
    let mut residues = [0_u32; 3];
    for _ in 0..draws {
        residues[usize::try_from(stream.below(N) % 3).expect("is below 3")] += 1;
    }
    for count in residues {
        check_near(f64::from(count) / f64::from(draws), 1.0 / 3.0, 0.011);
    }
    let drawn_u32 = u32::try_from(stream.word_pos() / 2).expect("is small");
    check_near(f64::from(draws) / f64::from(drawn_u32), 0.75, 0.009);
}

#[test]
fn draws_when_the_spread_is_zero_then_are_constant() {
    let mut stream = Stream::new(1, "constant");
    for _ in 0..100 {
        assert_eq!(stream.below(1), 0);
        assert_eq!(stream.uniform_in(2.5, 2.5), 2.5);
        assert_eq!(stream.exponential(0.0).to_bits(), 0);
        assert_eq!(stream.lognormal(2.5, 0.0), 2.5);
        assert_eq!(stream.lognormal(0.0, 1.0).to_bits(), 0);
        assert!(stream.chance(1.0));
        assert!(!stream.chance(0.0));
        assert_eq!(*stream.pick(&["only"]), "only");
    }
}

#[test]
fn pick_when_drawn_often_then_reaches_every_item() {
    let mut stream = Stream::new(1, "pick");
    let items = [0_usize, 1, 2, 3];
    let mut seen = [false; 4];
    for _ in 0..100 {
        seen[*stream.pick(&items)] = true;
    }
    assert_eq!(seen, [true; 4]);
}

#[test]
fn seed_when_text_or_json_then_is_a_plain_integer() {
    assert_eq!("42".parse(), Ok(Seed::new(42)));
    assert!("-1".parse::<Seed>().is_err());
    assert_eq!(Seed::new(u64::MAX).to_string(), "18446744073709551615");
    assert_eq!(
        serde_json::to_string(&Seed::new(42)).expect("serialises"),
        "42"
    );
    assert_eq!(
        serde_json::from_str::<Seed>("42").expect("reads"),
        Seed::from(42)
    );
    assert_eq!(Seed::new(42).get(), 42);
}

/// One test per draw that must not return.
macro_rules! panics {
    ($($name:ident: $message:literal => $draw:expr;)*) => {
        $(
            #[test]
            #[should_panic(expected = $message)]
            fn $name() {
                let draw: fn(&mut Stream) -> f64 = $draw;
                draw(&mut Stream::new(1, "panics"));
            }
        )*
    };
}

panics! {
    below_when_zero_then_panics: "below zero" => |s| s.below(0) as f64;
    pick_when_empty_then_panics: "below zero" => |s| *s.pick(&[]);
    chance_when_above_one_then_panics: "in 0..=1" => |s| f64::from(u8::from(s.chance(1.1)));
    chance_when_nan_then_panics: "in 0..=1" => |s| f64::from(u8::from(s.chance(f64::NAN)));
    uniform_in_when_reversed_then_panics: "ordered and finite" => |s| s.uniform_in(1.0, 0.0);
    uniform_in_when_infinite_then_panics: "ordered and finite"
        => |s| s.uniform_in(0.0, f64::INFINITY);
    uniform_in_when_too_wide_then_panics: "ordered and finite"
        => |s| s.uniform_in(f64::MIN, f64::MAX);
    exponential_when_negative_then_panics: "not negative" => |s| s.exponential(-1.0);
    exponential_when_nan_then_panics: "not negative" => |s| s.exponential(f64::NAN);
    lognormal_when_sigma_negative_then_panics: "not negative" => |s| s.lognormal(1.0, -0.1);
    lognormal_when_median_infinite_then_panics: "not negative"
        => |s| s.lognormal(f64::INFINITY, 0.1);
}

proptest! {
    #[test]
    fn below_when_any_bound_then_stays_under_it(seed: u64, bits: u64, shift in 0u32..64) {
        let n = (bits >> shift) | 1;
        let mut stream = Stream::new(seed, "bounds");
        for _ in 0..50 {
            prop_assert!(stream.below(n) < n);
        }
    }

    #[test]
    fn draws_when_any_seed_then_stay_in_their_ranges(
        seed: u64,
        lo in -1e12_f64..1e12,
        width in 0.0_f64..1e12,
        mean in 0.0_f64..1e12,
    ) {
        let mut stream = Stream::new(seed, "ranges");
        for _ in 0..50 {
            prop_assert!((0.0..1.0).contains(&stream.uniform()));
            prop_assert!((lo..=lo + width).contains(&stream.uniform_in(lo, lo + width)));
            prop_assert!((0.0..=36.8 * mean).contains(&stream.exponential(mean)));
            prop_assert!(stream.lognormal(mean, 1.0) >= 0.0);
            prop_assert!(stream.gaussian().is_finite());
        }
    }
}
