//! What a picture costs, by the size of the plant: `cargo run --release -p twinrange-viewer --example frame_time`.
//!
//! Draws a generated tank farm of 10, 100 and 1,000 pieces of equipment (or of the numbers given), one picture per
//! simulated second, and prints the processor's time and the time on the clock for each picture. A size such as
//! `1920x1080` may stand before the numbers; 640x360 when left out. The quality High, which smooths edges, is left to
//! graphics cards.

use std::time::{Duration, Instant};

use bevy::math::UVec2;
use cpu_time::ProcessTime;
use twinrange_viewer::live::{Simulation, take};
use twinrange_viewer::open::open;
use twinrange_viewer::stage::{Clock, Quality, Sides};
use twinrange_viewer::studio::{Studio, find_adapter};

#[path = "../tests/it/tank_farm.rs"]
mod tank_farm;

/// Pictures that are timed, on a processor and on a graphics card.
const PICTURES: (u32, u32) = (20, 400);

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let size = match words.first().and_then(|word| word.split_once('x')) {
        None => UVec2::new(640, 360),
        Some((width, height)) => {
            let side = |text: &str| text.parse().expect("a size like 1920x1080");
            UVec2::new(side(width), side(height))
        }
    };
    words.retain(|word| !word.contains('x'));
    let given: Vec<usize> = words
        .iter()
        .map(|word| word.parse().expect("numbers of pieces"))
        .collect();
    let sizes = if given.is_empty() {
        vec![10, 100, 1_000]
    } else {
        given
    };
    let adapter = find_adapter().expect("something to render with");
    println!("{}x{} on {}", size.x, size.y, adapter.name);
    let (pictures, qualities) = if adapter.is_software {
        (PICTURES.0, &[Quality::Low, Quality::Medium][..])
    } else {
        (
            PICTURES.1,
            &[Quality::Low, Quality::Medium, Quality::High][..],
        )
    };
    println!("pieces  quality  CPU ms/picture  wall ms/picture  pictures/s");
    for pieces in sizes {
        for &quality in qualities {
            measure(pieces, quality, size, pictures);
        }
    }
}

fn measure(pieces: usize, quality: Quality, size: UVec2, pictures: u32) {
    let folder = tempfile::tempdir().expect("a folder for the plant");
    let scenario = tank_farm::write(pieces, folder.path());
    let mut run = open(&scenario, None, true).expect("a scenario");
    // All of it is simulated first, so that nothing else runs while pictures are drawn.
    while let Some(update) = run.simulation.as_ref().and_then(Simulation::wait) {
        take(&mut run.side, update);
    }
    let sides = Sides::new(vec![run.side]);
    let mut studio =
        Studio::new(sides, size, quality, 30, |_| {}).expect("a size that can be made");
    studio.world_mut().resource_mut::<Clock>().playing = true;
    // Shaders are compiled, and pools are filled.
    let _ = studio.shoot(199_000_000_000);
    let times = (200..)
        .map(|second| second * 1_000_000_000)
        .take(pictures as usize);
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    let done: Result<_, ()> = studio.film(times, |_| Ok(()));
    let (cpu, wall) = (cpu.elapsed(), wall.elapsed());
    assert_eq!(done, Ok(()));
    let each = |time: Duration| 1e3 * time.as_secs_f64() / f64::from(pictures);
    println!(
        "{pieces:6}  {:7}  {:14.1}  {:15.1}  {:10.1}",
        format!("{quality:?}"),
        each(cpu),
        each(wall),
        1e3 / each(wall)
    );
}
