//! What the wiring test found: three questions per sensor, and a verdict.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use twinrange_bridge::{DefenseError, Wants};
use twinrange_score::alert::{Action, Alert, Kind};

use super::telemetry::{Telemetry, is_modbus};

/// An answer, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) answer: Answer,
    /// What it rests on, or why nothing tells.
    pub(crate) because: String,
}

/// Yes, no, or nothing tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Yes,
    No,
    Unknown,
}

impl Answer {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "cannot tell",
        }
    }
}

fn told(answer: Answer, because: impl Into<String>) -> Told {
    Told {
        answer,
        because: because.into(),
    }
}

/// A source of evidence, and what the tool made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sensor {
    /// `span cell`, `tags`, `logs`, or `cables` in which it stands.
    pub(crate) sensor: String,
    /// Frames, samples or lines that it had.
    pub(crate) offered: u64,
    /// Whether the tool got them.
    pub(crate) saw: Told,
    /// Whether it understood them.
    pub(crate) parsed: Told,
    /// Whether it can raise an alert about them.
    pub(crate) alerts: Told,
}

/// Why a tool that raised nothing raised nothing, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// It saw no packet at all, or none of a connection.
    NoPackets,
    /// It dropped what it saw because of checksums.
    Checksums,
    /// It saw packets and no protocol in them.
    ParserOff,
    /// It understands, and has no rules.
    NoRules,
    /// It has rules, and none is about what happened.
    NothingFits,
    /// It says nothing of what it saw.
    Untold,
}

/// What the test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) defense: String,
    pub(crate) scenario: String,
    pub(crate) seed: u64,
    /// Simulated length of the session, s.
    pub(crate) session_s: u64,
    /// Address of the stranger, which is in no inventory.
    pub(crate) stranger: Ipv4Addr,
    /// Network on which the stranger was.
    pub(crate) network: String,
    /// Whether the frames had the checksums that a sender leaves to its network card.
    pub(crate) offload: bool,
    pub(crate) sensors: Vec<Sensor>,
    /// Alerts that were raised.
    pub(crate) alerts: u64,
    /// Those of them that name the stranger or, where times are those of the plant, came with or after the stimulus.
    pub(crate) of_stimulus: u64,
    /// Actions that were asked for.
    pub(crate) actions: u64,
    /// Whether the tool was heard at all.
    pub(crate) wired: bool,
    /// The likely reason, where it was not, or where it says itself that it understood nothing.
    pub(crate) reason: Option<Reason>,
    /// The figures behind the reason, in words.
    pub(crate) because: Option<String>,
}

/// What a tool had and did in the session.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    /// The SPAN ports and how many frames each had.
    pub(super) spans: Vec<(String, u64)>,
    /// The SPAN port of the stranger's network.
    pub(super) span: Option<String>,
    pub(super) tags: u64,
    pub(super) logs: u64,
    /// Frames in the cables in which it stands, if it does.
    pub(super) cables: Option<u64>,
    /// What a lock-step tool asked for. `None`: it reads files, and takes what it likes.
    pub(super) wants: Option<Wants>,
    pub(super) said: &'a [Alert],
    pub(super) telemetry: Telemetry,
    /// Names of the stranger: addresses.
    pub(super) stranger: [String; 2],
    /// When the stimulus began, ns; `None` where the tool's times are not the plant's.
    pub(super) begins_ns: Option<u64>,
}

/// Which sensor an alert rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Span(String),
    Tags,
    Logs,
    Cables,
}

