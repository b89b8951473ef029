//! The `twinrange-view` command; `twinrange view` starts it.
//!
//! Exit codes are those of `twinrange`: 0 done, 2 the user's mistake, 70 our bug.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;

use bevy::math::UVec2;
use clap::Parser;
use sim_kernel::time::SimDuration;
use twinrange_range::problem::{Problem, Problems, rendered};
use twinrange_viewer::camera::{Aim, Eye};
use twinrange_viewer::connect::connect;
use twinrange_viewer::export::{ExportOptions, Kind, export};
use twinrange_viewer::live::{Simulation, take};
use twinrange_viewer::open::{OpenRun, open, twin_account, twin_in_background};
use twinrange_viewer::stage::{Clock, Layers, Quality, Sides, StageOptions};
use twinrange_viewer::studio::{Studio, StudioError, check_size, find_adapter};
use twinrange_viewer::window::{Pending, WindowOptions, show};

/// Shows a run in 3D: the plant, its network, what its screens claim, and the story.
#[derive(Debug, Parser)]
#[command(name = "twinrange-view", version)]
struct Args {
    /// A run folder, or a scenario file, which is then simulated while it is shown.
    #[arg(required_unless_present = "connect")]
    run: Option<PathBuf>,
    /// Follow a live session instead, by the address of its defense API, such as 127.0.0.1:8080.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["run", "beside", "export", "seed", "no_attack", "from", "to"])]
    connect: Option<String>,
    /// File that holds a token of the session with the role `truth`.
    #[arg(long, value_name = "FILE", requires = "connect")]
    token_file: Option<PathBuf>,
    /// A second run to show beside the first, in step: the same seed with a defense, for instance.
    #[arg(long, value_name = "RUN")]
    beside: Option<PathBuf>,
    /// Make a film (.mp4, .webm), a picture (.png) or a folder of pictures instead of opening a window.
    #[arg(long, value_name = "PATH")]
    export: Option<PathBuf>,
    /// Seed of a scenario; its own when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Do not play a scenario's playbook.
    #[arg(long)]
    no_attack: bool,
    /// From when, such as 40min or 00:40:00.
    #[arg(long, value_name = "TIME", default_value = "0s")]
    from: String,
    /// Until when; the end of the run when left out.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Simulated seconds per second, 0.1 to 1000.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Pictures per second of an export.
    #[arg(long, default_value_t = 30)]
    fps: u32,
    /// Width and height, pixels.
    #[arg(long, value_name = "WxH", default_value = "1280x720")]
    size: String,
    /// Where to look from: a view of `--list-views`; a director moves the camera when left out.
    #[arg(long)]
    view: Option<String>,
    /// Name the views of the run and end.
    #[arg(long)]
    list_views: bool,
    /// What pictures are made with; by the graphics adapter when left out.
    #[arg(long, value_enum)]
    quality: Option<QualityArg>,
    /// Nothing blinks, swings or flies.
    #[arg(long)]
    reduced_motion: bool,
    /// Only the scene, without panels and names.
    #[arg(long)]
    no_panels: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum QualityArg {
    /// No shadows, no glow.
    Low,
    /// Shadows and glow.
    Medium,
    /// Smooth edges as well.
    High,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = std::panic::catch_unwind(|| run(&args));
    match done {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(problems)) => {
            let drawn = std::io::stderr().is_terminal();
            eprintln!("{}", rendered(&problems, drawn).trim_end());
            ExitCode::from(2)
        }
        Err(_) => {
            eprintln!(
                "This is a bug in twinrange, not in your files. Please report the message above."
            );
            ExitCode::from(70)
        }
    }
}

