//! `twinrange-view`.
use std::path::PathBuf;
use twinrange_viewer::camera::{Aim, Eye};
use twinrange_viewer::open::open_run;
use twinrange_viewer::stage::{Quality, Sides};
use twinrange_viewer::studio::Studio;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let run = open_run(&PathBuf::from(&a[1])).unwrap_or_else(|p| panic!("{p}"));
    let view = a[3].clone();
    let mut studio = Studio::new(
        Sides::new(vec![run.side]),
        bevy::math::UVec2::new(1280, 720),
        Quality::Low,
        30,
        |world| {
            world.insert_resource(Eye {
                aim: Aim::View(view),
                ..Default::default()
            });
        },
    )
    .unwrap();
    let t = std::time::Instant::now();
    let picture = studio.shoot((a[2].parse::<f64>().unwrap() * 1e9) as u64);
    eprintln!("{} {:?}", studio.adapter(), t.elapsed());
    image::save_buffer(
        &a[4],
        &picture.pixels,
        picture.width,
        picture.height,
        image::ColorType::Rgba8,
    )
    .unwrap();
}
