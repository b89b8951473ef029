//! `twinrange live`: the plant at the pace of the wall clock, with real Modbus clients.

mod capture;
mod desk;
mod doors;
mod drive;
mod interfaces;
mod opcua;
mod outlets;
mod tags;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::time::{Instant, SystemTime};

use serde_json::{Value, json};
use twinrange_bridge::api::Request;
use twinrange_bridge::live::{
    Broker, Doors, Event, Gateway, Interface, Pace, Receiver, TAP, control,
};
use twinrange_range::outside::Outside;
use twinrange_range::problem::Problem;
use twinrange_range::run_folder::{RunFolder, check_free};
use twinrange_range::session::Setting;

use self::desk::{Desk, Door, clock_anchor};
use self::doors::{OpenDoor, open_doors, read_tls};
use self::drive::{HandedOn, Live};
use self::interfaces::plug_in;
use self::outlets::Outlets;
use crate::Outcome;
use crate::run::print_run;
use crate::support::defense::Defense;
use crate::support::execution::{Order, begin_twins, conclude, detect, join_twins};
use crate::support::failure::Failure;
use crate::support::recording::Recording;
use crate::support::run_args::{RunArgs, duration};
use crate::support::sandbox::Sandbox;
use crate::support::{progress, scenario};

/// Arguments of `live`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: RunArgs,
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
    /// Serve Modbus inside TLS as well (MB-TCP-Security), at a second port of each controller: 802 with `--addresses`, free
    /// ones when no `--port` is given, and else those behind the plain ones. This is the certificate that clients see, with
    /// its chain; PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of `--tls-cert`; PEM, not encrypted.
    #[arg(long, value_name = "FILE", requires = "tls_clients")]
    tls_key: Option<PathBuf>,
    /// Certificates of the authorities that a client's certificate has to come from; PEM. A client without one is refused.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_clients: Option<PathBuf>,
    /// Network interface of this machine, such as one end of a veth pair, that is plugged into the plant's switch:
    /// what is at its other end talks to the simulated hosts as a device of the plant would. `tap:NAME` makes a TAP device
    /// of that name, for this machine itself. Linux; docs/live.md.
    #[arg(long, value_name = "INTERFACE")]
    attach: Option<String>,
    /// Network interface that gets every frame that the network's SPAN port sees, for a sniffer at its other end.
    /// `tap:NAME` makes a TAP device of that name. Linux.
    #[arg(long, value_name = "INTERFACE")]
    mirror: Option<String>,
    /// Stream every frame that the network's SPAN port sees into a named pipe, or to standard output (`-`), as pcapng. With
    /// `-`, everything else is printed on standard error.
    #[arg(long, value_name = "PIPE")]
    capture: Option<PathBuf>,
    /// Send the plant's log lines to a syslog receiver as well, such as udp://127.0.0.1:514 or tcp://127.0.0.1:601.
    #[arg(long, value_name = "RECEIVER")]
    syslog: Option<Receiver>,
    /// Publish the historian's samples to an MQTT broker, such as mqtt://127.0.0.1:1883 or mqtt://user@broker:1883/site/area
    /// (the password in TWINRANGE_MQTT_PASSWORD). Topics begin with `twinrange` where no prefix is given; docs/live.md.
    #[arg(long, value_name = "BROKER")]
    mqtt: Option<Broker>,
    /// Serve the historian's samples to OPC UA clients at an address of this machine, such as 127.0.0.1:4840, read only;
    /// docs/live.md. Needs `twinrange-opcua`, which is built apart, beside this program.
    #[arg(long, value_name = "ADDRESS:PORT")]
    opcua: Option<SocketAddr>,
    /// Open the defense API at an address of this machine, such as 127.0.0.1:8080: alerts and actions in, evidence out,
    /// over HTTP; docs/api.md.
    #[arg(long, value_name = "ADDRESS:PORT")]
    api: Option<SocketAddr>,
    /// File of the API's tokens and their roles. Without it everybody who reaches the API may do everything, and it is
    /// opened at loopback addresses only.
    #[arg(long, value_name = "FILE", requires = "api")]
    tokens: Option<PathBuf>,
    /// Let actions of the API wait until somebody with the role `approve` releases them.
    #[arg(long, requires = "api")]
    approve: bool,
    /// Take commands from standard input, one per line: pause, go, step SECONDS, speed FACTOR, quit. Each is answered
    /// with a line once it has been carried out.
    #[arg(long)]
    control: bool,
    /// Begin with time standing still, until `go` or `step` comes through `--control` or `--api`.
    #[arg(long)]
    paused: bool,
    /// One JSON object per line: a line per controller, `{"ready":true}` before the plant starts, and what came out.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let common = &args.common;
    check_time(args)?;
    let ready = scenario::find(&common.scenario)?;
    let defense = common.defense()?;
    let duration = duration(args.length.as_deref(), &ready)?;
    let out = common.out(&ready);
    let outside = Outside::of(&ready.prepared.plant, args.network.as_deref())?;
    let sandbox = Sandbox::new(common.sandbox)?;
    let interrupt = progress::interrupt_flag();
    let order = Order {
        ready: &ready,
        seed: common.seed(&ready),
        attack: !common.no_attack,
        twin: true,
        duration,
        out: &out,
        defense: defense.as_ref(),
        branch: None,
        sandbox: &sandbox,
        interrupt: &interrupt,
    };
    check_defense(args, defense.as_ref())?;
    check_interfaces(args)?;
    // Before anybody outside is told of a session.
    check_free(&out)?;
    let tls = read_tls(args)?;
    detect(&order)?;

    let (events, inbox) = mpsc::channel();
    let doors = Doors::new(events.clone())
        .map_err(|error| Problem::new("TR0602", format!("nobody can be let in: {error}")))?;
    let open = open_doors(args, &ready, &outside, &doors, tls.as_ref())?;
    let door = args
        .api
        .map(|address| Door::open(address, args.tokens.as_deref()));
    let door = door.transpose()?;
    let attached = args.attach.as_deref().map(plug_in).transpose()?;
    let mut outlets = Outlets::open(args, &ready, &outside)?;

    let setting = Setting {
        outside: Some(&outside),
        ..Setting::default()
    };
    let recording = Recording::begin(&order, &setting)?;
    outlets.attend(&recording);
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let started_unix_ns = since_1970.map_or(0, |since| since.as_nanos());
    let clock = Instant::now();
    let desk = door.map(|door| {
        let events = events.clone();
        Desk::open(door, args.approve, &recording, started_unix_ns, events)
    });
    let desk = desk.transpose()?;
    let places = Places {
        open: &open,
        api: desk.as_ref().map(Desk::address),
        opcua: outlets.opcua_endpoint(),
    };
    announce(args, &order, &places);
    if let Some(interface) = &attached {
        interface.listen(events.clone());
    }
    if args.control {
        control::read_commands(std::io::BufReader::new(std::io::stdin()), events);
    }
    let mut pace = Pace::new(args.speed);
    if !args.paused {
        pace.go(clock.elapsed());
    }
    let gateway = Gateway::new(
        outside.mac.parse().expect("the range wrote it"),
        outside.ip,
        outside.prefix_len,
    );
    let mut live = Live {
        recording,
        gateway,
        pace,
        clock,
        attached,
        outlets,
        handed_on: HandedOn::default(),
        desk,
        frames_in: Vec::new(),
        inbox,
        left_over: None,
        quits: false,
        done_at: Vec::new(),
        json: args.json,
        interrupt: &interrupt,
    };
    live.run()?;
    let Left {
        recording,
        pace,
        attached,
        mut outlets,
    } = leave(live, doors, started_unix_ns)?;

    let stop_at_ns = AtomicU64::new(recording.session.now().as_nanos());
    let (folder, failure) = std::thread::scope(|threads| {
        let twins = begin_twins(threads, &order, &stop_at_ns);
        // Beside the twins, and never before the folder is whole: whoever follows the plant may take a while to hear it.
        threads.spawn(|| outlets.say_over());
        recording.finish(|| join_twins(twins))
    })?;
    outlets.close();
    attached.iter().for_each(interfaces::note);
    if args.json && failure.is_some() {
        print_end(args, &folder, &pace);
    }
    let folder = conclude(&order, folder, failure)?;
    print_end(args, &folder, &pace);
    Ok(())
}

