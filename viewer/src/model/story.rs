//! What happened in a run: steps of the attack, alerts, actions, impacts; and figures at one time.

use serde::Deserialize as _;
use serde_json::Value;
use sim_kernel::time::SimDuration;
use sim_kernel::{InputRecord, SimTime};
use sim_plant::respond::Input;
use twinrange_range::evidence::EPOCH_UNIX_NS;
use twinrange_range::evidence::process::ProcessTable;
use twinrange_range::evidence::records::AttackStep;
use twinrange_range::problem::Problems;
use twinrange_range::run_folder::{RunFolder, paths};
use twinrange_range::scenario::{Constraint, Scenario};
use twinrange_range::twin::{self, Impact};
use twinrange_score::continuity::{self, Prices, Production};
use twinrange_score::margin::Margin;

use super::account::{self, Account};

/// A step of the attack.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// A few words.
    pub title: String,
    /// What it does, in plain words.
    pub plain: String,
    /// From when to when, ns; none if it was never reached.
    pub span_ns: Option<(u64, u64)>,
}

/// What a mark on the timeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// A step of the attack.
    Attack,
    /// An alert that belongs to the attack, or is not judged yet.
    Alert,
    /// An alert that belongs to nothing.
    FalseAlert,
    /// An action of the defense takes effect.
    Action,
    /// The latest order of a response that still prevents a loss.
    NoReturn,
    /// Something that must not happen.
    Impact,
    /// An alarm on a screen, or what an operator did.
    Plant,
}

/// Something at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// What it is.
    pub kind: MarkKind,
    /// From when, ns.
    pub from_ns: u64,
    /// Until when, ns; the same for a moment.
    pub to_ns: u64,
    /// What people read.
    pub text: String,
    /// The column of the physical truth that it is about, if it is about one.
    pub column: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Title of the scenario.
    pub title: String,
    /// What it is about, in plain words.
    pub summary: String,
    /// Name of the defense, if there is one.
    pub defense: Option<String>,
    /// Planned length, ns.
    pub duration_ns: u64,
    /// The steps of the attack, in the order of the playbook.
    pub steps: Vec<Step>,
    /// Everything with a time, in order of time.
    pub marks: Vec<Mark>,
    /// What things are worth.
    pub prices: Option<Prices>,
    /// What this run has produced.
    pub account: Option<Account>,
    /// What the same seed has produced without an attack and without a defense, once that is known.
    pub twin: Option<Account>,
    /// What must not happen.
    constraints: Vec<Constraint>,
}

/// Figures at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Overall equipment effectiveness so far, 0 to 1; none before anything was produced.
    pub oee: Option<f64>,
    /// Good parts so far.
    pub good: u64,
    /// Bad parts that reached a customer.
    pub bad_shipped: u64,
    /// Time in which people were at risk, s.
    pub unsafe_s: f64,
    /// What was lost against the run without an attack, in the currency of the prices; none while that is unknown.
    pub loss: Option<f64>,
    /// Good parts that the run without an attack has more.
    pub parts_lost: Option<i64>,
}

impl Story {
    /// Reads the story of a run folder. `process` is the physical truth in it.
    ///
    /// # Errors
    ///
    /// Every file that is missing or damaged.
    pub fn open(
        folder: &RunFolder,
        scenario: &Scenario,
        process: &ProcessTable,
    ) -> Result<Self, Problems> {
        let manifest = folder.manifest();
        let production = manifest.notes.get("production");
        let per_item = production.and_then(|notes| notes["run_time_per_item_s"].as_f64());
        let mut story = Self {
            defense: manifest.options.defense.clone(),
            duration_ns: manifest.options.duration_ns,
            ..Self::of_scenario(scenario)
        };
        let end_ns = manifest.simulated_ns;
        let mut account = Account {
            production: folder.production()?,
            damages: twin::damages(process, &scenario.constraints),
            ..Account::begun(per_item.unwrap_or(0.0))
        };
        for input in folder.records::<InputRecord<Input>>(paths::INPUTS)? {
            if let Some(action) = input.input.action() {
                account.respond(input.time.as_nanos(), action, &scenario.prices);
            }
        }
        story.account = Some(account);
        story.add_attack(&folder.attack()?, end_ns);
        story.add_impacts(&folder.impacts()?, scenario, end_ns);
        let score = std::fs::read_to_string(folder.locate("score/score.json"));
        let score = score.ok().and_then(|text| serde_json::from_str(&text).ok());
        story.add_alerts(folder, score.as_ref())?;
        if let Some(score) = &score {
            story.add_margin(score);
        }
        if folder.locate(paths::ACTIONS).exists() {
            let actions: Vec<Value> = folder.records(paths::ACTIONS)?;
            story.add_actions(&actions, end_ns);
        }
        for line in folder.syslog()? {
            story.add_log_line(&line);
        }
        story.sort();
        Ok(story)
    }

