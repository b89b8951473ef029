//! Sequential Function Charts in their textual form.
//!
//! Steps and transitions are found by following the connections through divergences and convergences.
//! What is drawn beside the chart to compute conditions goes into an action of its own, which the
//! initial step stores, so that it is done in every scan from the first one on.
//!
//! Source: PLCopen TC6 2.01, `sfcObjects`; IEC 61131-3:2013, 6.7 (Tables 54 to 61).

mod ways;

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::graph::{Graph, Item, Kind};
use crate::network::{Network, Slot, in_order};
use crate::pou::{language, statements};
use crate::power::Power;
use crate::problems;
use crate::scope::{Guess, Scope, key};
use crate::text;
use crate::xml::{Element, Reports, at, at_value, child, children, entries, name, value_code};

use ways::Ways;

const QUALIFIERS: [&str; 12] = [
    "N", "R", "S", "L", "D", "P", "P0", "P1", "SD", "DS", "SL", "DL",
];

/// A chart in the making.
struct Chart<'a, 'e, 'r, 'x> {
    reports: &'a mut Reports<'r>,
    scope: &'a mut Scope<'e>,
    graph: &'a Graph<'x>,
    pou: Element<'x>,
    /// Conditions and other elements that must be computed beside the chart.
    computed: Code,
    /// Actions that stand in an action block.
    inline: Code,
    used_transitions: BTreeSet<String>,
    /// Names of the steps, in capitals.
    step_names: BTreeSet<String>,
    /// What [`Chart::before`] found. Each element is followed once, however many lines lead to it.
    ways_before: BTreeMap<u64, Ways>,
    /// What [`Chart::behind`] found.
    steps_behind: BTreeMap<u64, Option<Vec<Code>>>,
}

/// The textual form of a chart.
pub(crate) fn chart<'x>(
    reports: &mut Reports,
    scope: &mut Scope,
    pou: Element<'x>,
    body: Element<'x>,
) -> Code {
    let graph = Graph::read(reports, body);
    let step_names = of_kind(&graph, "step")
        .into_iter()
        .map(|step| key(step.element.attribute("name").unwrap_or("")))
        .collect();
    let mut chart = Chart {
        reports,
        scope,
        graph: &graph,
        pou,
        computed: Code::default(),
        inline: Code::default(),
        used_transitions: BTreeSet::new(),
        step_names,
        ways_before: BTreeMap::new(),
        steps_behind: BTreeMap::new(),
    };
    let transitions = chart.transitions();
    chart.beside();
    let computing = chart.computing();
    let steps = chart.steps(computing.as_ref().map(|(name, _)| name.as_str()));
    let actions = chart.actions();
    let mut code = Code::default();
    for part in [&steps, &transitions, &actions, &chart.inline] {
        code.append(part);
    }
    if let Some((_, action)) = computing {
        code.append(&action);
    }
    chart.unused();
    code
}