/// Refuses times that cannot pass.
fn check_time(args: &Args) -> Result<(), Problem> {
    if !control::SPEEDS.contains(&args.speed) {
        let message = format!("a speed of {} cannot be held", args.speed);
        let hint = "0.01 to 1000 plant seconds per second";
        return Err(Problem::new("TR0112", message).hint(hint));
    }
    if args.paused && !args.control && args.api.is_none() {
        let message = "with `--paused` alone nothing would ever let time pass";
        let hint = "add `--control` or `--api ADDRESS:PORT`";
        return Err(Problem::new("TR0112", message).hint(hint));
    }
    Ok(())
}

/// Refuses a defense that cannot take part at the pace of the wall clock.
fn check_defense(args: &Args, defense: Option<&Defense>) -> Result<(), Problem> {
    if args.api.is_some() && defense.is_some_and(Defense::is_offline) {
        let message = "an offline defense speaks when the session is over, and its alerts would replace those of the API";
        let hint = "leave `--defense` out, and run the tool over the evidence afterwards";
        return Err(Problem::new("TR0604", message).hint(hint));
    }
    if defense.is_some_and(|defense| defense.inline().is_some()) {
        let message = "a defense that stands in a cable by its description is asked frame by frame, which takes no account \
                       of the wall clock";
        let hint = "let it watch here (leave `inline` out), or stand it between two interfaces: docs/live.md";
        return Err(Problem::new("TR0604", message).hint(hint));
    }
    Ok(())
}