    /// The story of a scenario that begins to be simulated.
    #[must_use]
    pub fn begun(scenario: &Scenario, run_time_per_item_s: f64) -> Self {
        Self {
            account: Some(Account::begun(run_time_per_item_s)),
            ..Self::of_scenario(scenario)
        }
    }

    /// Goes on with what has happened since. `process` is the physical truth so far.
    pub fn go_on(
        &mut self,
        steps: &[AttackStep],
        log: &[String],
        production: &[(u64, [f64; 8])],
        process: &ProcessTable,
        end_ns: u64,
    ) {
        // Hand-overs come more often than samples where a session is followed.
        if production.is_empty() && log.is_empty() {
            return;
        }
        self.marks.retain(|mark| mark.kind != MarkKind::Attack);
        self.steps.clear();
        self.add_attack(steps, end_ns);
        for line in log {
            self.add_log_line(line);
        }
        self.sort();
        if let Some(account) = &mut self.account {
            for (t_ns, row) in production {
                account.production.push(*t_ns, row);
            }
            account.damages = twin::damages(process, &self.constraints);
        }
    }

    fn add_log_line(&mut self, line: &str) {
        self.marks.extend(plant_mark(line));
    }

    fn sort(&mut self) {
        self.marks.sort_by_key(|mark| (mark.from_ns, mark.kind));
    }

    /// The story of a run that is about to begin.
    #[must_use]
    pub fn of_scenario(scenario: &Scenario) -> Self {
        Self {
            title: scenario.title.clone(),
            summary: scenario.summary.clone(),
            duration_ns: scenario.duration.as_nanos(),
            prices: Some(account::prices(&scenario.prices)),
            constraints: scenario.constraints.clone(),
            ..Self::default()
        }
    }

    fn add_attack(&mut self, steps: &[AttackStep], end_ns: u64) {
        for step in steps {
            let from = step.started_at.map(SimTime::as_nanos);
            let to = step.ended_at.map_or(end_ns, SimTime::as_nanos);
            let span_ns = from.map(|from| (from, to.max(from)));
            if let Some((from_ns, to_ns)) = span_ns {
                self.marks.push(Mark {
                    kind: MarkKind::Attack,
                    from_ns,
                    to_ns,
                    text: step.title.clone(),
                    column: None,
                });
            }
            self.steps.push(Step {
                title: step.title.clone(),
                plain: step.plain.clone(),
                span_ns,
            });
        }
    }

    fn add_impacts(&mut self, impacts: &[Impact], scenario: &Scenario, end_ns: u64) {
        for impact in impacts {
            let Impact::Violation(violation) = impact else {
                continue;
            };
            let constraint = scenario
                .constraints
                .iter()
                .find(|constraint| constraint.name == violation.constraint);
            let text = constraint.map_or(&violation.constraint, |found| &found.description);
            self.marks.push(Mark {
                kind: MarkKind::Impact,
                from_ns: violation.violated_ns,
                to_ns: violation
                    .end_ns
                    .unwrap_or(end_ns)
                    .max(violation.violated_ns),
                text: text.clone(),
                column: Some(violation.column.clone()),
            });
        }
    }

    /// Alarms as the score judged them; where there is no score yet, alerts as they came.
    fn add_alerts(&mut self, folder: &RunFolder, score: Option<&Value>) -> Result<(), Problems> {
        let alarms = score.and_then(|score| score["detection"]["alarms"].as_array());
        if let Some(alarms) = alarms {
            for alarm in alarms {
                let at = |field: &str| alarm[field].as_u64().unwrap_or(0);
                let is_false = alarm["verdict"].as_str() == Some("false");
                self.marks.push(Mark {
                    kind: if is_false {
                        MarkKind::FalseAlert
                    } else {
                        MarkKind::Alert
                    },
                    from_ns: at("first_ns"),
                    to_ns: at("last_ns"),
                    text: names(&alarm["signatures"]).join(", "),
                    column: None,
                });
            }
            return Ok(());
        }
        for alert in folder.alerts()? {
            let name = alert.rest.get("sig_name").and_then(Value::as_str);
            self.add_alert(alert.t_ns, name.unwrap_or(&alert.sig_id));
        }
        Ok(())
    }

    /// An alert that nobody has judged yet.
    fn add_alert(&mut self, t_ns: u64, name: &str) {
        self.marks.push(Mark {
            kind: MarkKind::Alert,
            from_ns: t_ns,
            to_ns: t_ns,
            text: name.to_owned(),
            column: None,
        });
    }

