//! `twinrange live`: the plant at the pace of the wall clock, with real Modbus clients.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use sim_kernel::input::Origin;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::respond::{Input, OutsideFrame};
use sim_wire::modbus::PORT;
use twinrange_bridge::live::{Anchor, Command, Doors, Event, Gateway, Interface, Pace, control};
use twinrange_range::outside::Outside;
use twinrange_range::problem::Problem;
use twinrange_range::session::Setting;

use crate::Outcome;
use crate::run::{parse_duration, print_run};
use crate::support::execution::{Order, begin_twins, conclude, default_out, detect, join_twins};
use crate::support::failure::Failure;
use crate::support::progress::{Progress, clock};
use crate::support::recording::Recording;
use crate::support::sandbox::{Mode, Sandbox};
use crate::support::scenario::Ready;
use crate::support::{defense, progress, scenario};

/// Most simulated time between two looks at the clients, at plant speed.
const SLICE: SimDuration = SimDuration::from_millis(5);
/// Longest wait for the next event, so that Ctrl-C and commands are heard.
const WAIT_MAX: Duration = Duration::from_millis(20);
/// How often what was observed goes to the folder where no defense sets the interval.
const WRITE_EVERY: SimDuration = SimDuration::from_secs(1);

/// Arguments of `live`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A scenario file, or the name of a built-in scenario (see `list scenarios`).
    scenario: String,
    /// Plant time after which the session ends by itself, such as 60s or 2h; the scenario's own length when left out.
    #[arg(long = "for", value_name = "TIME")]
    length: Option<String>,
    /// Plant seconds per second of the wall clock, 0.01 to 1000.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    speed: f64,
    /// Address of this machine at which clients may connect. Anybody who reaches it commands the plant: there is no
    /// log-in, as with a real controller.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    listen: IpAddr,
    /// Port of the first controller, by name; the others have the next ones. 0 takes free ones.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    port: u16,
    /// Give each controller an address of its own, counted up from `--listen`, and all the same port (502 when no
    /// `--port` is given).
    #[arg(long)]
    addresses: bool,
    /// The network that the clients come from; the one with most controllers when left out.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// Network interface of this machine, such as one end of a veth pair, that is plugged into the plant's switch:
    /// what is at its other end talks to the simulated hosts as a device of the plant would. Linux; docs/live.md.
    #[arg(long, value_name = "INTERFACE")]
    attach: Option<String>,
    /// Network interface that gets every frame that the network's SPAN port sees, for a sniffer at its other end.
    /// Linux.
    #[arg(long, value_name = "INTERFACE")]
    mirror: Option<String>,
    /// Take commands from standard input, one per line: pause, go, step SECONDS, speed FACTOR, quit. Each is answered
    /// with a line once it has been carried out.
    #[arg(long)]
    control: bool,
    /// Begin with time standing still, until `go` or `step`.
    #[arg(long, requires = "control")]
    paused: bool,
    /// Seeds every random stream; the scenario's own seed when left out.
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for the run; a new one under runs/ when left out.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A defense file, or the name of a defense (see `list defenses`).
    #[arg(long, value_name = "FILE")]
    defense: Option<String>,
    /// Do not play the playbook.
    #[arg(long)]
    no_attack: bool,
    /// Whether the defense is kept away from the truth.
    #[arg(long, value_enum, default_value_t, value_name = "MODE")]
    sandbox: Mode,
    /// One JSON object per line: a line per controller, `{"ready":true}` before the plant starts, and what came out.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    if !control::SPEEDS.contains(&args.speed) {
        let message = format!("a speed of {} cannot be held", args.speed);
        let hint = "0.01 to 1000 plant seconds per second";
        return Err(Problem::new("TR0112", message).hint(hint).into());
    }
    let ready = scenario::find(&args.scenario)?;
    let defense = args.defense.as_deref().map(defense::find).transpose()?;
    let seed = args.seed.unwrap_or(ready.loaded.scenario.seed);
    let duration = match &args.length {
        None => ready.loaded.scenario.duration,
        Some(text) => parse_duration(text)?,
    };
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| default_out(&ready.loaded.scenario.name, seed));
    let outside = Outside::of(&ready.prepared.plant, args.network.as_deref())?;
    let sandbox = Sandbox::new(args.sandbox)?;
    let interrupt = progress::interrupt_flag();
    let order = Order {
        ready: &ready,
        seed,
        attack: !args.no_attack,
        duration,
        out: &out,
        defense: defense.as_ref(),
        branch: None,
        sandbox: &sandbox,
        interrupt: &interrupt,
    };
    detect(&order)?;
    let (events, inbox) = mpsc::channel();
    let doors = Doors::new(events.clone())
        .map_err(|error| Problem::new("TR0602", format!("nobody can be let in: {error}")))?;
    let open = open_doors(args, &ready, &outside, &doors)?;
    let attached = args.attach.as_deref().map(plug_in).transpose()?;
    if let Some(interface) = &attached {
        interface.listen(events.clone());
    }
    let mirror = args.mirror.as_deref().map(plug_in).transpose()?;
    let span = span_of(&ready, &outside);
    if mirror.is_some() && span.is_none() {
        let message = format!(
            "network `{}` has no SPAN port to be mirrored",
            outside.network
        );
        return Err(Problem::new("TR0601", message).into());
    }
    let setting = Setting {
        outside: Some(&outside),
        ..Setting::default()
    };
    let recording = Recording::begin(&order, &setting)?;
    announce(args, &order, &open);
    if args.control {
        control::read_commands(std::io::BufReader::new(std::io::stdin()), events);
    }
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let started_unix_ns = since_1970.map_or(0, |since| since.as_nanos());
    let mut pace = Pace::new(args.speed);
    if !args.paused {
        pace.go(Duration::ZERO);
    }
    let spans = recording.session.world().spans();
    let span = span.and_then(|span| spans.iter().position(|known| *known == span));
    let mut live = Live {
        recording,
        gateway: Gateway::new(
            outside.mac.parse().expect("the range wrote it"),
            outside.ip,
            outside.prefix_len,
        ),
        pace,
        clock: Instant::now(),
        attached,
        mirror,
        span: span.map(|at| u16::try_from(at).expect("networks are few")),
        mirrored: 0,
        frames_in: Vec::new(),
        inbox,
        done_at: Vec::new(),
        json: args.json,
        interrupt: &interrupt,
    };
    live.run()?;
    let Live {
        mut recording,
        pace,
        attached,
        mirror,
        ..
    } = live;
    let note = clock_note(started_unix_ns, &pace);
    recording.notes.insert("live".to_owned(), note);
    // Who is still connected is told that the plant is gone.
    drop(doors);
    let stop_at_ns = AtomicU64::new(recording.session.now().as_nanos());
    let (folder, failure) = std::thread::scope(|threads| {
        let twins = begin_twins(threads, &order, &stop_at_ns);
        recording.finish(|| join_twins(twins))
    })?;
    let folder = conclude(&order, folder, failure)?;
    let (stretches, stretched) = pace.stretched();
    if stretches > 0 {
        eprintln!(
            "note: the machine was too slow {stretches} times; the session took {:.1} s longer than the plant's time",
            stretched.as_secs_f64()
        );
    }
    for interface in attached.iter().chain(&mirror) {
        if interface.lost() > 0 {
            let (lost, name) = (interface.lost(), interface.name());
            eprintln!("note: interface {name} did not take {lost} frames: it was down or full");
        }
    }
    if args.json {
        let manifest = folder.manifest();
        let facts = json!({
            "folder": folder.path(),
            "ended": manifest.ended,
            "simulated_ns": manifest.simulated_ns,
            "trace_digest": manifest.trace_digest,
            "inputs": manifest.counts.inputs,
            "stretches": stretches,
            "stretched_s": stretched.as_secs_f64(),
        });
        say!("{facts}");
    } else {
        print_run(&folder, false);
    }
    Ok(())
}