impl Evidence<'_> {
    fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.said.iter().filter(|one| one.kind == Kind::Alert)
    }

    fn names_stranger(&self, alert: &Alert) -> bool {
        let is = |name: &str| {
            self.stranger
                .iter()
                .any(|own| own.eq_ignore_ascii_case(name))
        };
        alert.asset_names().any(is)
    }

    fn is_of_stimulus(&self, alert: &Alert) -> bool {
        self.names_stranger(alert) || self.begins_ns.is_some_and(|at| alert.t_ns >= at)
    }

    /// The sensor that an alert rests on, where that can be told.
    fn source(&self, alert: &Alert) -> Option<Source> {
        if let Some(span) = alert.span.clone() {
            return Some(Source::Span(span));
        }
        let wants_frames = self.wants.is_none_or(|wants| wants.frames);
        let on_a_wire = || match self.cables {
            Some(_) if !wants_frames || alert.action == Action::Blocked => Some(Source::Cables),
            _ => self.span.clone().map(Source::Span),
        };
        match self.wants {
            Some(Wants {
                frames: true,
                tags: false,
                logs: false,
            }) => on_a_wire(),
            Some(Wants {
                frames: false,
                tags: true,
                logs: false,
            }) if self.cables.is_none() => Some(Source::Tags),
            Some(Wants {
                frames: false,
                tags: false,
                logs: true,
            }) if self.cables.is_none() => Some(Source::Logs),
            // What has ports or is about a protocol was on a wire.
            _ if alert.src.port.is_some() || alert.dst.port.is_some() || alert.proto.is_some() => {
                on_a_wire()
            }
            _ => None,
        }
    }

    fn count(&self, source: &Source) -> u64 {
        let rests = self
            .alerts()
            .filter(|one| self.source(one).as_ref() == Some(source));
        u64::try_from(rests.count()).expect("alerts are counted")
    }

    fn can_alert(&self, source: &Source) -> Told {
        match self.count(source) {
            0 if self.alerts().next().is_none() => told(Answer::No, "it raised no alert"),
            0 => told(Answer::Unknown, "its alerts name no such sensor"),
            n => told(Answer::Yes, format!("{n} alerts rest on it")),
        }
    }

    fn of_span(&self, name: &str, offered: u64) -> Sensor {
        let source = Source::Span(name.to_owned());
        let alerts = self.can_alert(&source);
        let is_probed = self.span.as_deref() == Some(name);
        let (saw, parsed) = match self.wants {
            Some(wants) if !wants.frames => unused("frames"),
            Some(_) => (self.handed_over(offered), self.understood(&source)),
            None if alerts.answer == Answer::Yes => (
                told(Answer::Yes, "it raised alerts"),
                self.understood(&source),
            ),
            None if !is_probed => untouched(),
            None => (self.saw_packets(), self.understood(&source)),
        };
        Sensor {
            sensor: format!("span {name}"),
            offered,
            saw,
            parsed,
            alerts,
        }
    }

    fn handed_over(&self, offered: u64) -> Told {
        match offered {
            0 => told(Answer::No, "there was nothing to see"),
            _ => told(Answer::Yes, "it answered every interval that carried them"),
        }
    }

    fn saw_packets(&self) -> Told {
        let Telemetry {
            packets, records, ..
        } = self.telemetry;
        match (packets, records) {
            (Some(0), 0) => told(Answer::No, "by its own counter it decoded no packet"),
            (Some(n), _) if n > 0 => told(
                Answer::Yes,
                format!("by its own counter it decoded {n} packets"),
            ),
            (_, 0) => told(
                Answer::Unknown,
                "it leaves neither counters nor records of connections",
            ),
            (_, n) => told(
                Answer::Yes,
                format!("it left {n} records of connections and messages"),
            ),
        }
    }

    fn understood(&self, source: &Source) -> Told {
        let by_alert = self
            .said
            .iter()
            .any(|one| is_modbus(one) && self.source(one).as_ref() == Some(source));
        match self.telemetry.modbus {
            _ if by_alert => told(Answer::Yes, "a record of it is about Modbus"),
            Some(0) => told(Answer::No, "by its own counter it found no Modbus"),
            Some(n) => told(Answer::Yes, format!("by its own account Modbus, {n} times")),
            None if self.telemetry.packets == Some(0) => told(Answer::No, "it saw nothing"),
            None => told(Answer::Unknown, "nothing that it left names a protocol"),
        }
    }

    fn of_records(&self, source: &Source, offered: u64) -> Sensor {
        let (name, is_wanted) = match source {
            Source::Tags => ("tags", self.wants.map(|wants| wants.tags)),
            _ => ("logs", self.wants.map(|wants| wants.logs)),
        };
        let alerts = self.can_alert(source);
        let unread = || told(Answer::Unknown, "it reads files, and nobody sees which");
        let (saw, parsed) = match (is_wanted, alerts.answer) {
            (Some(false), _) => unused(name),
            (_, Answer::Yes) => (
                told(Answer::Yes, "it raised alerts"),
                told(Answer::Yes, "it raised alerts"),
            ),
            (Some(true), _) => (
                self.handed_over(offered),
                told(Answer::Unknown, "it says nothing of it"),
            ),
            (None, _) => (unread(), unread()),
        };
        Sensor {
            sensor: name.to_owned(),
            offered,
            saw,
            parsed,
            alerts,
        }
    }

    fn of_cables(&self, offered: u64) -> Sensor {
        let saw = match offered {
            0 => told(Answer::No, "no frame came over them"),
            _ => told(Answer::Yes, "it gave a verdict on each frame"),
        };
        Sensor {
            sensor: "cables".to_owned(),
            offered,
            saw,
            parsed: self.understood(&Source::Cables),
            alerts: self.can_alert(&Source::Cables),
        }
    }

    /// The sensors, one by one.
    pub(super) fn sensors(&self) -> Vec<Sensor> {
        let spans = self.spans.iter();
        let mut sensors: Vec<Sensor> = spans.map(|(name, n)| self.of_span(name, *n)).collect();
        sensors.push(self.of_records(&Source::Tags, self.tags));
        sensors.push(self.of_records(&Source::Logs, self.logs));
        sensors.extend(self.cables.map(|offered| self.of_cables(offered)));
        sensors
    }

    /// Number of alerts, and of those about the stimulus.
    pub(super) fn counts(&self) -> (u64, u64) {
        let of_stimulus = self.alerts().filter(|one| self.is_of_stimulus(one)).count();
        let count = |n: usize| u64::try_from(n).expect("alerts are counted");
        (count(self.alerts().count()), count(of_stimulus))
    }

    /// Whether nothing says that the tool did not understand a thing.
    pub(super) fn has_understood(&self) -> bool {
        self.telemetry.modbus != Some(0) || self.said.iter().any(is_modbus)
    }

    /// The likely reason of silence, and the figures behind it.
    pub(super) fn reason(&self) -> (Reason, String) {
        let Telemetry {
            packets,
            connections,
            bad_checksums,
            modbus,
            rules,
            rules_failed,
            records,
        } = self.telemetry;
        let failed = match rules_failed {
            Some(n @ 1..) => format!("; {n} rules could not be loaded"),
            _ => String::new(),
        };
        if let Some(wants) = self.wants {
            let words = [
                (wants.frames, "frames"),
                (wants.tags, "tags"),
                (wants.logs, "log lines"),
                (self.cables.is_some(), "frames in cables"),
            ];
            let words: Vec<&str> = words
                .iter()
                .filter(|(is, _)| *is)
                .map(|(_, w)| *w)
                .collect();
            let because = format!(
                "it was handed {} and answered every interval with nothing",
                words.join(", ")
            );
            return (Reason::NothingFits, because);
        }
        match (packets, bad_checksums, modbus, rules) {
            (Some(0), ..) if records == 0 => (
                Reason::NoPackets,
                "it read no packet, by its own counter".to_owned(),
            ),
            (Some(packets), Some(bad), ..) if bad > 0 && 2 * bad >= packets => (
                Reason::Checksums,
                format!("it dropped {bad} of {packets} packets because of their checksums"),
            ),
            (Some(packets), ..) if connections == Some(0) => (
                Reason::NoPackets,
                format!("it read {packets} packets, and no connection is in them"),
            ),
            (_, _, Some(0), _) => (
                Reason::ParserOff,
                format!(
                    "it read {} and found no Modbus in them{failed}",
                    amount(packets, records)
                ),
            ),
            (_, _, _, Some(0)) => (
                Reason::NoRules,
                format!(
                    "it read {} and has no rule loaded{failed}",
                    amount(packets, records)
                ),
            ),
            (_, _, _, Some(rules)) => (
                Reason::NothingFits,
                format!(
                    "it read {} with {rules} rules, of which none fits{failed}",
                    amount(packets, records)
                ),
            ),
            (_, _, None, None) if records > 0 => (
                Reason::ParserOff,
                format!("it left {records} records of connections, and none is about Modbus"),
            ),
            (_, _, Some(_), None) => (
                Reason::NoRules,
                format!(
                    "it understood Modbus in {} and raised nothing",
                    amount(packets, records)
                ),
            ),
            _ => (
                Reason::Untold,
                "it left nothing that tells whether it saw anything".to_owned(),
            ),
        }
    }
}

