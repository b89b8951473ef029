//! Who loads and commands controllers, and whether these still are what they were.
//!
//! Engineering tools speak to a controller in a session behind Modbus function 90. There are three
//! sources: commands that a controller carried out, status answers (digest of the program, mode, forces,
//! scan period, firmware), and the `PROGRAM-CHECK` lines that the engineering workstation writes.
//!
//! **Invariant:** a state that was reported once is not reported again, whichever source shows it next,
//! until the controller was seen as it should be.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use sim_wire::modbus::engineering::{Activation, Answer, Command, Content, Mode, Status};
use sim_wire::modbus::{Adu, Response, function};
use sim_wire::syslog::Message;

use crate::alert::{
    End, FIRMWARE_CHANGE, FORCE_CHANGE, Finding, MODE_CHANGE, PROGRAM_CHANGE, PROGRAM_READ,
    RESTARTED, Rule, SESSION_REFUSED, TASK_CHANGE,
};

/// Most controllers, and most connections, that are remembered.
const ENTRIES: usize = 4_096;

/// A client's address and port, and the controller.
type Link = (Option<Ipv4Addr>, Option<u16>, Ipv4Addr);

/// One message of a session, a command or its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    pub(crate) learning: bool,
    /// Who asks.
    pub(crate) client: End,
    /// The controller.
    pub(crate) server: Ipv4Addr,
}

impl Talk {
    fn link(&self) -> Link {
        (self.client.ip, self.client.port, self.server)
    }

    fn finding(&self, rule: &'static Rule, detail: String, note: String) -> Finding {
        Finding {
            rule,
            src: self.client,
            dst: controller(self.server),
            detail,
            note,
        }
    }
}

fn controller(ip: Ipv4Addr) -> End {
    End {
        port: Some(sim_wire::modbus::PORT),
        ..End::ip(ip)
    }
}

/// What can be otherwise than it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Aspect {
    Program,
    Mode,
    Forces,
    Task,
    Firmware,
}

impl Aspect {
    const ALL: [Self; 5] = [
        Self::Program,
        Self::Mode,
        Self::Forces,
        Self::Task,
        Self::Firmware,
    ];

    fn rule(self) -> &'static Rule {
        match self {
            Self::Program => &PROGRAM_CHANGE,
            Self::Mode => &MODE_CHANGE,
            Self::Forces => &FORCE_CHANGE,
            Self::Task => &TASK_CHANGE,
            Self::Firmware => &FIRMWARE_CHANGE,
        }
    }

    /// The words of the workstation for it.
    fn words(self) -> &'static str {
        match self {
            Self::Program => "another program",
            Self::Mode => "not in RUN",
            Self::Forces => "forces",
            Self::Task => "another scan period",
            Self::Firmware => "another firmware",
        }
    }
}

/// The state of a controller, each aspect as a text.
type Shown = BTreeMap<Aspect, String>;

fn shown(status: &Status<'_>) -> Shown {
    BTreeMap::from([
        (Aspect::Program, short(&status.program_digest)),
        (Aspect::Mode, status.mode.to_string()),
        (Aspect::Forces, status.forces.to_string()),
        (Aspect::Task, format!("{} ms", status.scan_ms)),
        (Aspect::Firmware, status.firmware.to_owned()),
    ])
}