    /// When each loss could last be prevented, as a score with its further runs knows it.
    fn add_margin(&mut self, score: &Value) {
        let margin = Margin::deserialize(&score["margin"]);
        // A score of `--quick` has none.
        let Ok(margin) = margin else { return };
        for loss in &margin.losses {
            let text = match (loss.point_of_no_return_ns, loss.alert_margin_s) {
                (None, _) => format!(
                    "No order of the response that was tried prevents it, even at the first frame: {}",
                    loss.label
                ),
                (Some(_), None) => format!(
                    "Too late from here on, and nobody has raised an alert: {}",
                    loss.label
                ),
                (Some(_), Some(margin_s)) => {
                    let side = if margin_s < 0.0 {
                        "after it"
                    } else {
                        "before it"
                    };
                    let length = SimDuration::from_secs_f64(margin_s.abs().round());
                    format!(
                        "Too late from here on: {}. The first alert comes {length} {side}",
                        loss.label
                    )
                }
            };
            let at = loss.point_of_no_return_ns.unwrap_or(margin.attack_ns);
            self.marks.push(Mark {
                kind: MarkKind::NoReturn,
                from_ns: at,
                to_ns: at,
                text,
                column: None,
            });
        }
    }

    /// Takes alerts and actions of a session that is followed.
    pub fn hear(&mut self, alerts: &[Value], actions: &[Value], end_ns: u64) {
        for alert in alerts {
            let text = |key: &str| alert[key].as_str();
            let name = text("sig_name").or(text("sig_id")).unwrap_or("alert");
            self.add_alert(alert["t_ns"].as_u64().unwrap_or(end_ns), name);
        }
        self.add_actions(actions, end_ns);
        if !(alerts.is_empty() && actions.is_empty()) {
            self.sort();
        }
    }

    fn add_actions(&mut self, actions: &[Value], end_ns: u64) {
        for line in actions {
            let (action, result) = (&line["action"], &line["result"]);
            if result["status"] != "accepted" {
                continue;
            }
            let verb = action["action"].as_str().unwrap_or("action");
            let from_ns = result["effective_ns"].as_u64().unwrap_or(0);
            let to_ns = result["until_ns"].as_u64().unwrap_or(end_ns);
            let target = &action["target"];
            self.marks.push(Mark {
                kind: MarkKind::Action,
                from_ns,
                to_ns: to_ns.max(from_ns),
                text: format!("{verb} {}", texts_in(target).join(" ")),
                column: None,
            });
        }
    }

    /// The steps of the attack that are under way.
    pub fn steps_at(&self, t_ns: u64) -> impl Iterator<Item = (usize, &Step)> {
        self.steps.iter().enumerate().filter(move |(_, step)| {
            step.span_ns
                .is_some_and(|(from, to)| from <= t_ns && t_ns <= to)
        })
    }

    /// The marks of a kind that are under way or begin in the `within_ns` before.
    pub fn marks_at(&self, t_ns: u64, within_ns: u64) -> impl Iterator<Item = &Mark> {
        let last = self.marks.partition_point(|mark| mark.from_ns <= t_ns);
        self.marks[..last]
            .iter()
            .filter(move |mark| mark.to_ns >= t_ns || mark.from_ns + within_ns >= t_ns)
    }

    /// The last mark before a time, or the next one behind it, of what moves the story on.
    #[must_use]
    pub fn next_mark(&self, t_ns: u64, forward: bool) -> Option<u64> {
        let moves = |mark: &&Mark| mark.kind != MarkKind::Plant;
        let mut times = self.marks.iter().filter(moves).map(|mark| mark.from_ns);
        if forward {
            times.find(|time| *time > t_ns)
        } else {
            times.take_while(|time| *time < t_ns).last()
        }
    }

    /// Figures at a time.
    #[must_use]
    pub fn figures(&self, t_ns: u64) -> Figures {
        let Some(made) = self.account.as_ref().and_then(|account| account.at(t_ns)) else {
            return Figures::default();
        };
        let twin = self.twin.as_ref().and_then(|twin| twin.at(t_ns));
        let pair = twin.as_ref().zip(self.prices.as_ref());
        let parts = |run: &Production| i64::try_from(run.good).unwrap_or(i64::MAX);
        Figures {
            oee: continuity::oee(&made).oee.value,
            good: made.good,
            bad_shipped: made.bad_shipped,
            unsafe_s: made.unsafe_s,
            loss: pair.map(|(twin, prices)| {
                continuity::money(twin, prices) - continuity::money(&made, prices)
            }),
            parts_lost: twin.as_ref().map(|twin| parts(twin) - parts(&made)),
        }
    }
}