/// How the wall clock and the plant's clock belong together, for tools whose alerts tell the one and not the other.
fn clock_note(started_unix_ns: u128, pace: &Pace) -> Value {
    let anchor = |anchor: &Anchor| {
        let unix_ns = started_unix_ns + anchor.wall.as_nanos();
        json!({"unix_ns": u64::try_from(unix_ns).ok(), "t_ns": anchor.t_ns, "speed": anchor.speed})
    };
    let clock: Vec<Value> = pace.anchors().iter().map(anchor).collect();
    let (stretches, stretched) = pace.stretched();
    json!({"clock": clock, "stretches": stretches, "stretched_s": stretched.as_secs_f64()})
}

/// A controller, and where real clients find it.
struct OpenDoor {
    plc: String,
    unit: u8,
    inside: SocketAddrV4,
    address: SocketAddr,
}

/// Listens for every controller of the network, by name.
fn open_doors(
    args: &Args,
    ready: &Ready,
    outside: &Outside,
    doors: &Doors,
) -> Result<Vec<OpenDoor>, Problem> {
    let plant = &ready.prepared.plant;
    let mut controllers: Vec<(&str, u8)> = Vec::new();
    for controller in &plant.controllers {
        controllers.push((&controller.host, controller.unit));
        let standby = controller.standby.as_ref();
        controllers.extend(standby.map(|standby| (standby.host.as_str(), controller.unit)));
    }
    controllers.sort_unstable();
    let mut open = Vec::new();
    for (plc, unit) in controllers {
        let host = plant.hosts.iter().find(|host| host.name == plc);
        let host = host.expect("a loaded plant was checked");
        if host.network != outside.network {
            continue;
        }
        let place = u16::try_from(open.len()).expect("plants are bounded");
        let asked = address_of(args, place)?;
        let inside = SocketAddrV4::new(host.ip, PORT);
        let address = doors.open(asked, inside).map_err(|error| {
            Problem::new(
                "TR0602",
                format!("{plc}: nobody can listen at {asked}: {error}"),
            )
            .hint("name another `--listen` or `--port`; ports below 1024 need a privilege")
        })?;
        open.push(OpenDoor {
            plc: plc.to_owned(),
            unit,
            inside,
            address,
        });
    }
    Ok(open)
}

