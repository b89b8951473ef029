//! What the oracle among the yardsticks is told: the truth of the run that it is about to watch.
//!
//! Three things are played for it. Run A gives the steps of the attack; from them comes the ideal response
//! ([`super::ideal`]); and the attack is played again with that response, which shows the steps that still
//! happen, each with its first frame. The run with the oracle then is that last one, so every alert is
//! right. Without an attack there is nothing to tell, and the oracle is silent.
//!
//! **Invariant:** only the oracle of this program is told. Its description must be the built-in one, letter
//! by letter, so that no description of somebody else's can ask for a script.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::observe::Keep;
use sim_plant::respond;
use twinrange_attacks::StepRecord;
use twinrange_bridge::answer::{Action, ActionArgs, Target, Verb};
use twinrange_range::evidence::records::Asset;
use twinrange_range::session::{Session, SessionOptions, simulate};
use twinrange_yardsticks::Script;
use twinrange_yardsticks::script::{Line, Say};

use super::actions;
use super::execution::Order;
use super::failure::Failure;
use super::ideal::{Asked, first_step_at, ideal_response};

/// What a reader of the oracle's score must know.
pub(crate) const CAVEAT: &str = "The oracle was told the truth by the range: its figures are a bound for others, and no \
     defense that could be bought.";

/// Most techniques in an alert; one that names more counts as naming none.
const TECHNIQUES: usize = 5;

/// A frame of the attack on a SPAN port.
struct Sighting {
    span: String,
    number: u64,
    at: SimTime,
}

/// What the oracle is to say in a run.
///
/// # Arguments
///
/// * `interval` — time between two exchanges: actions are taken at the ends of intervals only.
///
/// # Errors
///
/// What is wrong with the plant, or that the user interrupted.
pub(crate) fn script(order: &Order<'_>, interval: SimDuration) -> Result<Script, Failure> {
    let (scenario, prepared) = (&order.ready.loaded.scenario, &order.ready.prepared);
    let Some(playbook) = prepared.playbook.as_ref().filter(|_| order.attack) else {
        return Ok(Script::default());
    };
    let options = |keep| SessionOptions {
        seed: order.seed,
        attack: true,
        duration: order.duration,
        keep,
    };
    let whole = AtomicU64::new(u64::MAX);
    let undefended = simulate(scenario, prepared, options(Keep::TRUTH), &whole)?;
    let steps = &undefended.finished.steps;
    let end = SimTime::default() + order.duration;
    let asked = first_step_at(steps)
        .map(|at| ideal_response(scenario, playbook, steps, at, end))
        .unwrap_or_default();
    let asked: Vec<(SimTime, Action)> = asked.iter().enumerate().map(in_words).collect();
    let keep = Keep {
        scene: false,
        digests: false,
        ..Keep::ALL
    };
    let (steps, seen, assets) = defended(order, options(keep), interval, &asked)?;
    let alerts = steps.iter().filter_map(|step| {
        let sighting = seen.get(&step.step)?;
        Some(Line {
            at_ns: sighting.at.as_nanos(),
            say: Say::Alert(alert(step, sighting, scenario.attacker.as_deref(), &assets)),
        })
    });
    let actions = asked.iter().map(|(at, action)| Line {
        at_ns: at.as_nanos(),
        say: Say::Action(json!(action)),
    });
    Ok(Script {
        lines: alerts.chain(actions).collect(),
    })
}

/// An action of the ideal response in the words of the protocol. It stands to the end of the run.
fn in_words((number, asked): (usize, &Asked)) -> (SimTime, Action) {
    let (action, target) = match &asked.action {
        respond::Action::Contain { target, .. } => {
            (Verb::Contain, Target::Host(target.host.clone()))
        }
        respond::Action::Restore { target } => {
            (Verb::Restore, Target::Controller(target.controller.clone()))
        }
        respond::Action::Deny { .. } => {
            unreachable!("the ideal response never denies: an address can be changed")
        }
    };
    let action = Action {
        command_id: format!("ideal-{}", number + 1),
        action,
        target,
        args: ActionArgs::default(),
    };
    (asked.at, action)
}

type Defended = (Vec<StepRecord>, BTreeMap<u16, Sighting>, Vec<Asset>);

/// Plays the attack with the response: what becomes of the steps, and where each is first seen.
fn defended(
    order: &Order<'_>,
    options: SessionOptions,
    interval: SimDuration,
    asked: &[(SimTime, Action)],
) -> Result<Defended, Failure> {
    let (scenario, prepared) = (&order.ready.loaded.scenario, &order.ready.prepared);
    let mut session = Session::new(scenario, prepared, options)?;
    let spans = session.world().spans().to_vec();
    let mut numbers = vec![0_u64; spans.len()];
    let mut seen: BTreeMap<u16, Sighting> = BTreeMap::new();
    let mut asked = asked.iter().peekable();
    while !session.is_over() {
        session.advance(session.now() + interval);
        for frame in &session.observations().frames {
            let span = usize::from(frame.span);
            numbers[span] += 1;
            if let Some(step) = frame.label.as_step() {
                seen.entry(step).or_insert_with(|| Sighting {
                    span: spans[span].clone(),
                    number: numbers[span],
                    at: frame.at,
                });
            }
        }
        session.observations().clear();
        while let Some((_, action)) = asked.next_if(|(at, _)| *at <= session.now()) {
            // What is refused here is refused in the run with the oracle as well.
            if let Ok(plan) =
                actions::plan(action, session.now(), session.end(), &scenario.response)
            {
                let _refused = session.submit(plan.action);
            }
        }
        if order.interrupt.load(Ordering::SeqCst) {
            return Err(Failure::Interrupted);
        }
    }
    let assets = session.assets();
    Ok((session.finish().steps, seen, assets))
}

/// The alert for a step: what it is, who does it, whom it is about, and where it is first seen.
fn alert(
    step: &StepRecord,
    sighting: &Sighting,
    attacker: Option<&str>,
    assets: &[Asset],
) -> Value {
    let end = |name: Option<&str>| {
        let asset = assets
            .iter()
            .find(|asset| Some(asset.name.as_str()) == name);
        asset.map(|asset| json!({"asset": asset.name, "ip": asset.ip, "mac": asset.mac}))
    };
    let techniques: Vec<&String> = step.techniques.iter().take(TECHNIQUES).collect();
    let mut alert = json!({
        "t_ns": sighting.at.as_nanos(),
        "sig_id": format!("oracle-{}", step.id),
        "sig_name": step.title,
        "severity": 9,
        "techniques": techniques,
        "technique_source": "native",
        "span": sighting.span,
        "frame": sighting.number,
    });
    for (key, value) in [
        ("src", end(attacker)),
        ("dst", end(step.hosts.first().map(String::as_str))),
    ] {
        if let Some(value) = value {
            alert[key] = value;
        }
    }
    alert
}

/// As [`script`], for the command line of the oracle.
pub(crate) fn script_text(order: &Order<'_>, interval: SimDuration) -> Result<String, Failure> {
    let script = script(order, interval)?;
    Ok(serde_json::to_string(&script).expect("a script encodes"))
}