/// Refuses one interface for two ports.
fn check_interfaces(args: &Args) -> Result<(), Problem> {
    let device = |name: &Option<String>| {
        let name = name.as_deref()?;
        Some(name.strip_prefix(TAP).unwrap_or(name).to_owned())
    };
    if args.attach.is_some() && device(&args.attach) == device(&args.mirror) {
        let message = "the plant and its SPAN port cannot have the same interface";
        return Err(Problem::new("TR0603", message));
    }
    Ok(())
}

/// What is left of a session that nobody outside takes part in any more.
struct Left<'a> {
    recording: Recording<'a>,
    pace: Pace,
    attached: Option<Interface>,
    outlets: Outlets,
}

/// Ends what those outside can do.
fn leave<'a>(live: Live<'a>, doors: Doors, started_unix_ns: u128) -> Result<Left<'a>, Failure> {
    let Live {
        mut recording,
        pace,
        attached,
        outlets,
        desk,
        inbox,
        left_over,
        done_at,
        gateway,
        ..
    } = live;
    // Nobody waits for a command any more.
    drop(done_at);
    let events = left_over.into_iter().chain(inbox.try_iter());
    let unheard: Vec<Request> = events
        .filter_map(|event| match event {
            Event::Request(request) => Some(request),
            _ => None,
        })
        .collect();
    // Nothing is taken from outside any more.
    drop((inbox, gateway));
    if let Some(desk) = desk {
        desk.close(&mut recording, unheard)?;
    }
    let note = clock_note(started_unix_ns, &pace);
    recording.notes.insert("live".to_owned(), note);
    let (stretches, stretched) = pace.stretched();
    if stretches > 0 {
        eprintln!(
            "note: the machine was too slow {stretches} times; the session took {:.1} s longer than the plant's time",
            stretched.as_secs_f64()
        );
    }
    // Who is still connected is told that the plant is gone.
    let refused = doors.close();
    if refused.count > 0 {
        eprintln!(
            "note: {} TLS clients were refused, the last because {}",
            refused.count, refused.last
        );
    }
    Ok(Left {
        recording,
        pace,
        attached,
        outlets,
    })
}

/// Says what came out.
fn print_end(args: &Args, folder: &RunFolder, pace: &Pace) {
    if !args.json {
        print_run(folder, false);
        return;
    }
    let manifest = folder.manifest();
    let (stretches, stretched) = pace.stretched();
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
}

/// How the wall clock and the plant's clock belong together, for tools whose alerts tell the one and not the other.
fn clock_note(started_unix_ns: u128, pace: &Pace) -> Value {
    let anchors = pace.anchors().iter();
    let clock: Vec<_> = anchors
        .map(|anchor| clock_anchor(started_unix_ns, anchor))
        .collect();
    let (stretches, stretched) = pace.stretched();
    json!({"clock": clock, "stretches": stretches, "stretched_s": stretched.as_secs_f64()})
}

/// Where what is outside finds the session.
struct Places<'a> {
    open: &'a [OpenDoor],
    api: Option<SocketAddr>,
    /// URL of the OPC UA server.
    opcua: Option<&'a str>,
}

/// Says where the controllers are, and that the plant is about to start.
fn announce(args: &Args, order: &Order<'_>, places: &Places<'_>) {
    if !args.listen.is_loopback() {
        eprintln!(
            "warning: {} is not a loopback address: whoever reaches it commands the simulated plant",
            args.listen
        );
    }
    if let Some(address) = args.opcua.filter(|address| !address.ip().is_loopback()) {
        eprintln!(
            "warning: {} is not a loopback address: whoever reaches it reads the simulated plant's tags, and OPC UA is \
             served without log-in, signature and encryption (security policy None)",
            address.ip()
        );
    }
    if args.json {
        for door in places.open {
            let mut line =
                json!({"plc": door.plc, "modbus": door.address.to_string(), "unit": door.unit});
            if let Some(tls) = door.tls {
                line["modbus_tls"] = json!(tls.to_string());
            }
            say!("{line}");
        }
        if let Some(api) = places.api {
            say!("{}", json!({"api": format!("http://{api}")}));
        }
        if let Some(opcua) = places.opcua {
            say!("{}", json!({"opcua": opcua}));
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
        for door in places.open {
            say!(
                "modbus    {:<22} unit {:<3} {} ({} in the plant)",
                door.address.to_string(),
                door.unit,
                door.plc,
                door.inside.ip()
            );
        }
        for door in places.open {
            if let Some(tls) = door.tls {
                say!(
                    "tls       {:<22} unit {:<3} {}",
                    tls.to_string(),
                    door.unit,
                    door.plc
                );
            }
        }
        if let Some(api) = places.api {
            say!("api       http://{api}");
        }
        if let Some(opcua) = places.opcua {
            say!("opcua     {opcua} (read only; security policy None)");
        }
        say!(
            "stop      Ctrl-C{}",
            if args.control { ", or `quit`" } else { "" }
        );
    }
    // Whoever started us with a pipe waits for these lines.
    let _ = std::io::stdout().flush();
}