fn names(list: &Value) -> Vec<String> {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The texts in a target, one after the other.
fn texts_in(target: &Value) -> Vec<String> {
    match target {
        Value::String(text) => vec![text.clone()],
        Value::Object(fields) => fields.values().flat_map(texts_in).collect(),
        Value::Array(items) => items.iter().flat_map(texts_in).collect(),
        _ => Vec::new(),
    }
}

/// An alarm or an operator's act from a line of the log.
fn plant_mark(line: &str) -> Option<Mark> {
    let mut words = line.splitn(8, ' ');
    let (_, stamp, host) = (words.next()?, words.next()?, words.next()?);
    let (app, _, kind, _) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let text = words.next()?;
    let tells = match (app, kind) {
        ("hmi", "ALARM") => format!("{host} alarm: {text}"),
        ("hmi", "WRITE") => format!("operator at {host}: {text}"),
        ("plc", "FAULT" | "TAKEOVER" | "MODE") => format!("{host}: {text}"),
        _ => return None,
    };
    let at = stamp_ns(stamp)?;
    Some(Mark {
        kind: MarkKind::Plant,
        from_ns: at,
        to_ns: at,
        text: tells,
        column: None,
    })
}

/// The simulated time of a stamp such as `2026-01-05T06:05:00.137868Z`.
fn stamp_ns(stamp: &str) -> Option<u64> {
    let time = chrono::DateTime::parse_from_rfc3339(stamp).ok()?;
    let unix_ns = u64::try_from(time.timestamp_nanos_opt()?).ok()?;
    unix_ns.checked_sub(EPOCH_UNIX_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamp_when_read_then_time_since_the_start() {
        assert_eq!(stamp_ns("2026-01-05T06:00:00.000000Z"), Some(0));
        assert_eq!(
            stamp_ns("2026-01-05T06:05:00.137868Z"),
            Some(300_137_868_000)
        );
        assert_eq!(
            stamp_ns("2026-03-01T06:00:00Z"),
            Some(55 * 86_400_000_000_000)
        );
        assert_eq!(stamp_ns("2025-12-31T06:00:00Z"), None);
        assert_eq!(stamp_ns("yesterday"), None);
    }

    #[test]
    fn log_line_when_an_alarm_then_a_mark_and_else_none() {
        let line =
            "<132>1 2026-01-05T06:05:00.000000Z hmi-1 hmi - ALARM - limit-low Medium: too low";
        let mark = plant_mark(line).expect("an alarm");
        assert_eq!(mark.from_ns, 300_000_000_000);
        assert_eq!(mark.text, "hmi-1 alarm: limit-low Medium: too low");
        let quiet = "<134>1 2026-01-05T06:00:02.053245Z ews-1 engineering - UPLOAD-CHECK - read";
        assert_eq!(plant_mark(quiet), None);
    }

    #[test]
    fn margin_when_known_then_each_loss_has_its_last_moment() {
        let loss = |id: &str, last_s: Option<u64>, margin_s: Option<f64>| {
            serde_json::json!({
                "id": id, "label": id, "impact_ns": 90_000_000_000_u64, "steps": [],
                "point_of_no_return_ns": last_s.map(|s| s * 1_000_000_000),
                "alert_margin_s": margin_s, "action_margin_s": null,
            })
        };
        let nothing = serde_json::to_value(twinrange_score::attribution::Amounts::default());
        let score = serde_json::json!({"margin": {
            "response": "r", "resolution_s": 1.0, "runs": 9, "attack_ns": 5_000_000_000_u64,
            "unanswered": nothing.expect("amounts encode"), "first_alert_ns": null, "first_action_ns": null,
            "losses": [
                loss("late", Some(60), Some(-12.4)), loss("early", Some(70), Some(30.0)),
                loss("deaf", Some(80), None), loss("lost", None, None),
            ],
            "curve": [],
        }});
        let mut story = Story::default();
        story.add_margin(&score);
        let told: Vec<_> = story
            .marks
            .iter()
            .map(|mark| (mark.from_ns / 1_000_000_000, mark.text.as_str()))
            .collect();
        assert!(
            story
                .marks
                .iter()
                .all(|mark| mark.kind == MarkKind::NoReturn)
        );
        assert_eq!(
            told,
            [
                (
                    60,
                    "Too late from here on: late. The first alert comes 12s after it"
                ),
                (
                    70,
                    "Too late from here on: early. The first alert comes 30s before it"
                ),
                (
                    80,
                    "Too late from here on, and nobody has raised an alert: deaf"
                ),
                (
                    5,
                    "No order of the response that was tried prevents it, even at the first frame: lost"
                ),
            ]
        );
        story.marks.clear();
        story.add_margin(&serde_json::json!({"margin": null}));
        assert!(story.marks.is_empty());
    }
}
