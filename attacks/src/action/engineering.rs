//! The engineering session at work: connect, do one job, see that it took effect, release.
//!
//! **Invariant:** at most [`TRIES_MAX`] tries for each message, [`WAITS_MAX`] waits for a controller that is
//! busy, [`CHECKS_MAX`] looks at the effect and [`UPLOAD_MAX_BYTES`] of a program.

use std::net::Ipv4Addr;
use std::sync::Arc;

use sim_kernel::digest::Digest;
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::FirmwareImage;
use sim_wire::modbus::engineering::answer::proof_input;
use sim_wire::modbus::engineering::command::block_length;
use sim_wire::modbus::engineering::{
    Activation, Answer, BLOCK_MAX_BYTES, Command, Content, Mode, NONCE_BYTES, Reason, Status,
};

use crate::action::session::{Ask, Failure, Reply, Session};
use crate::action::{Context, Progress, Verdict, period_of};
use crate::place::Spot;
use crate::playbook::{self, Action, Client, DownloadProgram};
use crate::view::Targets;

/// How often one message is sent before the step gives up, and the time between two tries.
const TRIES_MAX: u32 = 3;
const TRY_AGAIN: SimDuration = SimDuration::from_secs(1);

/// How often the attacker waits for a session that is taken, or lost, and how long each time: together
/// longer than a session lasts that its client has left alone.
const WAITS_MAX: u32 = 8;
const WAIT: SimDuration = SimDuration::from_secs(5);

/// How often the attacker looks whether a change took effect, and the time between two looks.
const CHECKS_MAX: u32 = 4_000;
const CHECK_PERIOD: SimDuration = SimDuration::from_secs(1);

/// Most bytes of a program that are read.
const UPLOAD_MAX_BYTES: u32 = 1 << 20;

/// What the session is for.
#[derive(Debug)]
enum Job {
    Upload,
    Send {
        content: Content,
        bytes: Arc<[u8]>,
        activation: Activation,
    },
    /// Commands that are complete by themselves.
    Orders(Vec<Command<'static>>),
}

/// What the status must say once the job has taken effect.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Effect {
    /// Nothing more than the acknowledgment.
    Acknowledged,
    Program([u8; 32]),
    Firmware(String),
    Mode(Mode),
}

impl Effect {
    fn is_in(&self, status: &Status<'_>) -> bool {
        !status.is_changing
            && match self {
                Self::Acknowledged => true,
                Self::Program(digest) => status.program_digest == *digest,
                Self::Firmware(version) => status.firmware == version,
                Self::Mode(mode) => status.mode == *mode,
            }
    }
}

/// The message that is next or under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connect,
    Authenticate,
    UploadBegin,
    UploadBlock,
    DownloadBegin,
    DownloadBlock(u32),
    Verify,
    Activate,
    Order(usize),
    Check,
    Release,
    Over,
}

/// A session under way.
#[derive(Debug)]
pub(crate) struct Machine {
    server: Ipv4Addr,
    session: Session,
    client: Client,
    job: Job,
    effect: Effect,
    stage: Stage,
    /// Number of the session; 0 for none.
    id: u8,
    nonce: [u8; NONCE_BYTES],
    /// Size and digest of the program that is read, and what has come of it.
    upload: (u32, [u8; 32]),
    uploaded: Vec<u8>,
    tries: u32,
    waits: u32,
    checks: u32,
    next_at: SimTime,
    done: bool,
    failed: Option<String>,
}

/// What an action of the engineering session comes to: its job and the effect.
fn plan(action: &Action, cx: &Context<'_>) -> Option<(Job, Effect)> {
    let plain = Effect::Acknowledged;
    Some(match action {
        Action::UploadProgram(_) => (Job::Upload, plain),
        Action::DownloadProgram(it) => send_program(it, cx),
        Action::SetMode(it) => {
            let mode = Mode::from(it.mode);
            (
                Job::Orders(vec![Command::SetMode { mode }]),
                Effect::Mode(mode),
            )
        }
        Action::Restart(it) => (
            Job::Orders(vec![Command::Restart { how: it.how.into() }]),
            plain,
        ),
        Action::Force(it) => (Job::Orders(forces(it, cx)), plain),
        Action::ChangeTask(it) => (
            Job::Orders(vec![Command::SetScan {
                scan_ms: it.scan_ms,
            }]),
            plain,
        ),
        Action::Firmware(it) => send_firmware(it),
        _ => return None,
    })
}