/// Where a controller is to be found, by its place in the list.
fn address_of(args: &Args, place: u16) -> Result<SocketAddr, Problem> {
    let too_many = || {
        Problem::new(
            "TR0602",
            format!(
                "there is no room for all controllers from {} on",
                args.listen
            ),
        )
    };
    if args.addresses {
        let IpAddr::V4(first) = args.listen else {
            let message = "addresses of their own are IPv4 ones";
            return Err(Problem::new("TR0112", message).hint("such as `--listen 127.0.0.2`"));
        };
        let own = first.to_bits().checked_add(u32::from(place));
        let own = own.ok_or_else(too_many)?;
        let port = if args.port == 0 { PORT } else { args.port };
        return Ok(SocketAddr::from((Ipv4Addr::from_bits(own), port)));
    }
    let port = match args.port {
        0 => 0,
        first => first.checked_add(place).ok_or_else(too_many)?,
    };
    Ok(SocketAddr::from((args.listen, port)))
}

/// Name of the SPAN port of the network that clients come from.
fn span_of(ready: &Ready, outside: &Outside) -> Option<String> {
    let mut networks = ready.prepared.plant.networks.iter();
    networks
        .find(|network| network.name == outside.network)?
        .span
        .clone()
}

/// Takes a network interface of this machine.
fn plug_in(name: &str) -> Result<Interface, Problem> {
    Interface::open(name).map_err(|error| cannot_use(name, &error))
}

