//! Pictures and films in files.
//!
//! **Invariant:** the same run, options and renderer give the same pictures, whatever the machine does besides.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use twinrange_range::problem::{Problem, Problems};

use crate::stage::Clock;
use crate::studio::{Picture, Studio};

/// What is exported.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportOptions {
    /// A file `.mp4` or `.webm`, a picture `.png`, or a folder for pictures.
    pub out: PathBuf,
    /// From when, simulated ns.
    pub from_ns: u64,
    /// Until when, simulated ns; a picture is of the time `from_ns`.
    pub to_ns: u64,
    /// Pictures per second.
    pub fps: u32,
    /// Simulated seconds per second of the film.
    pub speed: f64,
}

/// What kind of export a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One picture.
    Picture,
    /// A film, made by ffmpeg.
    Film,
    /// Numbered pictures in a folder.
    Frames,
}

impl Kind {
    /// What a path asks for, by its ending.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("png") => Self::Picture,
            Some("mp4" | "webm") => Self::Film,
            _ => Self::Frames,
        }
    }
}

impl ExportOptions {
    /// The simulated times of the pictures, ns.
    pub fn times(&self) -> impl Iterator<Item = u64> + use<> {
        let step_ns = (self.speed * 1e9 / f64::from(self.fps)).max(1.0);
        let (from_ns, to_ns) = (self.from_ns, self.to_ns);
        let single = Kind::of(&self.out) == Kind::Picture;
        (0_u64..)
            .map(move |number| from_ns + (number as f64 * step_ns) as u64)
            .take_while(move |t_ns| *t_ns < to_ns || *t_ns == from_ns)
            .take(if single { 1 } else { usize::MAX })
    }
}

/// Exports, and tells after each picture how many there are.
///
/// # Errors
///
/// `TR0402` without ffmpeg, `TR0403` if a file cannot be written or ffmpeg fails.
pub fn export(
    studio: &mut Studio,
    options: &ExportOptions,
    mut told: impl FnMut(u64),
) -> Result<u64, Problems> {
    let mut sink = Sink::open(options)?;
    {
        let mut clock = studio.world_mut().resource_mut::<Clock>();
        clock.speed = options.speed;
        clock.playing = Kind::of(&options.out) != Kind::Picture;
    }
    let mut made = 0;
    studio.film(options.times(), |picture| {
        sink.put(&picture)?;
        made += 1;
        told(made);
        Ok::<(), Problems>(())
    })?;
    sink.close()?;
    Ok(made)
}

/// Where pictures go.
enum Sink {
    Picture(PathBuf),
    Frames {
        folder: PathBuf,
        made: u64,
    },
    Film {
        tool: Option<Child>,
        path: PathBuf,
        fps: u32,
    },
}

fn cannot(path: &Path, why: &str) -> Problems {
    let message = format!("`{}` cannot be written: {why}", path.display());
    Problem::new("TR0403", message).into()
}

impl Sink {
    fn open(options: &ExportOptions) -> Result<Self, Problems> {
        let path = options.out.clone();
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent {
            std::fs::create_dir_all(parent).map_err(|error| cannot(parent, &error.to_string()))?;
        }
        match Kind::of(&path) {
            Kind::Picture => Ok(Self::Picture(path)),
            Kind::Frames => {
                std::fs::create_dir_all(&path)
                    .map_err(|error| cannot(&path, &error.to_string()))?;
                Ok(Self::Frames {
                    folder: path,
                    made: 0,
                })
            }
            Kind::Film => {
                let found = Command::new("ffmpeg")
                    .arg("-version")
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status();
                if found.is_err() {
                    let message = "a film needs the program `ffmpeg`, which is not there";
                    let hint = "install it (Debian: apt-get install ffmpeg), or name a folder: then pictures are \
                                written, one per frame";
                    return Err(Problem::new("TR0402", message).hint(hint).into());
                }
                Ok(Self::Film {
                    tool: None,
                    path,
                    fps: options.fps,
                })
            }
        }
    }

    fn put(&mut self, picture: &Picture) -> Result<(), Problems> {
        match self {
            Self::Picture(path) => save(path, picture),
            Self::Frames { folder, made } => {
                *made += 1;
                save(&folder.join(format!("frame-{made:05}.png")), picture)
            }
            Self::Film { tool, path, fps } => {
                if tool.is_none() {
                    *tool = Some(start_ffmpeg(path, picture, *fps)?);
                }
                let pipe = tool.as_mut().and_then(|tool| tool.stdin.as_mut());
                let written = pipe.map_or(Ok(()), |pipe| pipe.write_all(&picture.pixels));
                written.map_err(|error| cannot(path, &format!("ffmpeg takes no more: {error}")))
            }
        }
    }

    fn close(self) -> Result<(), Problems> {
        let Self::Film {
            tool: Some(mut tool),
            path,
            ..
        } = self
        else {
            return Ok(());
        };
        drop(tool.stdin.take());
        match tool.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(cannot(&path, &format!("ffmpeg ended with {status}"))),
            Err(error) => Err(cannot(&path, &error.to_string())),
        }
    }
}

fn start_ffmpeg(path: &Path, picture: &Picture, fps: u32) -> Result<Child, Problems> {
    let size = format!("{}x{}", picture.width, picture.height);
    let rate = fps.to_string();
    let mut tool = Command::new("ffmpeg");
    tool.args([
        "-y",
        "-loglevel",
        "error",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "rgba",
        "-s",
        &size,
        "-r",
        &rate,
        "-i",
        "-",
    ]);
    // The colour of pixels is stored for every second one, so both sides have to be even.
    tool.args([
        "-vf",
        "crop=trunc(iw/2)*2:trunc(ih/2)*2",
        "-pix_fmt",
        "yuv420p",
    ]);
    if path.extension().is_some_and(|ending| ending == "webm") {
        tool.args(["-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "0"]);
    } else {
        tool.args([
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            "20",
            "-movflags",
            "+faststart",
        ]);
    }
    tool.arg(path).stdin(Stdio::piped());
    tool.spawn()
        .map_err(|error| cannot(path, &error.to_string()))
}

fn save(path: &Path, picture: &Picture) -> Result<(), Problems> {
    let saved = image::save_buffer(
        path,
        &picture.pixels,
        picture.width,
        picture.height,
        image::ColorType::Rgba8,
    );
    saved.map_err(|error| cannot(path, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(out: &str) -> ExportOptions {
        ExportOptions {
            out: out.into(),
            from_ns: 10_000_000_000,
            to_ns: 11_000_000_000,
            fps: 4,
            speed: 2.0,
        }
    }

    #[test]
    fn times_when_a_film_then_steps_of_speed_over_rate() {
        let times: Vec<u64> = options("a.mp4").times().collect();
        assert_eq!(times, [10_000_000_000, 10_500_000_000]);
        assert_eq!(options("a.png").times().count(), 1);
        let still = ExportOptions {
            to_ns: 10_000_000_000,
            ..options("frames")
        };
        assert_eq!(still.times().count(), 1);
    }

    #[test]
    fn kind_when_by_its_ending_then_picture_film_or_folder() {
        assert_eq!(Kind::of(Path::new("a/b.png")), Kind::Picture);
        assert_eq!(Kind::of(Path::new("b.webm")), Kind::Film);
        assert_eq!(Kind::of(Path::new("frames/")), Kind::Frames);
    }
}
