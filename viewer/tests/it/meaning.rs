//! The world of the scene against the samples of the run.

use std::sync::OnceLock;

use bevy::prelude::*;
use sim_plant::respond::{Action, ActionArgs, DenyTarget};
use sim_plant::view::Aspect;
use tempfile::TempDir;
use twinrange_viewer::model::moment::{Moment, Shown};
use twinrange_viewer::network::PulseSlot;
use twinrange_viewer::open::open_run;
use twinrange_viewer::plant::{ClaimedLevel, ItemSlot, Liquid};
use twinrange_viewer::stage::{Clock, ShownSide, Sides};

use crate::support::{INTRUDER, look_at, repository, run, scene};

const SECOND_NS: u64 = 1_000_000_000;

/// 46 minutes of the overflow scenario, in which the intruder is denied from minute 44 on.
fn overflow() -> ShownSide {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = TempDir::new().expect("a folder for the test");
        let deny = Action::Deny {
            target: DenyTarget::Ip(INTRUDER),
            args: ActionArgs { duration_s: 600 },
        };
        let scenario = repository("scenarios/bottling/overflow.ron");
        run(
            &scenario,
            46,
            &[(44 * 60, deny)],
            &folder.path().join("run"),
        );
        folder
    });
    open_run(&folder.path().join("run")).expect("a run").side
}

fn side(app: &App) -> &ShownSide {
    &app.world().resource::<Sides>().list[0]
}

fn seen(visibility: &Visibility) -> bool {
    *visibility == Visibility::Inherited
}

#[test]
fn vessels_when_shown_then_as_full_as_they_were() {
    let mut app = scene(vec![overflow()]);
    let mut highest = 0.0_f32;
    for minute in [1, 20, 43, 45] {
        let t_ns = minute * 60 * SECOND_NS;
        look_at(&mut app, t_ns);
        let rows = &side(&app).store.process;
        let row = rows
            .t_ns()
            .iter()
            .position(|time| *time == t_ns)
            .expect("a sample");
        let level_m = rows.column("bowl_level_m").expect("a column")[row];
        let mut liquids = app.world_mut().query::<(&Liquid, &Transform)>();
        let found: Vec<_> = liquids.iter(app.world()).collect();
        assert_eq!(found.len(), 1, "one vessel");
        let (liquid, at) = found[0];
        // The bowl is drawn 1.2 m high for 0.6 m.
        assert!((liquid.full_m - 1.2).abs() < 1e-6);
        assert!(
            (f64::from(at.scale.y) - 2.0 * level_m).abs() < 1e-5,
            "minute {minute}"
        );
        highest = highest.max(at.scale.y);
    }
    assert!(highest > 0.5, "the bowl is filled");
}

#[test]
fn items_when_shown_then_as_many_as_there_were() {
    let mut app = scene(vec![overflow()]);
    let mut most = 0;
    for second in [30, 600, 2_400] {
        look_at(&mut app, second * SECOND_NS);
        let mut counted = 0;
        side(&app)
            .store
            .items
            .between(second * SECOND_NS, second * SECOND_NS, |_| counted += 1);
        let mut bodies = app.world_mut().query::<(&ItemSlot, &Visibility)>();
        let visible = bodies
            .iter(app.world())
            .filter(|(_, one)| seen(one))
            .count();
        assert_eq!(visible, counted, "second {second}");
        most = most.max(counted);
    }
    assert!(
        most > 64,
        "more than the scene has room for at first: {most}"
    );
}

#[test]
fn pulses_when_shown_then_every_frame_is_in_one_and_the_blocked_turn_round() {
    let mut app = scene(vec![overflow()]);
    let (mut blocked_in_all, mut attacks_in_all) = (0, 0);
    for second in [600, 2_525, 2_700] {
        let t_ns = second * SECOND_NS + 1;
        look_at(&mut app, t_ns);
        let window_ns = app.world().resource::<Clock>().window_ns();
        let shown = side(&app);
        let (mut frames, mut denied, mut attacks) = (0, 0, 0);
        shown
            .store
            .frames
            .between(t_ns + 1 - window_ns, t_ns, |frame| {
                frames += 1;
                denied += u32::from(frame.truth.denied);
                attacks += u32::from(frame.truth.step.is_some());
            });
        let pulses = &shown.moment.pulses;
        let sum = |of: &dyn Fn(&twinrange_viewer::model::moment::Pulse) -> bool| -> u32 {
            pulses
                .iter()
                .filter(|pulse| of(pulse))
                .map(|pulse| pulse.frames)
                .sum()
        };
        assert_eq!(sum(&|_| true), frames, "second {second}");
        assert_eq!(sum(&|pulse| pulse.denied), denied, "second {second}");
        let drawn = pulses.len();
        let mut bodies = app.world_mut().query::<(&PulseSlot, &Visibility)>();
        let visible = bodies
            .iter(app.world())
            .filter(|(_, one)| seen(one))
            .count();
        assert_eq!(visible, drawn, "second {second}");
        blocked_in_all += denied;
        attacks_in_all += attacks;
    }
    assert!(blocked_in_all > 0, "the denied intruder goes on asking");
    assert!(attacks_in_all > 0, "the attack is seen");
}

#[test]
fn screen_when_it_lies_then_the_ring_is_where_it_claims() {
    let mut app = scene(vec![overflow()]);
    look_at(&mut app, 10 * 60 * SECOND_NS);
    let rings = |app: &mut App| {
        let mut rings = app
            .world_mut()
            .query::<(&ClaimedLevel, &Transform, &Visibility)>();
        let found: Vec<_> = rings
            .iter(app.world())
            .map(|(ring, at, one)| (*ring, at.translation.y, seen(one)))
            .collect();
        assert_eq!(found.len(), 1);
        found[0]
    };
    assert!(
        !rings(&mut app).2,
        "the screen tells the truth before the attack"
    );
    look_at(&mut app, 43 * 60 * SECOND_NS + 50 * SECOND_NS);
    let (ring, y, visible) = rings(&mut app);
    let value = side(&app).moment.values[ring.of.signal];
    let Shown::Valid(claimed) = value.shown else {
        panic!("the screen shows a level: {value:?}");
    };
    assert!(value.truth > claimed + 0.03, "{value:?}");
    assert!(visible, "{value:?}");
    let share = f64::from((y - ring.floor_m) / ring.full_m);
    assert!((share - claimed / 0.6).abs() < 1e-5);
}

#[test]
fn belts_and_flows_when_time_goes_on_then_move_without_a_jump() {
    let shown = overflow();
    let travel = |signal: usize, t_ns: u64| {
        Moment::at(&shown.plan, &shown.store, t_ns, 0).values[signal].travel
    };
    let moves = |aspect: Aspect| {
        let signals = shown.plan.signals.iter();
        let at = signals.clone().position(|signal| signal.aspect == aspect);
        at.expect("the plant has one")
    };
    for signal in [moves(Aspect::Speed), moves(Aspect::Flow)] {
        let mut before = 0.0;
        for second in 600..660 {
            let t_ns = second * SECOND_NS;
            let (early, now) = (travel(signal, t_ns - 1), travel(signal, t_ns));
            assert!(
                (now - early).abs() < 1e-6,
                "a jump at {second} s: {early} {now}"
            );
            assert!(now >= before, "back at {second} s");
            before = now;
        }
        assert!(before > 1.0, "it moves: {before}");
    }
}