fn cannot_use(interface: &str, error: &std::io::Error) -> Problem {
    let hint = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "reading frames needs CAP_NET_RAW: use a network namespace of your own (docs/live.md), or root"
        }
        _ => "`ip link` lists the interfaces; docs/live.md says how to make a pair",
    };
    Problem::new(
        "TR0603",
        format!("interface `{interface}` cannot be used: {error}"),
    )
    .hint(hint)
}

/// Says where the controllers are, and that the plant is about to start.
fn announce(args: &Args, order: &Order<'_>, open: &[OpenDoor]) {
    if !args.listen.is_loopback() {
        eprintln!(
            "warning: {} is not a loopback address: whoever reaches it commands the simulated plant",
            args.listen
        );
    }
    if args.json {
        for door in open {
            let line =
                json!({"plc": door.plc, "modbus": door.address.to_string(), "unit": door.unit});
            say!("{line}");
        }
        say!("{}", json!({"ready": true}));
    } else {
        say!(
            "live      {} (seed {}), {} of plant time at {} x",
            order.ready.loaded.scenario.title,
            order.seed,
            order.duration,
            args.speed
        );
        for door in open {
            say!(
                "modbus    {:<22} unit {:<3} {} ({} in the plant)",
                door.address.to_string(),
                door.unit,
                door.plc,
                door.inside.ip()
            );
        }
        say!(
            "stop      Ctrl-C{}",
            if args.control { ", or `quit`" } else { "" }
        );
    }
    // Whoever started us with a pipe waits for these lines.
    let _ = std::io::stdout().flush();
}

/// A live session under way.
struct Live<'a> {
    recording: Recording<'a>,
    gateway: Gateway,
    pace: Pace,
    clock: Instant,
    attached: Option<Interface>,
    mirror: Option<Interface>,
    /// The SPAN port that is mirrored.
    span: Option<u16>,
    /// Frames of the interval that the mirror has had.
    mirrored: usize,
    /// Frames that have come in through the interface and wait for their moment.
    frames_in: Vec<Vec<u8>>,
    inbox: Receiver<Event>,
    /// When the commands that were given will have been carried out, in their order.
    done_at: Vec<SimTime>,
    json: bool,
    interrupt: &'a AtomicBool,
}