fn amount(packets: Option<u64>, records: u64) -> String {
    packets.map_or_else(
        || format!("{records} connections and messages"),
        |n| format!("{n} packets"),
    )
}

fn unused(what: &str) -> (Told, Told) {
    let because = format!("it did not ask for {what}");
    (told(Answer::No, because.clone()), told(Answer::No, because))
}

fn untouched() -> (Told, Told) {
    let because = "the stranger was on another network; see --network";
    (
        told(Answer::Unknown, because),
        told(Answer::Unknown, because),
    )
}

impl Reason {
    /// What to do, for people.
    fn hint(self) -> &'static str {
        match self {
            Self::NoPackets => {
                "wrong interface or file: let the tool read the SPAN port (offline: {evidence}/span-NAME.pcapng), \
                 and look for a capture filter that matches nothing"
            }
            Self::Checksums => {
                "checksum offload: the sender left checksums to its network card, and the tool drops what it takes for \
                 damaged; switch the tool's check off (Suricata: -k none) or the offload (ethtool -K IF tx off)"
            }
            Self::ParserOff => {
                "the protocol parser is off or looks at another port: Suricata's stock file has \
                 app-layer.protocols.modbus.enabled: no, and detection-ports must have the plant's port 502"
            }
            Self::NoRules => {
                "no rules: check the path of the rule file, and whether the rules of this protocol are enabled"
            }
            Self::NothingFits => {
                "its rules are about something else, its address groups are those of another plant, it still learns, \
                 or its thresholds are above what was played; a tool whose silence is an answer says \
                 `may_be_silent: true` in its RON file"
            }
            Self::Untold => {
                "the usual ones: wrong interface or file, checksum offload, protocol parser off, no rules. Name a file \
                 with the tool's counters or connections as `telemetry` in its RON file, and the range can tell"
            }
        }
    }
}

impl Report {
    /// What to do about it, where there is a reason.
    pub(crate) fn advice(&self) -> Option<String> {
        let because = self.because.as_deref()?;
        Some(format!("{because}; {}", self.reason?.hint()))
    }

    /// What is wrong with a tool that was not heard; `None` for one that was.
    pub(crate) fn failure(&self) -> Option<DefenseError> {
        if self.wired {
            return None;
        }
        let because = self.because.as_deref().unwrap_or_default();
        let why = format!(
            "it raised nothing although a stranger at {} was on network {}{}: {because}",
            self.stranger,
            self.network,
            if self.offload {
                " and checksums were left to the card"
            } else {
                ""
            }
        );
        let likely = self.reason.unwrap_or(Reason::Untold).hint().to_owned();
        Some(DefenseError::NotWired { why, likely })
    }
}
