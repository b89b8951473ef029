//! The loop of a live session: what is due is simulated, what came from outside is handed in, what came out is handed
//! on, and then it waits.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::json;
use sim_kernel::input::Origin;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::respond::{Input, OutsideFrame};
use tokio::sync::oneshot;
use twinrange_bridge::api::{Request, Standing};
use twinrange_bridge::live::{Command, Event, Gateway, Interface, Pace};

use super::desk::{Desk, standing};
use super::outlets::Outlets;
use crate::support::failure::Failure;
use crate::support::progress::{Progress, clock};
use crate::support::recording::Recording;

/// Most simulated time between two looks at the clients, at plant speed.
const SLICE: SimDuration = SimDuration::from_millis(5);
/// Most events from outside that are heard between two slices of the plant's time.
const EVENTS_AT_ONCE: usize = 1_024;
/// Longest wait for the next event, so that Ctrl-C and commands are heard.
const WAIT_MAX: Duration = Duration::from_millis(20);
/// How often what was observed goes to the folder where no defense sets the interval.
const WRITE_EVERY: SimDuration = SimDuration::from_secs(1);

/// How much of an interval's observations has been handed on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HandedOn {
    pub(super) frames: usize,
    pub(super) tags: usize,
    pub(super) logs: usize,
}

/// A live session under way.
pub(super) struct Live<'a> {
    pub(super) recording: Recording<'a>,
    pub(super) gateway: Gateway,
    pub(super) pace: Pace,
    pub(super) clock: Instant,
    pub(super) attached: Option<Interface>,
    pub(super) outlets: Outlets,
    /// What of the interval those outside have had.
    pub(super) handed_on: HandedOn,
    /// Frames that have come in through the interface and wait for their moment.
    pub(super) frames_in: Vec<Vec<u8>>,
    pub(super) desk: Option<Desk>,
    pub(super) inbox: Receiver<Event>,
    /// What was taken out of the inbox and not heard yet.
    pub(super) left_over: Option<Event>,
    /// Whether somebody has asked for the end.
    pub(super) quits: bool,
    /// The commands that were given: when they will have been carried out, in their order, and who of the API waits for
    /// it.
    pub(super) done_at: Vec<(SimTime, Option<oneshot::Sender<Standing>>)>,
    pub(super) json: bool,
    pub(super) interrupt: &'a AtomicBool,
}

impl Live<'_> {
    /// Runs until the plant's time is over or somebody ends it.
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        let order_length = self.recording.session.end().since_start();
        let progress = Progress::new("live", order_length);
        let interval = self.recording.watched_interval().unwrap_or(WRITE_EVERY);
        let mut from = self.recording.session.now();
        let mut woken: Option<Event> = None;
        let mut said_slow = false;
        while self.recording.goes_on() {
            let next_interval = from + interval;
            self.advance(next_interval);
            self.hear(woken.take());
            self.serve()?;
            self.exchange_frames();
            self.reply();
            let quits = self.quits && self.done_at.is_empty();
            if quits {
                // What happens in this very instant is part of the last interval.
                self.recording.session.stop();
            }
            let now = self.recording.session.now();
            if now > from && (now >= next_interval || self.recording.session.is_over()) {
                self.hand_on();
                self.recording.interval_ended(from)?;
                self.handed_on = HandedOn::default();
                progress.at(now);
                from = now;
            }
            if quits {
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
                self.recording.failure.get_or_insert(Failure::Interrupted);
                break;
            }
            woken = self.left_over.take();
            if woken.is_some() {
                continue;
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

    /// Hears what has happened outside, up to a limit: a flood from there must not keep the plant from going on.
    fn hear(&mut self, woken: Option<Event>) {
        let now_us = self.now_us();
        let mut next = woken.or_else(|| self.inbox.try_recv().ok());
        for _ in 0..EVENTS_AT_ONCE {
            match next {
                None => return,
                Some(Event::Client(event)) => self.gateway.hear(event, now_us),
                Some(Event::Frame(frame)) => {
                    self.attached.iter().for_each(Interface::taken);
                    self.frames_in.push(frame);
                }
                Some(Event::Command(Ok(command))) => self.obey(command, None),
                Some(Event::Request(Request::Command { command, done })) => {
                    self.obey(command, Some(done))
                }
                Some(Event::Request(request)) => {
                    let desk = self.desk.as_mut().expect("only the API asks");
                    desk.hear(request);
                }
                Some(Event::Command(Err(why))) => {
                    eprintln!("{why}");
                    if self.json {
                        say!("{}", json!({"error": why}));
                    }
                }
            }
            next = self.inbox.try_recv().ok();
        }
        self.left_over = next;
    }

    /// Does what somebody asks for over the API.
    fn serve(&mut self) -> Result<(), Failure> {
        if let Some(desk) = &mut self.desk {
            desk.serve(&mut self.recording)?;
        }
        Ok(())
    }

    /// Does what a person asks for.
    ///
    /// # Arguments
    ///
    /// * `done` — is told when it has been carried out; standard output is, where it is left out.
    fn obey(&mut self, command: Command, done: Option<oneshot::Sender<Standing>>) {
        // What comes behind the end is not heard; whoever of the API waits for it is told that the session is over.
        if self.quits {
            return;
        }
        let wall = self.clock.elapsed();
        let mut done_at = self.recording.session.now();
        match command {
            Command::Pause => done_at = SimTime::from_nanos(self.pace.pause(wall)),
            Command::Go => self.pace.go(wall),
            Command::Step(ns) => done_at = SimTime::from_nanos(self.pace.step(ns, wall)),
            Command::Speed(speed) => self.pace.set_speed(speed, wall),
            Command::Quit => {
                self.quits = true;
                // It ends the session, and nobody is told so over standard output.
                if done.is_none() {
                    return;
                }
            }
        }
        self.done_at.push((done_at, done));
    }

    /// Says which commands have been carried out.
    fn reply(&mut self) {
        let now = self.recording.session.now();
        while self.done_at.first().is_some_and(|(at, _)| *at <= now) {
            let (_, done) = self.done_at.remove(0);
            if let Some(done) = done {
                // Whoever asked may be gone.
                let _ = done.send(standing(now, &self.pace));
                continue;
            }
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

    /// Hands on what was observed since the last time: frames of the SPAN port, log lines, samples.
    fn hand_on(&mut self) {
        let observed = self.recording.session.observations();
        let had = self.handed_on;
        self.handed_on = HandedOn {
            frames: observed.frames.len(),
            tags: observed.tags.len(),
            logs: observed.logs.len(),
        };
        self.outlets.hand_on(observed, had);
        if let Some(desk) = &mut self.desk {
            desk.hand_on(&mut self.recording, had, &self.pace);
        }
    }

    /// Carries frames between the plant's outside port and the gateway.
    fn exchange_frames(&mut self) {
        let now_us = self.now_us();
        self.hand_on();
        let observed = self.recording.session.observations();
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