fn run(args: &Args) -> Result<(), Problems> {
    let size = parse_size(&args.size)?;
    if !(0.1..=1000.0).contains(&args.speed) || !(1..=240).contains(&args.fps) {
        let message = "a speed goes from 0.1 to 1000, a rate from 1 to 240 pictures per second";
        return Err(Problem::new("TR0404", message).into());
    }
    let opened = |path: &PathBuf| open(path, args.seed, !args.no_attack);
    let mut runs = vec![match (&args.connect, &args.run) {
        (Some(address), _) => connect(address, token(args)?.as_deref())?,
        (None, Some(run)) => opened(run)?,
        (None, None) => unreachable!("one of them is required"),
    }];
    if let Some(beside) = &args.beside {
        runs.push(opened(beside)?);
    }
    if args.list_views {
        for view in &runs[0].side.views {
            println!("{}", view.name);
        }
        return Ok(());
    }
    let aim = aim(args, &runs[0])?;
    let end_ns = runs.iter().map(|run| run.simulated_ns).max().unwrap_or(0);
    let from_ns = parse_time(&args.from)?;
    let to_ns = args.to.as_deref().map_or(Ok(end_ns), parse_time)?;
    if from_ns > end_ns || to_ns < from_ns {
        let message = format!(
            "the run goes from 0 to {}; from {} to {} is no part of it",
            SimDuration::from_nanos(end_ns),
            SimDuration::from_nanos(from_ns),
            SimDuration::from_nanos(to_ns)
        );
        return Err(Problem::new("TR0404", message).into());
    }
    let adapter = find_adapter().map_err(|error| studio_problem(&error))?;
    let quality = match args.quality {
        Some(QualityArg::Low) => Quality::Low,
        Some(QualityArg::Medium) => Quality::Medium,
        Some(QualityArg::High) => Quality::High,
        None if adapter.is_software => Quality::Low,
        None => Quality::High,
    };
    match &args.export {
        Some(out) => {
            let order = ExportOptions {
                out: out.clone(),
                from_ns,
                to_ns,
                fps: args.fps,
                speed: args.speed,
            };
            make(args, runs, &order, (size, quality), aim)
        }
        None => open_window(args, runs, (from_ns, size, quality), aim),
    }
}

/// The token of a session that is followed.
fn token(args: &Args) -> Result<Option<String>, Problems> {
    let Some(path) = &args.token_file else {
        return Ok(None);
    };
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Problem::new("TR0108", format!("`{shown}` cannot be read: {error}")))?;
    Ok(Some(text.trim().to_owned()))
}

fn layers(args: &Args) -> Layers {
    Layers {
        panels: !args.no_panels,
        labels: !args.no_panels,
        ..Layers::default()
    }
}

/// Exports. The twins are computed first, so that the figures are there from the first picture on.
fn make(
    args: &Args,
    mut runs: Vec<OpenRun>,
    order: &ExportOptions,
    (size, quality): (UVec2, Quality),
    aim: Aim,
) -> Result<(), Problems> {
    for run in &mut runs {
        // A film of a scenario is made when it has been simulated as far as the film goes.
        while let Some(update) = run.simulation.as_ref().and_then(Simulation::wait) {
            take(&mut run.side, update);
            if run.side.store.end_ns >= order.to_ns {
                break;
            }
        }
        if run.attacked {
            run.side.story.twin = Some(twin_account(run)?);
        }
    }
    let sides = runs.into_iter().map(|run| run.side).collect();
    let layers = layers(args);
    let speed = order.speed;
    let studio = Studio::new(Sides::new(sides), size, quality, order.fps, |world| {
        world.insert_resource(Eye {
            aim,
            ..Eye::default()
        });
        world.insert_resource(layers);
        world.insert_resource(Clock {
            speed,
            ..Clock::default()
        });
        world.resource_mut::<StageOptions>().reduced_motion = args.reduced_motion;
    });
    let mut studio = studio.map_err(|error| studio_problem(&error))?;
    eprintln!("rendering on {}", studio.adapter());
    let total = order.times().count();
    let made = export(&mut studio, order, |made| {
        if made % 100 == 0 {
            eprintln!("{made} of {total} pictures");
        }
    })?;
    let what = match Kind::of(&order.out) {
        Kind::Picture => "picture",
        Kind::Film => "film",
        Kind::Frames => "pictures",
    };
    println!(
        "{what}  {} ({made} of {}x{})",
        order.out.display(),
        size.x,
        size.y
    );
    Ok(())
}

