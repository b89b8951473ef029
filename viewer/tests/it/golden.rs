//! Pictures against kept ones, on a software renderer.
//!
//! Two processors differ in the last bit of what it computes, so pictures are compared by structure and colour as an
//! eye sees them, and not by bytes. `TWINRANGE_BLESS=1 cargo test -p twinrange-viewer` keeps what is drawn now; look
//! at it before it is committed.

use std::path::Path;

use bevy::math::UVec2;
use image::RgbImage;
use sim_plant::respond::{Action, ActionArgs, DenyTarget};
use tempfile::TempDir;
use twinrange_viewer::camera::{Aim, Eye};
use twinrange_viewer::open::open_run;
use twinrange_viewer::stage::{Clock, Quality, ShownSide, Sides};
use twinrange_viewer::studio::{Picture, Studio, find_adapter};

use crate::support::{INTRUDER, repository, run, tools_are_required};
use crate::tank_farm;

/// How alike two pictures of one moment are at least: 1 is the same. The measure is the worse, pixel by pixel, of
/// the structural similarity (MSSIM) of brightness and the mean square difference of colours. A second later in the run
/// is below it (see the test of that name).
const ALIKE: f64 = 0.992;

/// Size of the pictures, pixels.
pub(crate) const SIZE: UVec2 = UVec2::new(640, 360);

const SECOND_NS: u64 = 1_000_000_000;

/// Whether there is a software renderer to compare on. Without one a test says so and is skipped, unless all tools
/// must be there.
pub(crate) fn has_renderer() -> bool {
    let found = find_adapter();
    let is_software = found.as_ref().is_ok_and(|adapter| adapter.is_software);
    assert!(
        is_software || !tools_are_required(),
        "a software renderer is required and is not here: {found:?}"
    );
    if !is_software {
        eprintln!("skipped: no software renderer (Debian: mesa-vulkan-drivers libvulkan1)");
    }
    is_software
}

pub(crate) fn studio(side: ShownSide) -> Studio {
    Studio::new(Sides::new(vec![side]), SIZE, Quality::Low, 30, |_| {})
        .expect("a size that can be made")
}

fn shoot(studio: &mut Studio, view: &str, second: u64) -> RgbImage {
    shoot_ns(studio, view, second * SECOND_NS)
}

/// The picture of a time through a view.
pub(crate) fn shoot_ns(studio: &mut Studio, view: &str, t_ns: u64) -> RgbImage {
    let views = &studio.world().resource::<Sides>().list[0].views;
    assert!(
        views.iter().any(|known| known.name == view),
        "no view {view}"
    );
    *studio.world_mut().resource_mut::<Eye>() = Eye {
        aim: Aim::View(view.to_owned()),
        ..Eye::default()
    };
    studio.world_mut().resource_mut::<Clock>().speed = 1.0;
    opaque(&studio.shoot(t_ns))
}

fn opaque(picture: &Picture) -> RgbImage {
    let pixels = picture.pixels.chunks_exact(4);
    let rgb = pixels.flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]);
    RgbImage::from_raw(picture.width, picture.height, rgb.collect()).expect("a whole picture")
}

pub(crate) fn likeness(a: &RgbImage, b: &RgbImage) -> f64 {
    image_compare::rgb_hybrid_compare(a, b)
        .expect("pictures of one size")
        .score
}

/// Runs a scenario and compares views of it, each at a second, with the kept ones.
fn compare(
    name: &str,
    scenario: &Path,
    minutes: u64,
    actions: &[(u64, Action)],
    views: &[(&str, u64)],
) {
    if !has_renderer() {
        return;
    }
    let (_folder, side) = open(scenario, minutes, actions);
    let mut studio = studio(side);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut unlike = Vec::new();
    for (view, second) in views {
        let file = format!("{name}-{view}.png");
        let drawn = shoot(&mut studio, view, *second);
        if std::env::var_os("TWINRANGE_BLESS").is_some_and(|it| it == "1") {
            drawn
                .save(golden.join(&file))
                .expect("a folder to write to");
            continue;
        }
        let kept = image::open(golden.join(&file))
            .expect("a kept picture")
            .to_rgb8();
        let alike = likeness(&kept, &drawn);
        if alike < ALIKE {
            let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&file);
            drawn.save(&beside).expect("a folder to write to");
            unlike.push(format!("{file}: {alike:.4}, now {}", beside.display()));
        }
    }
    assert!(unlike.is_empty(), "less than {ALIKE}: {unlike:#?}");
}

fn open(scenario: &Path, minutes: u64, actions: &[(u64, Action)]) -> (TempDir, ShownSide) {
    let folder = TempDir::new().expect("a folder for the test");
    let out = folder.path().join("run");
    run(scenario, minutes, actions, &out);
    let side = open_run(&out).expect("a run").side;
    (folder, side)
}

#[test]
fn overflow_when_drawn_then_as_kept() {
    let deny = Action::Deny {
        target: DenyTarget::Ip(INTRUDER),
        args: ActionArgs { duration_s: 600 },
    };
    let scenario = repository("scenarios/bottling/overflow.ron");
    let views = [
        ("overview", 600),
        ("bowl", 43 * 60 + 50),
        ("control-room", 43 * 60 + 50),
        // The intruder is denied and goes on asking.
        ("network", 45 * 60),
    ];
    compare("overflow", &scenario, 46, &[(44 * 60, deny)], &views);
}

#[test]
fn jam_when_drawn_then_as_kept() {
    let scenario = repository("scenarios/bottling/jam.ron");
    let views = [("overview", 55 * 60), ("filler", 55 * 60)];
    compare("jam", &scenario, 56, &[], &views);
}

#[test]
fn tank_farm_when_drawn_then_as_kept() {
    let texts = TempDir::new().expect("a folder for the test");
    let scenario = tank_farm::write(30, texts.path());
    let views = [("overview", 60), ("network", 200), ("T0", 7 * 60)];
    compare("tank-farm", &scenario, 8, &[], &views);
}

#[test]
fn pictures_when_of_another_second_then_not_alike_and_never_of_the_way_there() {
    if !has_renderer() {
        return;
    }
    let (_folder, side) = open(&repository("scenarios/bottling/calm.ron"), 2, &[]);
    let mut studio = studio(side);
    let first = shoot(&mut studio, "filler", 60);
    let second = shoot(&mut studio, "filler", 61);
    let elsewhere = shoot(&mut studio, "overview", 60);
    let again = shoot(&mut studio, "filler", 60);
    assert_eq!(
        first, again,
        "what was drawn in between left something behind"
    );
    assert!(
        likeness(&first, &second) < ALIKE,
        "{}",
        likeness(&first, &second)
    );
    assert!(likeness(&first, &elsewhere) < ALIKE);
    assert!((likeness(&first, &again) - 1.0).abs() < 1e-9);
}