impl<'x> Chart<'_, '_, '_, 'x> {
    /// Steps with their actions, the initial one first.
    fn steps(&mut self, computing: Option<&str>) -> Code {
        let graph = self.graph;
        let mut steps: Vec<(bool, &Item)> = Vec::new();
        for item in graph.by_place() {
            if name(item.element) == "step" {
                steps.push((self.reports.flag(item.element, "initialStep"), item));
            }
        }
        steps.sort_by_key(|(initial, _)| !initial);
        match steps[..] {
            [(true, _), (true, second), ..] => {
                let message = format!("{} is a second initial step", second.describe());
                self.reports.error(problems::BAD_CHART, second.at, message);
            }
            [(true, _), ..] => {}
            _ => {
                let at = at(self.pou);
                self.reports
                    .error(problems::BAD_CHART, at, "the chart has no initial step");
            }
        }
        let mut code = Code::default();
        for (number, (initial, step)) in steps.into_iter().enumerate() {
            if self.reports.required(step.element, "name").is_none() {
                continue;
            }
            code.put(if initial { "INITIAL_STEP " } else { "STEP " }, step.at);
            code.append(&value_code(step.element, "name"));
            code.put(":\n", step.at);
            if let Some(computing) = computing.filter(|_| number == 0) {
                code.put(&format!("    {computing}(S);\n"), step.at);
            }
            self.step_actions(step, &mut code);
            code.put("END_STEP\n\n", step.at);
        }
        code
    }

    fn step_actions(&mut self, step: &Item<'x>, code: &mut Code) {
        let graph = self.graph;
        let blocks = graph
            .readers(step.id)
            .iter()
            .filter_map(|(reader, _)| graph.items.get(reader));
        let mut blocks: Vec<&Item> = blocks
            .filter(|reader| name(reader.element) == "actionBlock")
            .collect();
        blocks.sort_by_key(|block| (block.row, block.x, block.id));
        for block in blocks {
            for part in children(block.element) {
                match name(part) {
                    "action" => self.action(step, part, code),
                    "position" | "connectionPointIn" | "documentation" | "addData" => {}
                    _ => self.reports.unknown(part),
                }
            }
        }
    }

    /// `name(D, T#5s, indicator);`.
    fn action(&mut self, step: &Item, action: Element<'x>, code: &mut Code) {
        let place = at(action);
        let own = match (child(action, "reference"), child(action, "inline")) {
            (Some(reference), _) => {
                let Some(own) = self.reports.required(reference, "name") else {
                    return;
                };
                self.must_be_known(own, at_value(reference, "name"));
                value_code(reference, "name")
            }
            (None, Some(inline)) => {
                let step = step.element.attribute("name").unwrap_or("").trim();
                let own = self.scope.fresh(&format!("{step}_INLINE"));
                if let Some(language) = language(self.reports, inline) {
                    let body = statements(self.reports, self.scope, language);
                    put_action(&mut self.inline, &Code::new(&own, place), &body, place);
                }
                Code::new(own, place)
            }
            (None, None) => {
                let message = "`action` has neither `reference` nor `inline`";
                self.reports.error(problems::MISSING, place, message);
                return;
            }
        };
        let qualifier = action.attribute("qualifier").map_or("N", str::trim);
        let qualifier = if qualifier.is_empty() { "N" } else { qualifier };
        if !QUALIFIERS.contains(&qualifier) {
            let message = format!(
                "`qualifier` is `{qualifier}`, not one of {}",
                QUALIFIERS.join(", ")
            );
            self.reports
                .error(problems::BAD_VALUE, at_value(action, "qualifier"), message);
        }
        code.put("    ", place);
        code.append(&own);
        code.put(&format!("({qualifier}"), place);
        for attribute in ["duration", "indicator"] {
            let value = value_code(action, attribute);
            // Editors keep the duration of a qualifier that has since been replaced.
            let meant = attribute != "duration" || qualifier.contains(['L', 'D']);
            if !value.is_empty() && meant {
                code.put(", ", place);
                code.append(&value);
            }
        }
        code.put(");\n", place);
    }

    fn must_be_known(&mut self, own: &str, place: usize) {
        let mut actions = entries(self.pou, "actions").into_iter();
        let is_action = actions.any(|a| key(a.attribute("name").unwrap_or("")) == key(own));
        if !is_action && self.scope.guess(own) == Guess::Unknown {
            let message = format!("there is no action and no variable `{own}`");
            self.reports.error(problems::UNKNOWN_NAME, place, message);
        }
    }

    fn actions(&mut self) -> Code {
        let mut code = Code::default();
        for action in entries(self.pou, "actions") {
            if self.reports.required(action, "name").is_none() {
                continue;
            }
            let Some(body) = child(action, "body") else {
                self.reports
                    .error(problems::MISSING, at(action), "`action` has no `body`");
                continue;
            };
            if let Some(language) = language(self.reports, body) {
                let body = statements(self.reports, self.scope, language);
                put_action(&mut code, &value_code(action, "name"), &body, at(action));
            }
        }
        code
    }

    /// The action that computes what is drawn beside the chart.
    fn computing(&mut self) -> Option<(String, Code)> {
        if self.computed.is_empty() {
            return None;
        }
        let name = self.scope.fresh("_compute_conditions");
        let place = at(self.pou);
        let mut code = Code::default();
        put_action(&mut code, &Code::new(&name, place), &self.computed, place);
        Some((name, code))
    }

    /// Elements of ladders and function block diagrams that no condition has called yet.
    fn beside(&mut self) {
        // The conditions have run in a network of their own, see `transitions`.
        let graph = self.graph;
        for item in graph.by_place() {
            let is_open =
                |kind: &str| name(item.element) == kind && graph.readers(item.id).is_empty();
            if is_open("transition") {
                let message = format!("{} leads to no step", item.describe());
                self.reports.error(problems::BAD_CHART, item.at, message);
            }
        }
    }

    /// All transitions, from top to bottom and from left to right, which is their priority.
    fn transitions(&mut self) -> Code {
        let graph = self.graph;
        let items = of_kind(graph, "transition");
        let mut conditions = Vec::new();
        let mut network = Network::new(self.reports, self.scope, graph);
        for item in &items {
            let drawn = item.condition.as_ref();
            conditions.push(drawn.map(|input| (!input.links.is_empty(), network.input(input))));
        }
        for item in in_order(graph.by_place()) {
            if !matches!(item.kind, Kind::Chart(_)) {
                network.item(item);
            }
        }
        self.computed = network.out;
        let mut code = Code::default();
        for (item, drawn) in items.into_iter().zip(conditions) {
            let from = self.before(item, 0);
            let to = self.behind(item, 0);
            let condition = match drawn {
                Some((_, Some(power))) => Some((":= ", power.code(item.at))),
                Some((true, None)) => None,
                Some((false, None)) => {
                    let message = format!("the condition of {} is not connected", item.describe());
                    self.reports.error(problems::UNCONNECTED, item.at, message);
                    None
                }
                None => self.written_condition(item),
            };
            let (Some((sign, condition)), Some(to)) = (condition, to) else {
                continue;
            };
            let ways = from.unwrap_or_default();
            for steps in ways {
                self.put_transition(item, &steps, &to, sign, &condition, &mut code);
            }
        }
        code
    }

    fn put_transition(
        &mut self,
        item: &Item,
        from: &[Code],
        to: &[Code],
        sign: &str,
        condition: &Code,
        code: &mut Code,
    ) {
        let negated = child(item.element, "condition")
            .is_some_and(|condition| self.reports.flag(condition, "negated"));
        code.put("TRANSITION ", item.at);
        if let Some(priority) = self.reports.number(item.element, "priority") {
            code.put(&format!("(PRIORITY := {priority}) "), item.at);
        }
        code.put("FROM ", item.at);
        put_steps(code, from, item.at);
        code.put(" TO ", item.at);
        put_steps(code, to, item.at);
        code.put("\n    ", item.at);
        code.put(sign, item.at);
        if negated && sign.starts_with(":=") {
            code.put("NOT (", item.at);
            code.append(condition);
            code.put(")", item.at);
        } else {
            if negated {
                let message = format!(
                    "{} negates a condition in Instruction List",
                    item.describe()
                );
                self.reports.error(problems::UNSUPPORTED, item.at, message);
            }
            code.append(condition);
        }
        if sign.starts_with(":=") {
            code.put(";\n", item.at);
        }
        code.put("END_TRANSITION\n\n", item.at);
    }

    /// A condition that stands in the transition, or under a name in the POU.
    fn written_condition(&mut self, item: &Item<'x>) -> Option<(&'static str, Code)> {
        let Some(condition) = child(item.element, "condition") else {
            let message = format!("{} has no condition", item.describe());
            self.reports.error(problems::BAD_CHART, item.at, message);
            return None;
        };
        if let Some(inline) = child(condition, "inline") {
            let language = language(self.reports, inline)?;
            return self.condition_body(language, "", at(inline));
        }
        let Some(reference) = child(condition, "reference") else {
            let message = format!("{} has no condition", item.describe());
            self.reports.error(problems::BAD_CHART, item.at, message);
            return None;
        };
        let own = self.reports.required(reference, "name")?.trim().to_owned();
        let mut transitions = entries(self.pou, "transitions").into_iter();
        let found = transitions.find(|t| key(t.attribute("name").unwrap_or("")) == key(&own));
        let Some(transition) = found else {
            if self.scope.guess(&own) != Guess::Unknown {
                return Some((":= ", value_code(reference, "name")));
            }
            let message = format!("there is no transition `{own}`");
            let place = at_value(reference, "name");
            self.reports.error(problems::UNKNOWN_NAME, place, message);
            return None;
        };
        self.used_transitions.insert(key(&own));
        let Some(body) = child(transition, "body") else {
            self.reports.error(
                problems::MISSING,
                at(transition),
                "`transition` has no `body`",
            );
            return None;
        };
        let language = language(self.reports, body)?;
        self.condition_body(language, &own, at(transition))
    }

    /// The condition that a body computes: an expression, or what a diagram writes into its name.
    fn condition_body(
        &mut self,
        language: Element<'x>,
        own: &str,
        place: usize,
    ) -> Option<(&'static str, Code)> {
        match name(language) {
            "ST" => {
                let code = text::expression(language, own);
                if code.is_empty() {
                    self.reports
                        .error(problems::MISSING, place, "the condition is empty");
                    return None;
                }
                Some((":= ", code))
            }
            "IL" => Some((":\n", text::body(language))),
            "SFC" => {
                let message = "a Sequential Function Chart as a condition";
                self.reports
                    .error(problems::UNSUPPORTED, at(language), message);
                None
            }
            _ => {
                let graph = Graph::read(self.reports, language);
                let mut network = Network::new(self.reports, self.scope, &graph);
                let mut condition = None;
                let writes = |item: &Item| match &item.kind {
                    Kind::OutVariable(code, _) | Kind::Coil(code, _) => {
                        key(code.text()) == key(own)
                    }
                    _ => false,
                };
                for item in in_order(graph.by_place()) {
                    if !writes(item) {
                        network.item(item);
                    } else if let Kind::OutVariable(_, modifier) | Kind::Coil(_, modifier) =
                        item.kind
                    {
                        network.no_storage(item, modifier);
                        let value = network.input(&item.input);
                        let slot = (item.id, Slot::Own);
                        let value =
                            value.map(|value| network.modified(slot, item.at, modifier, value));
                        condition = value.or(condition);
                    }
                }
                let statements = network.out;
                self.computed.append(&statements);
                if condition.is_none() {
                    let message = format!("no variable or coil `{own}` gives the condition");
                    self.reports.error(problems::BAD_CHART, place, message);
                }
                condition.map(|power: Power| (":= ", power.code(place)))
            }
        }
    }

    fn unused(&mut self) {
        for transition in entries(self.pou, "transitions") {
            let own = transition.attribute("name").unwrap_or("");
            if !self.used_transitions.contains(&key(own)) {
                let message = format!("the transition `{own}` is used nowhere");
                self.reports
                    .warn(problems::NO_EFFECT, at(transition), message);
            }
        }
        for block in self.graph.items.values() {
            let lonely = name(block.element) == "actionBlock" && block.input.links.is_empty();
            if lonely {
                let message = format!("{} is connected to no step", block.describe());
                self.reports.error(problems::BAD_CHART, block.at, message);
            }
        }
    }
}

fn of_kind<'g, 'x>(graph: &'g Graph<'x>, wanted: &str) -> Vec<&'g Item<'x>> {
    let mut items = graph.by_place();
    items.retain(|item| name(item.element) == wanted);
    items
}

fn put_steps(code: &mut Code, steps: &[Code], at: usize) {
    let several = steps.len() > 1;
    if several {
        code.put("(", at);
    }
    for (number, step) in steps.iter().enumerate() {
        if number > 0 {
            code.put(", ", at);
        }
        code.append(step);
    }
    if several {
        code.put(")", at);
    }
}

fn put_action(code: &mut Code, own: &Code, body: &Code, at: usize) {
    code.put("ACTION ", at);
    code.append(own);
    code.put(":\n", at);
    code.append(body);
    code.put("END_ACTION\n\n", at);
}