/// What one can do without a window.
const INSTEAD: &str =
    "make pictures instead: `--export film.mp4`, `--export picture.png` or `--export FOLDER`";

fn open_window(
    args: &Args,
    mut runs: Vec<OpenRun>,
    (from_ns, size, quality): (u64, UVec2, Quality),
    aim: Aim,
) -> Result<(), Problems> {
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if cfg!(target_os = "linux") && !has_display {
        let message = "there is no display to open a window on";
        return Err(Problem::new("TR0404", message).hint(INSTEAD).into());
    }
    let twins = runs
        .iter()
        .map(|run| run.attacked.then(|| Mutex::new(twin_in_background(run))))
        .collect();
    let simulations = runs
        .iter_mut()
        .map(|run| run.simulation.take().map(Mutex::new))
        .collect();
    let title = format!("Twinrange: {}", runs[0].side.story.title);
    let options = WindowOptions {
        title,
        size,
        quality,
        keeps_quality: args.quality.is_some(),
        reduced_motion: args.reduced_motion,
        from_ns,
        speed: args.speed,
        playing: true,
        live: args.connect.is_some(),
    };
    let layers = layers(args);
    let sides = runs.into_iter().map(|run| run.side).collect();
    let exit = show(sides, Pending { twins, simulations }, options, |world| {
        world.insert_resource(Eye {
            aim,
            ..Eye::default()
        });
        world.insert_resource(layers);
    });
    if exit.is_success() {
        return Ok(());
    }
    let message = "the window was closed by an error";
    Err(Problem::new("TR0404", message).hint(INSTEAD).into())
}

fn aim(args: &Args, run: &OpenRun) -> Result<Aim, Problems> {
    let Some(name) = &args.view else {
        return Ok(Aim::Director);
    };
    let views = &run.side.views;
    if views.iter().any(|view| view.name == *name) {
        return Ok(Aim::View(name.clone()));
    }
    let names: Vec<&str> = views.iter().map(|view| view.name.as_str()).collect();
    let problem = Problem::new("TR0404", format!("there is no view `{name}`"));
    Err(problem
        .hint(format!("there are {}", names.join(", ")))
        .into())
}

fn studio_problem(error: &StudioError) -> Problems {
    let (code, hint) = match error {
        StudioError::NoAdapter => (
            "TR0401",
            "install a software renderer (Debian: apt-get install mesa-vulkan-drivers libvulkan1)",
        ),
        StudioError::Size { .. } => ("TR0404", "write it like 1280x720"),
    };
    Problem::new(code, error.to_string()).hint(hint).into()
}

fn parse_size(text: &str) -> Result<UVec2, Problems> {
    let sides = text.split_once(['x', 'X']);
    let parsed = sides
        .and_then(|(width, height)| Some(UVec2::new(width.parse().ok()?, height.parse().ok()?)));
    let size = parsed.ok_or_else(|| {
        let problem = Problem::new("TR0404", format!("`{text}` is no size for a picture"));
        problem.hint("write it like 1280x720")
    })?;
    check_size(size).map_err(|error| studio_problem(&error))?;
    Ok(size)
}

fn parse_time(text: &str) -> Result<u64, Problems> {
    text.parse()
        .map(SimDuration::as_nanos)
        .map_err(|why: sim_kernel::time::TimeParseError| {
            let problem =
                Problem::new("TR0112", format!("`{text}` is not a length of time: {why}"));
            problem
                .hint("write it like 90min, 2h, 250ms or 00:30:00")
                .into()
        })
}