/// The beginning of a digest, as the workstation shows it.
fn short(digest: &[u8; 32]) -> String {
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What is known of one controller.
#[derive(Debug, Default)]
struct Known {
    /// How it should be: as it was seen last in the clean period, or else first.
    golden: Shown,
    /// Aspects that were reported to be otherwise.
    off: BTreeSet<Aspect>,
    /// What a client said that it would send.
    announced: Option<(Content, String)>,
}

/// A command whose answer is not there yet.
#[derive(Clone, Debug)]
enum Asked {
    Upload,
    Announce(Content, String),
    Activate(Activation),
    Mode(Mode),
    Restart(String),
    Force(String),
    Task(u16),
    Other,
}

/// The state of the engineering rules.
#[derive(Debug, Default)]
pub(crate) struct EngineeringWatch {
    controllers: BTreeMap<Ipv4Addr, Known>,
    asked: BTreeMap<Link, (u8, Asked)>,
    /// Client, controller and operation: what was done in the clean period.
    usual: BTreeSet<(Option<Ipv4Addr>, Ipv4Addr, u8)>,
}

impl EngineeringWatch {
    /// Takes a request to a controller.
    pub(crate) fn request(&mut self, talk: &Talk, adu: &Adu<'_>) {
        if adu.function() != function::ENGINEERING_SESSION {
            return;
        }
        let Some((_, command)) = Command::parse(adu.data()) else {
            return;
        };
        let asked = match command {
            Command::UploadBegin => Asked::Upload,
            Command::DownloadBegin {
                content, digest, ..
            } => Asked::Announce(content, short(&digest)),
            Command::Activate { how } => Asked::Activate(how),
            Command::SetMode { mode } => Asked::Mode(mode),
            Command::Restart { how } => Asked::Restart(how.to_string()),
            Command::Force(_) | Command::Unforce { .. } | Command::UnforceAll => {
                Asked::Force(command.deed().unwrap_or_default())
            }
            Command::SetScan { scan_ms } => Asked::Task(scan_ms),
            _ => Asked::Other,
        };
        let link = talk.link();
        if self.asked.len() >= ENTRIES && !self.asked.contains_key(&link) {
            self.asked.pop_first();
        }
        self.asked.insert(link, (command.operation(), asked));
    }

    /// Takes an answer of a controller.
    pub(crate) fn answer(&mut self, talk: &Talk, adu: &Adu<'_>, out: &mut Vec<Finding>) {
        let Ok(Response::Engineering(payload)) = adu.response() else {
            return;
        };
        let Some((_, answer)) = Answer::parse(payload) else {
            return;
        };
        let asked = self.asked.remove(&talk.link());
        let asked = asked.filter(|(operation, _)| *operation == answer.operation());
        match (answer, asked) {
            (Answer::Status(status), _) => self.status(talk, &status, out),
            (Answer::Refused { reason, .. }, Some((operation, _))) if !talk.learning => {
                let note = format!("operation {operation:#04x} refused: {reason}");
                let detail = format!("{operation:#04x}");
                out.push(talk.finding(&SESSION_REFUSED, detail, note));
            }
            (Answer::Refused { .. }, _) | (_, None) => {}
            (_, Some((operation, asked))) => {
                let usual = (talk.client.ip, talk.server, operation);
                if talk.learning {
                    self.usual.insert(usual);
                }
                let is_usual = self.usual.contains(&usual);
                self.carried_out(talk, asked, is_usual, out);
            }
        }
    }

    fn known(&mut self, server: Ipv4Addr) -> &mut Known {
        if self.controllers.len() >= ENTRIES && !self.controllers.contains_key(&server) {
            self.controllers.pop_first();
        }
        self.controllers.entry(server).or_default()
    }

    /// A command that a controller has carried out.
    fn carried_out(&mut self, talk: &Talk, asked: Asked, is_usual: bool, out: &mut Vec<Finding>) {
        let known = self.known(talk.server);
        let golden = |aspect| known.golden.get(&aspect).map_or("unknown", String::as_str);
        let (aspect, rule, detail, note) = match asked {
            Asked::Other => return,
            Asked::Announce(content, digest) => {
                known.announced = Some((content, digest));
                return;
            }
            Asked::Upload => {
                let note = "the whole program was read".to_owned();
                (None, &PROGRAM_READ, String::new(), note)
            }
            Asked::Activate(how) => {
                let Some((content, digest)) = known.announced.clone() else {
                    return;
                };
                if content == Content::Program && golden(Aspect::Program) == digest {
                    known.off.remove(&Aspect::Program);
                    return; // The program that should be there.
                }
                let aspect = match content {
                    Content::Program => Aspect::Program,
                    Content::Firmware => Aspect::Firmware,
                };
                let before = golden(aspect);
                let note = format!("{content} {digest} loaded ({how}); before: {before}");
                (Some(aspect), aspect.rule(), digest, note)
            }
            Asked::Mode(mode) => {
                let note = format!("mode {mode} commanded");
                (Some(Aspect::Mode), &MODE_CHANGE, mode.to_string(), note)
            }
            Asked::Restart(how) => (None, &RESTARTED, String::new(), format!("{how} restart")),
            Asked::Force(what) => (Some(Aspect::Forces), &FORCE_CHANGE, what.clone(), what),
            Asked::Task(scan_ms) => {
                let before = golden(Aspect::Task);
                let note = format!("scan period set to {scan_ms} ms; before: {before}");
                (Some(Aspect::Task), &TASK_CHANGE, scan_ms.to_string(), note)
            }
        };
        let is_change = matches!(aspect, Some(Aspect::Program | Aspect::Firmware));
        if is_usual && !is_change {
            return;
        }
        known.off.extend(aspect);
        out.push(talk.finding(rule, detail, note));
    }

    /// What a controller says of itself. Whoever asked, the answer is the controller's.
    fn status(&mut self, talk: &Talk, status: &Status<'_>, out: &mut Vec<Finding>) {
        if status.is_changing {
            return;
        }
        let now = shown(status);
        let known = self.known(talk.server);
        if talk.learning || known.golden.is_empty() {
            known.golden = now;
            return;
        }
        for aspect in Aspect::ALL {
            let (should, is) = (&known.golden[&aspect], &now[&aspect]);
            if should == is {
                known.off.remove(&aspect);
            } else if known.off.insert(aspect) {
                let note = format!("the controller says {is}; it should be {should}");
                let finding = Finding {
                    src: End::default(),
                    ..talk.finding(aspect.rule(), is.clone(), note)
                };
                out.push(finding);
            }
        }
    }

    /// Takes a line of the log; findings for what the workstation has found and nobody has reported yet.
    ///
    /// # Arguments
    ///
    /// * `address_of` — address of the host with a name, if there is one.
    pub(crate) fn log_line(
        &mut self,
        learning: bool,
        line: &str,
        address_of: impl Fn(&str) -> Option<Ipv4Addr>,
        out: &mut Vec<Finding>,
    ) {
        let Ok(message) = Message::parse(line) else {
            return;
        };
        if message.msg_id.as_deref() != Some("PROGRAM-CHECK") {
            return;
        }
        let Some((name, differences)) = message.text.split_once(" differs from the project: ")
        else {
            return;
        };
        let Some(server) = address_of(name) else {
            return;
        };
        let known = self.known(server);
        for aspect in Aspect::ALL {
            let is_told = differences.split(", ").any(|what| what == aspect.words());
            if is_told && known.off.insert(aspect) && !learning {
                out.push(Finding {
                    rule: aspect.rule(),
                    src: End::default(),
                    dst: controller(server),
                    detail: "project".to_owned(),
                    note: format!("the workstation found: {}", aspect.words()),
                });
            }
        }
    }
}