fn send_firmware(firmware: &playbook::Firmware) -> (Job, Effect) {
    let image = FirmwareImage {
        version: firmware.version.clone(),
        behavior: firmware.image.into(),
    };
    let job = Job::Send {
        content: Content::Firmware,
        bytes: image.to_bytes(firmware.key.as_deref()).into(),
        activation: Activation::Load,
    };
    (job, Effect::Firmware(firmware.version.clone()))
}

fn send_program(download: &DownloadProgram, cx: &Context<'_>) -> (Job, Effect) {
    let bytes = Arc::clone(cx.view.program(&download.program));
    let digest = Digest::of(&bytes).0;
    let job = Job::Send {
        content: Content::Program,
        bytes,
        activation: download.activation.into(),
    };
    (job, Effect::Program(digest))
}

fn forces(force: &playbook::Force, cx: &Context<'_>) -> Vec<Command<'static>> {
    let mut orders = Vec::new();
    if force.release_all {
        orders.push(Command::UnforceAll);
    }
    for place in &force.release {
        let entries = Spot::of(place, cx.view).entries();
        orders.extend(entries.map(|(area, index)| Command::Unforce { area, index }));
    }
    for forced in &force.set {
        let entries = Spot::of(&forced.at, cx.view).forces(forced.value);
        orders.extend(entries.into_iter().map(Command::Force));
    }
    orders
}

impl Machine {
    /// A machine for an action of the engineering session; `None` for any other.
    pub(crate) fn new(action: &Action, targets: &Targets, cx: &mut Context<'_>) -> Option<Self> {
        let (target, client) = action.engineering()?;
        let (job, effect) = plan(action, cx)?;
        let server = targets.one(target);
        Some(Self {
            server,
            session: Session::drawn(server, cx),
            client: client.clone(),
            job,
            effect,
            stage: Stage::Connect,
            id: 0,
            nonce: [0; NONCE_BYTES],
            upload: (0, [0; 32]),
            uploaded: Vec::new(),
            tries: 0,
            waits: 0,
            checks: 0,
            next_at: cx.now(),
            done: false,
            failed: None,
        })
    }

    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Progress {
        loop {
            if self.session.is_busy() {
                let Some(answer) = self.session.answer(cx) else {
                    return Progress::Waiting(self.session.deadline());
                };
                self.judge(answer, cx);
                continue;
            }
            if self.stage == Stage::Over {
                return self.stop(cx);
            }
            if cx.now() < self.next_at {
                return Progress::Waiting(Some(self.next_at));
            }
            self.tries += 1;
            self.next_at = cx.now() + period_of(self.client.requests_per_s);
            let message = self.message();
            self.session.ask(cx, Ask::Engineering(message));
        }
    }

    /// The command of the present stage.
    fn command(&self) -> Command<'_> {
        match self.stage {
            Stage::Connect => Command::Connect {
                name: &self.client.name,
            },
            Stage::Authenticate => {
                let password = self.client.password.as_deref().unwrap_or_default();
                let proof = Digest::of(&proof_input(&self.nonce, password)).0;
                Command::Authenticate { proof }
            }
            Stage::UploadBegin => Command::UploadBegin,
            Stage::UploadBlock => {
                let offset = count(&self.uploaded);
                let length = block_length(offset, self.upload.0);
                Command::UploadBlock { offset, length }
            }
            Stage::DownloadBegin => {
                let (content, bytes) = self.sent();
                Command::DownloadBegin {
                    content,
                    size: count(bytes),
                    digest: Digest::of(bytes).0,
                }
            }
            Stage::DownloadBlock(offset) => Command::DownloadBlock {
                offset,
                bytes: block(self.sent().1, offset),
            },
            Stage::Verify => Command::Verify,
            Stage::Activate => {
                let Job::Send {
                    activation: how, ..
                } = self.job
                else {
                    unreachable!("only what was sent is activated");
                };
                Command::Activate { how }
            }
            Stage::Order(at) => self.orders()[at],
            Stage::Check => Command::Status,
            Stage::Release | Stage::Over => Command::Release,
        }
    }

    fn message(&self) -> Vec<u8> {
        let mut message = Vec::new();
        self.command().emit(self.id, &mut message);
        message
    }

    fn sent(&self) -> (Content, &[u8]) {
        match &self.job {
            Job::Send { content, bytes, .. } => (*content, bytes),
            Job::Upload | Job::Orders(_) => unreachable!("this job sends nothing"),
        }
    }

    fn orders(&self) -> &[Command<'static>] {
        match &self.job {
            Job::Orders(orders) => orders,
            Job::Upload | Job::Send { .. } => &[],
        }
    }

    fn judge(&mut self, answer: Result<Reply, Failure>, cx: &mut Context<'_>) {
        let name = cx.name_of(self.server);
        let what = self.command().name();
        match answer {
            Ok(Reply::Engineering(bytes)) => match Answer::parse(&bytes) {
                Some((_, Answer::Refused { reason, .. })) => self.refused(reason, cx),
                Some((id, answer)) => self.accepted(id, answer, cx),
                None => self.fail(format!("{name} answered {what} with nonsense"), cx),
            },
            Ok(Reply::Exception(code)) => {
                let code_text = format!("exception {} ({code})", code.code());
                self.fail(format!("{name} refused {what}: {code_text}"), cx);
            }
            Ok(_) => self.fail(format!("{name} answered {what} with nonsense"), cx),
            Err(failure) if self.tries >= TRIES_MAX => {
                self.fail(format!("{what}: {failure}, {TRIES_MAX} times"), cx);
                self.stage = Stage::Over; // Nobody is there to hear a farewell.
            }
            Err(failure) => {
                cx.tally.note(format!("{what}: {failure}"));
                self.next_at = cx.now() + TRY_AGAIN;
                if let Stage::DownloadBlock(_) = self.stage {
                    self.stage = Stage::DownloadBegin; // Whether the block arrived is unknown.
                }
            }
        }
    }

    /// A refusal: some pass with time, the others are the end.
    fn refused(&mut self, reason: Reason, cx: &mut Context<'_>) {
        let name = cx.name_of(self.server);
        let line = format!("{name} refused {}: {reason}", self.command().name());
        if self.stage == Stage::Release {
            self.stage = Stage::Over; // The session was over before.
            return;
        }
        let passes = matches!(reason, Reason::InUse | Reason::Busy | Reason::NoSession);
        if !passes || self.waits >= WAITS_MAX {
            self.fail(line, cx);
            return;
        }
        cx.tally.note(line);
        self.waits += 1;
        self.tries = 0;
        self.next_at = cx.now() + WAIT;
        if reason == Reason::NoSession {
            self.id = 0;
            self.stage = Stage::Connect;
        }
    }

    fn accepted(&mut self, id: u8, answer: Answer<'_>, cx: &mut Context<'_>) {
        self.tries = 0;
        match (self.stage, answer) {
            (
                Stage::Connect,
                Answer::Connected {
                    needs_password,
                    nonce,
                    ..
                },
            ) => self.connected(id, needs_password, nonce, cx),
            (Stage::Authenticate, _) => self.stage = self.first(),
            (Stage::UploadBegin, Answer::Upload { size, digest }) => {
                self.begin_upload(size, digest, cx)
            }
            (Stage::UploadBlock, Answer::Block { offset, bytes }) => {
                self.take_block(offset, bytes, cx);
            }
            (Stage::DownloadBegin, _) => self.stage = Stage::DownloadBlock(0),
            (Stage::DownloadBlock(offset), _) => {
                let bytes = self.sent().1;
                let next = offset + count(block(bytes, offset));
                self.stage = if next == count(bytes) {
                    Stage::Verify
                } else {
                    Stage::DownloadBlock(next)
                };
            }
            (Stage::Verify, Answer::Verified { .. }) => self.stage = Stage::Activate,
            (Stage::Activate, _) => self.activated(cx),
            (Stage::Order(at), _) => self.ordered(at, cx),
            (Stage::Check, Answer::Status(status)) => self.check(&status, cx),
            (Stage::Release, _) => self.stage = Stage::Over,
            _ => {
                let name = cx.name_of(self.server);
                let what = self.command().name();
                self.fail(format!("{name} answered {what} with nonsense"), cx);
            }
        }
    }

    fn connected(&mut self, id: u8, locked: bool, nonce: [u8; NONCE_BYTES], cx: &mut Context<'_>) {
        (self.id, self.nonce) = (id, nonce);
        self.stage = match (locked, &self.client.password) {
            (false, _) => self.first(),
            (true, Some(_)) => Stage::Authenticate,
            (true, None) => {
                let name = cx.name_of(self.server);
                return self.fail(format!("{name} asks for a password"), cx);
            }
        };
    }

    /// The first message of the job itself.
    fn first(&self) -> Stage {
        match self.job {
            Job::Upload => Stage::UploadBegin,
            Job::Send { .. } => Stage::DownloadBegin,
            Job::Orders(_) => Stage::Order(0),
        }
    }

    fn begin_upload(&mut self, size: u32, digest: [u8; 32], cx: &mut Context<'_>) {
        if !(1..=UPLOAD_MAX_BYTES).contains(&size) {
            let name = cx.name_of(self.server);
            return self.fail(format!("{name} offers a program of {size} bytes"), cx);
        }
        self.upload = (size, digest);
        self.uploaded.clear();
        self.stage = Stage::UploadBlock;
    }

    fn take_block(&mut self, offset: u32, bytes: &[u8], cx: &mut Context<'_>) {
        let have = count(&self.uploaded);
        let (size, digest) = self.upload;
        let name = cx.name_of(self.server);
        let wanted = usize::from(block_length(have, size));
        if offset != have || bytes.len() != wanted {
            return self.fail(format!("{name} sent another part than was asked for"), cx);
        }
        self.uploaded.extend_from_slice(bytes);
        if count(&self.uploaded) < size {
            return;
        }
        if Digest::of(&self.uploaded).0 != digest {
            return self.fail(
                format!("the program of {name} does not match its digest"),
                cx,
            );
        }
        let short = Digest(digest).prefix();
        let line = format!("{name}: got container of {size} bytes, digest {short:016x}");
        cx.tally.note(line);
        self.succeed(cx);
    }

    fn activated(&mut self, cx: &mut Context<'_>) {
        let (content, bytes) = self.sent();
        let short = Digest::of(bytes).prefix();
        let size = count(bytes);
        let name = cx.name_of(self.server);
        let line = format!("{name} accepted {content} of {size} bytes, digest {short:016x}");
        cx.tally.note(line);
        self.stage = Stage::Check;
        self.next_at = cx.now() + CHECK_PERIOD;
    }

    fn ordered(&mut self, at: usize, cx: &mut Context<'_>) {
        let orders = self.orders();
        let (text, is_last) = (orders[at].deed(), at + 1 == orders.len());
        let name = cx.name_of(self.server);
        let text = text.expect("an order is complete by itself");
        cx.tally.note(format!("{name}: {text}, acknowledged"));
        if !is_last {
            self.stage = Stage::Order(at + 1);
        } else if self.effect == Effect::Acknowledged {
            self.succeed(cx);
        } else {
            self.stage = Stage::Check;
        }
    }

    /// Looks whether what was asked for is so.
    fn check(&mut self, status: &Status<'_>, cx: &mut Context<'_>) {
        let name = cx.name_of(self.server);
        if self.effect.is_in(status) {
            let running = format!("mode {}, firmware {}", status.mode, status.firmware);
            let digest = Digest(status.program_digest).prefix();
            cx.tally
                .note(format!("{name}: program digest {digest:016x}, {running}"));
            return self.succeed(cx);
        }
        self.checks += 1;
        if !status.is_changing {
            return self.fail(
                format!("{name} acknowledged, but it did not take effect"),
                cx,
            );
        }
        if self.checks >= CHECKS_MAX {
            return self.fail(format!("{name} is still changing"), cx);
        }
        self.next_at = cx.now() + CHECK_PERIOD;
    }

    fn succeed(&mut self, cx: &mut Context<'_>) {
        cx.took_hold();
        self.done = true;
        self.stage = Stage::Release;
    }

    fn fail(&mut self, line: String, cx: &mut Context<'_>) {
        cx.tally.note(line.clone());
        self.failed.get_or_insert(line);
        self.tries = 0;
        self.stage = if self.id == 0 || self.stage == Stage::Release {
            Stage::Over
        } else {
            Stage::Release
        };
    }

    pub(crate) fn stop(&mut self, cx: &mut Context<'_>) -> Progress {
        self.session.end(cx);
        Progress::Ended(self.verdict())
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match &self.failed {
            _ if self.done => Verdict::succeeded(),
            Some(reason) => Verdict::failed(reason.clone()),
            None => Verdict::failed("the session was left before its work was done"),
        }
    }
}

/// Length of a program, firmware or block; all are bounded far below the limit of the type.
fn count(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("programs and firmware are bounded")
}

/// The block that begins at an offset.
fn block(bytes: &[u8], offset: u32) -> &[u8] {
    let start = usize::try_from(offset).expect("an offset in memory");
    let rest = bytes.get(start..).unwrap_or_default();
    &rest[..rest.len().min(BLOCK_MAX_BYTES)]
}
