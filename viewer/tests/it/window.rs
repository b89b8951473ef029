//! A window under a virtual display, with keys and a mouse as a person has them.
//!
//! What the window shows while it is paused is what the studio draws of that time, so a step is done when both are
//! alike. Nothing is timed: a step that is never done ends the test after [`PATIENCE`].

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use image::RgbImage;
use tempfile::TempDir;
use twinrange_viewer::open::{open_run, twin_account};
use twinrange_viewer::stage::Sides;
use twinrange_viewer::studio::Studio;

use crate::golden::{SIZE, has_renderer, likeness, shoot_ns, studio};
use crate::support::{has_tool, repository, run};

/// How long a step may take on a busy machine before something is wrong with it.
const PATIENCE: Duration = Duration::from_secs(600);

/// How alike a window and a picture of the studio are. The window's renderer has another order of colours.
const SAME: f64 = 0.985;

/// A virtual display with nothing on it.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn open() -> Self {
        let screen = format!("{}x{}x24", SIZE.x, SIZE.y);
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-nolisten",
                "tcp",
                "-screen",
                "0",
                &screen,
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        // It writes its number and a new line when it is ready.
        let mut number = String::new();
        let mut out = server.stdout.take().expect("it is piped");
        while !number.ends_with('\n') {
            let mut letter = [0];
            out.read_exact(&mut letter).expect("Xvfb says its number");
            number.push(char::from(letter[0]));
        }
        Self {
            server,
            name: format!(":{}", number.trim()),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.name);
        command
    }

    fn xdotool(&self, words: &str) -> String {
        let output = self.command("xdotool").args(words.split(' ')).output();
        let output = output.expect("xdotool runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What is on the display. A window that comes or changes while it is read leaves nothing to see.
    fn shot(&self) -> Result<RgbImage, String> {
        let output = self
            .command("import")
            .args(["-window", "root", "png:-"])
            .output()
            .expect("import runs");
        let picture = image::load_from_memory(&output.stdout);
        picture
            .map(|picture| picture.to_rgb8())
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Waits until what is seen is as it has to be.
    fn until(&self, what: &str, mut is_so: impl FnMut(&RgbImage) -> bool) -> RgbImage {
        let begun = Instant::now();
        loop {
            let shot = self.shot();
            match shot {
                Ok(shot) if is_so(&shot) => return shot,
                _ if begun.elapsed() < PATIENCE => {}
                Ok(shot) => {
                    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/window.png");
                    shot.save(path).expect("a folder to write to");
                    panic!("{what}: it never came about; see {path}");
                }
                Err(why) => panic!("{what}: nothing was seen: {why}"),
            }
        }
    }

    fn until_like(&self, what: &str, picture: &RgbImage) -> RgbImage {
        self.until(what, |shot| likeness(shot, picture) > SAME)
    }

    fn until_unlike(&self, what: &str, picture: &RgbImage) -> RgbImage {
        self.until(what, |shot| likeness(shot, picture) < SAME)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // The test is over, with the display or without.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The window's program; it ends with the test.
struct Viewer(Child);

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where on the timeline a share of the time lies, pixels: the track is what its strip leaves beside clock and lane names.
fn on_timeline(share: f64) -> (f64, f64) {
    let scale = f64::from(SIZE.y) / 720.0;
    let (left, right) = (214.0, 1_266.0);
    let x = (left + share * (right - left)) * scale;
    (x, f64::from(SIZE.y) - 46.0 * scale)
}

/// The time of the event after or before a time, ns.
fn event(studio: &Studio, t_ns: u64, is_after: bool) -> u64 {
    let sides = studio.world().resource::<Sides>();
    let mark = sides.list[0].story.next_mark(t_ns, is_after);
    mark.expect("something happens in this run")
}

#[test]
fn window_when_driven_by_keys_and_mouse_then_plays_scrubs_looks_and_closes() {
    let has_tools = [
        ("Xvfb", "-help"),
        ("xdotool", "version"),
        ("import", "-version"),
    ]
    .into_iter()
    .all(|(tool, argument)| has_tool(tool, argument));
    if !has_tools || !has_renderer() {
        return;
    }
    let folder = TempDir::new().expect("a folder for the test");
    let out = folder.path().join("run");
    run(
        &repository("scenarios/bottling/overflow.ron"),
        46,
        &[],
        &out,
    );
    let mut opened = open_run(&out).expect("a run");
    opened.side.story.twin = Some(twin_account(&opened).expect("the plant was checked"));
    let mut studio = studio(opened.side);

    let display = Display::open();
    let viewer = display
        .command(env!("CARGO_BIN_EXE_twinrange-view"))
        .arg(&out)
        .args([
            "--size",
            "640x360",
            "--quality",
            "low",
            "--view",
            "overview",
        ])
        .stderr(Stdio::null())
        .spawn()
        .expect("the viewer starts");
    let mut viewer = Viewer(viewer);
    let black = RgbImage::new(SIZE.x, SIZE.y);
    display.until("a window with a picture", |shot| {
        likeness(shot, &black) < 0.5
    });
    let window = display.xdotool("search --onlyvisible --name Twinrange");
    display.xdotool(&format!("windowfocus {window}"));

    // It plays, and Space pauses it: two pictures are then the same.
    display.xdotool("key space");
    let mut before = None;
    display.until("it is paused", |shot| {
        let is_same = before.as_ref() == Some(shot);
        before = Some(shot.clone());
        is_same
    });

    // The next event, and the view of the network.
    let first_ns = event(&studio, 0, true);
    display.xdotool("key Home");
    let begin = shoot_ns(&mut studio, "overview", 0);
    display.until_like("Home goes to the beginning", &begin);
    display.xdotool("key Right");
    let at_event = shoot_ns(&mut studio, "overview", first_ns);
    display.until_like("Right goes to the first event", &at_event);
    display.xdotool("key 2");
    let network = shoot_ns(&mut studio, "network", first_ns);
    display.until_like("2 flies to the network", &network);

    // A click on the timeline goes to about its time, and Left from there to the event before.
    let length_ns = 46 * 60 * 1_000_000_000_u64;
    let click_ns = 2_650_000_000_000;
    let (x, y) = on_timeline(click_ns as f64 / length_ns as f64);
    display.xdotool(&format!("mousemove {x:.0} {y:.0} click 1"));
    display.until_unlike("a click goes elsewhere", &network);
    let before_ns = event(&studio, click_ns, false);
    assert_ne!(before_ns, first_ns, "the click is beyond another event");
    display.xdotool("key Left");
    let at_other = shoot_ns(&mut studio, "network", before_ns);
    display.until_like("Left goes to the event before the click", &at_other);

    // It plays on, faster, and stops again.
    display.xdotool("key equal equal equal space");
    display.until_unlike("it plays", &at_other);
    display.xdotool("key space");

    // The mouse turns the eye.
    display.xdotool("key Home");
    let begin = shoot_ns(&mut studio, "network", 0);
    display.until_like("Home again", &begin);
    display.xdotool("mousemove 420 150 mousedown 1 sleep 1 mousemove 500 150 sleep 1 mouseup 1");
    display.until_unlike("dragging turns the eye", &begin);

    // The help comes, Escape closes it, and Escape closes the window.
    display.xdotool("key 1");
    let begin = shoot_ns(&mut studio, "overview", 0);
    display.until_like("1 flies back", &begin);
    display.xdotool("key h");
    display.until_unlike("the help", &begin);
    display.xdotool("key Escape");
    display.until_like("the help is closed", &begin);
    display.xdotool("key Escape");
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = viewer.0.try_wait().expect("it is a child") {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE, "Escape closes the window");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(status.success(), "{status}");
}