impl Live<'_> {
    /// Runs until the plant's time is over or somebody ends it.
    fn run(&mut self) -> Result<(), Failure> {
        let order_length = self.recording.session.end().since_start();
        let progress = Progress::new("live", order_length);
        let interval = self.recording.watched_interval().unwrap_or(WRITE_EVERY);
        let mut from = self.recording.session.now();
        let mut woken: Option<Event> = None;
        let mut said_slow = false;
        while self.recording.goes_on() {
            let next_interval = from + interval;
            self.advance(next_interval);
            let quit = self.hear(woken.take());
            self.reply();
            self.exchange_frames();
            let now = self.recording.session.now();
            if now >= next_interval || self.recording.session.is_over() || quit {
                self.recording.interval_ended(from)?;
                self.mirrored = 0;
                progress.at(now);
                from = now;
            }
            if quit {
                break;
            }
            if let Some(behind) = self.pace.reached(now.as_nanos(), self.clock.elapsed())
                && !said_slow
            {
                said_slow = true;
                eprintln!(
                    "note: the machine cannot keep pace: {:.1} s behind at {}; plant time is stretched, nothing is \
                     left out",
                    behind.as_secs_f64(),
                    clock(now)
                );
            }
            if self.interrupt.load(Ordering::SeqCst) {
                self.recording.failure = Some(Failure::Interrupted);
                break;
            }
            let wait = self.time_to_wait(next_interval);
            woken = match self.inbox.recv_timeout(wait) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => unreachable!("the doors are open"),
            };
        }
        self.recording.last_word()?;
        progress.done();
        self.recording.stop()?;
        Ok(())
    }

    /// Simulates what is due, at most a slice and not beyond the end of the interval.
    fn advance(&mut self, next_interval: SimTime) {
        let session = &mut self.recording.session;
        let due = SimTime::from_nanos(self.pace.due(self.clock.elapsed()));
        let slice = SLICE.as_secs_f64() * self.pace.speed().max(1.0);
        let limit = (session.now() + SimDuration::from_secs_f64(slice)).min(next_interval);
        let until = due.min(limit);
        if until > session.now() {
            session.advance(until);
        }
    }

    /// Hears what has happened outside. Returns whether the session is to end.
    fn hear(&mut self, woken: Option<Event>) -> bool {
        let now_us = self.now_us();
        let mut next = woken.or_else(|| self.inbox.try_recv().ok());
        while let Some(event) = next {
            match event {
                Event::Client(event) => self.gateway.hear(event, now_us),
                Event::Frame(frame) => self.frames_in.push(frame),
                Event::Command(Ok(Command::Quit)) => return true,
                Event::Command(Ok(command)) => self.obey(command),
                Event::Command(Err(why)) => eprintln!("{why}"),
            }
            next = self.inbox.try_recv().ok();
        }
        false
    }

    fn obey(&mut self, command: Command) {
        let wall = self.clock.elapsed();
        let mut done_at = self.recording.session.now();
        match command {
            Command::Pause => done_at = SimTime::from_nanos(self.pace.pause(wall)),
            Command::Go => self.pace.go(wall),
            Command::Step(ns) => done_at = SimTime::from_nanos(self.pace.step(ns, wall)),
            Command::Speed(speed) => self.pace.set_speed(speed, wall),
            Command::Quit => unreachable!("it ends the session"),
        }
        self.done_at.push(done_at);
    }

    /// Says which commands have been carried out.
    fn reply(&mut self) {
        let now = self.recording.session.now();
        while self.done_at.first().is_some_and(|&at| at <= now) {
            self.done_at.remove(0);
            let (running, speed) = (self.pace.is_running(), self.pace.speed());
            if self.json {
                let state = json!({"t_ns": now.as_nanos(), "running": running, "speed": speed});
                say!("{state}");
            } else {
                let moves = if running { "goes on" } else { "stands" };
                say!("{}  time {moves}, {speed} x", clock(now));
            }
            // Whoever gave the command waits for the line.
            let _ = std::io::stdout().flush();
        }
    }

    fn now_us(&self) -> u64 {
        self.recording.session.now().as_nanos() / 1_000
    }

    /// Carries frames between the plant's outside port and the gateway.
    fn exchange_frames(&mut self) {
        let now_us = self.now_us();
        let observed = self.recording.session.observations();
        if let Some(mirror) = &mut self.mirror {
            for frame in &observed.frames[self.mirrored..] {
                if Some(frame.span) == self.span {
                    mirror.send(observed.bytes(frame));
                }
            }
            self.mirrored = observed.frames.len();
        }
        for (_, frame) in std::mem::take(&mut observed.outside) {
            if let Some(attached) = &mut self.attached {
                attached.send(&frame);
            }
            self.gateway.receive(frame);
        }
        let mut frames = std::mem::take(&mut self.frames_in);
        frames.extend(self.gateway.poll(now_us));
        for frame in frames {
            if self.recording.session.is_over() {
                return;
            }
            let input = Input::Frame(OutsideFrame(frame));
            let handed_in = self.recording.session.hand_in(Origin::Outside, input);
            handed_in.expect("the stack sends proper frames into a port that is there");
        }
    }

    /// How long nothing will happen unless somebody outside makes it happen.
    fn time_to_wait(&mut self, next_interval: SimTime) -> Duration {
        let now_us = self.now_us();
        let session = &self.recording.session;
        let stack = self.gateway.wake_us(now_us).map(SimTime::from_micros);
        let next = [session.world().next_event(), stack, Some(session.end())];
        let next = next.into_iter().flatten().fold(next_interval, SimTime::min);
        // An event at a time happens when the plant is let beyond it.
        let beyond = next.as_nanos() + 1;
        let wait = self.pace.until(beyond, self.clock.elapsed());
        wait.map_or(WAIT_MAX, |wait| wait.min(WAIT_MAX))
    }
}
