//! Ladder and function block diagrams as statements.
//!
//! # Order
//!
//! As the generator of Beremiz and OpenPLC Editor has it: elements with an `executionOrderId` come
//! first, in that order; then variables that are assigned, and coils, from top to bottom and from left
//! to right; then the blocks that none of them needed. A block is called when the first element needs
//! it. Where a connection leads back, the value of the scan before is used.
//!
//! In one thing this follows IEC 61131-3:2013, 8.1.4, rather than that generator: what a contact lets
//! through is found once per network, so a coil does not change what the coils beside it receive.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::graph::{Graph, Input, Item, Kind, Link, Modifier};
use crate::power::Power;
use crate::problems;
use crate::scope::{Scope, key};
use crate::xml::{Reports, text_code};

/// Most elements in a row, so that a drawing cannot exhaust the stack.
const MAX_DEPTH: usize = 120;

/// An expression that is longer than this, in bytes, is stored rather than written twice.
const LONG: usize = 80;

/// How far a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its inputs are being found; who reaches it now stands on a way that leads back.
    Begun,
    Called,
}

/// Where an element modifies a value. Each place has an edge detection of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    /// What arrives at the element, or what it shows.
    Own,
    /// What leaves a variable that is assigned and read.
    Behind,
    /// The parameter of a block that begins at this byte of the XML.
    Pin(usize),
}

/// One body on its way to text.
pub(crate) struct Network<'a, 'e, 'r, 'x> {
    pub(crate) reports: &'a mut Reports<'r>,
    pub(crate) scope: &'a mut Scope<'e>,
    pub(crate) graph: &'a Graph<'x>,
    /// The statements so far.
    pub(crate) out: Code,
    pub(crate) states: BTreeMap<u64, State>,
    /// Names that carry the outputs of functions and ENO of blocks, by element and output.
    pub(crate) carriers: BTreeMap<(u64, String), String>,
    /// The types of these.
    pub(crate) carried_types: BTreeMap<(u64, String), String>,
    /// Instances that detect edges.
    edges: BTreeMap<(u64, Slot), String>,
    /// Functions whose result was asked for before they were called.
    pub(crate) asked_early: BTreeSet<u64>,
    /// What contacts, coils, continuations and connectors let through. Each is followed once.
    stored: BTreeMap<u64, Option<Power>>,
    /// Contacts, coils and continuations on the way that is being followed.
    visiting: BTreeSet<u64>,
    depth: usize,
    /// Variables that this body assigns, in capitals.
    written: BTreeSet<String>,
}

impl<'a, 'e, 'r, 'x> Network<'a, 'e, 'r, 'x> {
    pub(crate) fn new(
        reports: &'a mut Reports<'r>,
        scope: &'a mut Scope<'e>,
        graph: &'a Graph<'x>,
    ) -> Self {
        let mut written = BTreeSet::new();
        for item in graph.items.values() {
            if let Kind::OutVariable(code, _)
            | Kind::Coil(code, _)
            | Kind::InOutVariable(code, ..) = &item.kind
            {
                written.extend(words(code.text()).next().map(key));
            }
        }
        Self {
            reports,
            scope,
            graph,
            out: Code::default(),
            states: BTreeMap::new(),
            carriers: BTreeMap::new(),
            carried_types: BTreeMap::new(),
            edges: BTreeMap::new(),
            asked_early: BTreeSet::new(),
            stored: BTreeMap::new(),
            visiting: BTreeSet::new(),
            depth: 0,
            written,
        }
    }

    /// Translates the whole body.
    pub(crate) fn run(&mut self) {
        let jumps =
            |item: &&Item| matches!(item.kind, Kind::Jump(_) | Kind::Return | Kind::Label(_));
        if self.graph.items.values().any(|item| jumps(&item)) {
            crate::jump::run(self);
            return;
        }
        let items: Vec<&Item> = self.graph.by_place();
        for item in in_order(items) {
            self.item(item);
        }
    }

    /// Translates one element for its own sake. Jumps are for [`crate::jump`], charts for [`crate::sfc`].
    pub(crate) fn item(&mut self, item: &Item<'x>) {
        match &item.kind {
            Kind::OutVariable(target, modifier) => {
                let eno = self.eno_of_source(&item.input);
                self.assign(item, target, *modifier, eno);
            }
            Kind::Coil(target, modifier) => self.assign(item, target, *modifier, None),
            Kind::InOutVariable(target, modifier, _) if !item.input.links.is_empty() => {
                self.assign(item, target, *modifier, None);
            }
            Kind::Block(block) => self.call(item, block),
            Kind::Connector(name) if self.graph.continuations(name).next().is_none() => {
                self.no_effect(item, "no continuation has its name");
            }
            Kind::Contact(..) if self.graph.readers(item.id).is_empty() => {
                self.no_effect(item, "nothing is connected to its right");
            }
            Kind::InVariable(..) if self.graph.readers(item.id).is_empty() => {
                self.no_effect(item, "nothing is connected to it");
            }
            Kind::Comment => {
                let text = text_code(item.element);
                for line in text.text().trim().lines() {
                    self.out.put(&format!("// {}\n", line.trim()), item.at);
                }
            }
            Kind::Jump(_) | Kind::Label(_) | Kind::Return | Kind::Chart(_) => {
                let message = format!("{} has no translation in this body", item.describe());
                self.reports.error(problems::UNSUPPORTED, item.at, message);
            }
            Kind::InOutVariable(..)
            | Kind::Connector(_)
            | Kind::Contact(..)
            | Kind::InVariable(..)
            | Kind::Continuation(_)
            | Kind::LeftRail
            | Kind::RightRail => {}
        }
    }

    pub(crate) fn no_effect(&mut self, item: &Item, why: &str) {
        let message = format!("{} does nothing: {why}", item.describe());
        self.reports.warn(problems::NO_EFFECT, item.at, message);
    }

    /// An assignment, plain or as the modifier has it.
    fn assign(&mut self, item: &Item<'x>, target: &Code, modifier: Modifier, eno: Option<Power>) {
        let stores = matches!(item.kind, Kind::Coil(..)) && !self.feeds_only_rails(item);
        let power = if stores {
            self.through_coil(item)
        } else {
            self.input(&item.input)
        };
        let Some(power) = power else {
            if item.input.links.is_empty() {
                self.no_effect(item, "nothing is connected to its left");
            }
            return;
        };
        let power = self.modified((item.id, Slot::Own), item.at, modifier, power);
        let at = item.at;
        let mut assignment = Code::default();
        assignment.append(target);
        assignment.put(" := ", at);
        let mut condition = eno;
        match modifier.storage {
            Some(set) => {
                assignment.put(if set { "TRUE" } else { "FALSE" }, at);
                condition = Some(match condition {
                    Some(eno) => eno.and(power),
                    None => power,
                });
            }
            None => assignment.append(&power.code(at)),
        }
        assignment.put(";\n", at);
        self.when(condition, &assignment, at);
    }

    /// Statements under a condition, if there is one.
    pub(crate) fn when(&mut self, condition: Option<Power>, statements: &Code, at: usize) {
        match condition {
            None | Some(Power::On) => self.out.append(statements),
            Some(condition) => {
                self.out.put("IF ", at);
                self.out.append(&condition.code(at));
                self.out.put(" THEN\n", at);
                self.out.append(&statements.indented("    "));
                self.out.put("END_IF;\n", at);
            }
        }
    }

    fn feeds_only_rails(&self, item: &Item) -> bool {
        let readers = self.graph.readers(item.id).iter();
        let mut items = readers.filter_map(|(reader, _)| self.graph.items.get(reader));
        items.all(|reader| matches!(reader.kind, Kind::RightRail))
    }

    /// A condition on that a block was executed, where a value comes straight from one with EN.
    fn eno_of_source(&mut self, input: &Input) -> Option<Power> {
        let [link] = &input.links[..] else {
            return None;
        };
        let graph = self.graph;
        let item = graph.items.get(&link.source)?;
        let Kind::Block(block) = &item.kind else {
            return None;
        };
        let is_en = |name: &str| name.eq_ignore_ascii_case("EN");
        let mut inputs = block.inputs.iter();
        inputs.find(|pin| is_en(&pin.name) && !pin.input.links.is_empty())?;
        let carrier = self.carrier(item, block, "ENO");
        Some(Power::Value(Code::new(carrier, item.at)))
    }

    /// The value at an input, or nothing where nothing is connected.
    pub(crate) fn input(&mut self, input: &Input) -> Option<Power> {
        if let Some(expression) = &input.expression {
            return Some(Power::Value(expression.clone()));
        }
        let mut branches = Vec::new();
        for link in &input.links {
            branches.extend(self.link(link));
        }
        Power::any(branches)
    }

    /// The value on a connection. What is wrong with it is reported.
    pub(crate) fn link(&mut self, link: &Link) -> Option<Power> {
        let graph = self.graph;
        let item = graph.items.get(&link.source)?;
        if self.depth >= MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} elements in a row");
            self.reports.error(problems::LOOP, item.at, message);
            return None;
        }
        self.depth += 1;
        let power = self.source(item, link);
        self.depth -= 1;
        let len = power.as_ref().map_or(0, Power::len);
        self.reports.spend(len, item.at).then_some(power).flatten()
    }

    fn source(&mut self, item: &'a Item<'x>, link: &Link) -> Option<Power> {
        match &item.kind {
            Kind::LeftRail => Some(Power::On),
            Kind::InVariable(code, modifier) => {
                self.no_storage(item, *modifier);
                let value = Power::Value(code.clone());
                Some(self.modified((item.id, Slot::Own), item.at, *modifier, value))
            }
            Kind::InOutVariable(code, _, modifier) => {
                self.no_storage(item, *modifier);
                let value = Power::Value(code.clone());
                Some(self.modified((item.id, Slot::Behind), item.at, *modifier, value))
            }
            Kind::Block(block) => self.block_output(item, block, link),
            Kind::Contact(..) | Kind::Coil(..) | Kind::Continuation(_) => self.passing(item),
            _ => {
                let message = format!("{} has no output that could be connected", item.describe());
                self.reports.error(problems::DANGLING, link.at, message);
                None
            }
        }
    }

    /// What an element lets through that has a left side of its own.
    fn passing(&mut self, item: &'a Item<'x>) -> Option<Power> {
        if let Some(known) = self.stored.get(&item.id) {
            return known.clone();
        }
        if !self.visiting.insert(item.id) {
            let message = format!(
                "the connections lead from {} back to itself",
                item.describe()
            );
            self.reports.error(problems::LOOP, item.at, message);
            return None;
        }
        let power = match &item.kind {
            Kind::Contact(variable, modifier) => self.contact(item, variable, *modifier),
            Kind::Continuation(name) => self.continuation(item, name),
            _ => self.input(&item.input),
        };
        self.visiting.remove(&item.id);
        let several = self.graph.readers(item.id).len() > 1;
        let kept = match (&item.kind, power) {
            (Kind::Continuation(_), power) => power,
            (Kind::Contact(..), power) if !several => power,
            (_, power) => power.map(|power| self.store(item, power)),
        };
        self.stored.insert(item.id, kept.clone());
        kept
    }

    fn through_coil(&mut self, item: &Item<'x>) -> Option<Power> {
        let item = self.graph.items.get(&item.id)?;
        self.passing(item)
    }

    /// Keeps a boolean in a variable, where finding it again would be long or give something else.
    fn store(&mut self, item: &Item, power: Power) -> Power {
        let code = power.code(item.at);
        let changes = words(code.text()).any(|word| self.written.contains(&key(word)));
        if changes || code.len() > LONG {
            self.kept(item, "BOOL", &code)
        } else {
            power
        }
    }

    /// Keeps a value in a variable.
    fn kept(&mut self, item: &Item, ty: &str, code: &Code) -> Power {
        let name = self
            .scope
            .declare(&format!("_power_{}", item.id), ty, item.at);
        self.out.put(&format!("{name} := "), item.at);
        self.out.append(code);
        self.out.put(";\n", item.at);
        Power::Value(Code::new(name, item.at))
    }

    /// What arrives at a connector, for all continuations.
    fn connector(&mut self, item: &'a Item<'x>, name: &str) -> Option<Power> {
        if let Some(known) = self.stored.get(&item.id) {
            return known.clone();
        }
        let power = self.input(&item.input);
        let graph = self.graph;
        let continuations = graph.continuations(name);
        let readers: usize = continuations
            .map(|other| graph.readers(other.id).len())
            .sum();
        let source = |link: &Link| graph.items.get(&link.source).map(|item| &item.kind);
        let drawn = item.input.links.first().and_then(source);
        let boolean = matches!(drawn, Some(Kind::Contact(..) | Kind::Coil(..)));
        let kept = match power {
            Some(power) if readers < 2 => Some(power),
            Some(power) if boolean || !matches!(power, Power::Value(_)) => {
                Some(self.store(item, power))
            }
            Some(power) => {
                let code = power.code(item.at);
                let ty = self.connector_type(item).filter(|_| code.len() > LONG);
                Some(ty.map_or(power, |ty| self.kept(item, &ty, &code)))
            }
            None => None,
        };
        self.stored.insert(item.id, kept.clone());
        kept
    }

    fn contact(&mut self, item: &Item<'x>, variable: &Code, modifier: Modifier) -> Option<Power> {
        self.no_storage(item, modifier);
        if item.input.links.is_empty() && item.input.expression.is_none() {
            let message = format!("{} is not connected to its left", item.describe());
            self.reports.error(problems::UNCONNECTED, item.at, message);
            return None;
        }
        let power = self.input(&item.input)?;
        let value = Power::Value(variable.clone());
        let state = self.modified((item.id, Slot::Own), item.at, modifier, value);
        Some(power.and(state))
    }

    /// A value as the modifier has it: negated, or its edge, which is found once per scan, whoever asks.
    pub(crate) fn modified(
        &mut self,
        slot: (u64, Slot),
        at: usize,
        modifier: Modifier,
        value: Power,
    ) -> Power {
        let value = if modifier.negated { value.not() } else { value };
        let Some(rising) = modifier.edge else {
            return value;
        };
        let result = |instance: &str| Power::Value(Code::new(format!("{instance}.Q"), at));
        if let Some(instance) = self.edges.get(&slot) {
            return result(instance);
        }
        let (ty, stem) = if rising {
            ("R_TRIG", "_rise")
        } else {
            ("F_TRIG", "_fall")
        };
        let instance = self.scope.declare(&format!("{stem}_{}", slot.0), ty, at);
        self.out.put(&format!("{instance}(CLK := "), at);
        self.out.append(&value.code(at));
        self.out.put(");\n", at);
        let result = result(&instance);
        self.edges.insert(slot, instance);
        result
    }

    fn continuation(&mut self, item: &Item<'x>, name: &str) -> Option<Power> {
        let graph = self.graph;
        let connectors: Vec<&Item> = graph.connectors(name).collect();
        match connectors[..] {
            [connector] => self.connector(connector, name),
            [] => {
                let message = format!("{} has no connector of its name", item.describe());
                self.reports.error(problems::AMBIGUOUS, item.at, message);
                None
            }
            [_, second, ..] => {
                let message = format!("two connectors have the name `{name}`");
                self.reports.error(problems::AMBIGUOUS, second.at, message);
                None
            }
        }
    }

    pub(crate) fn no_storage(&mut self, item: &Item, modifier: Modifier) {
        if modifier.storage.is_some() {
            let message = format!("{} stores, which only outputs do", item.describe());
            self.reports.error(problems::UNSUPPORTED, item.at, message);
        }
    }
}

/// Elements in the order in which they are translated; comments stay where they are drawn.
pub(crate) fn in_order<'g, 'x>(items: Vec<&'g Item<'x>>) -> Vec<&'g Item<'x>> {
    let rank = |item: &Item| match &item.kind {
        Kind::OutVariable(..) | Kind::InOutVariable(..) | Kind::Coil(..) | Kind::Comment => 0,
        Kind::Block(_) => 1,
        Kind::Jump(_) | Kind::Return => 3,
        _ => 2,
    };
    let mut items = items;
    items.sort_by_key(|item| match item.order {
        0 => (1, 0, rank(item)),
        order => (0, order, 0),
    });
    items
}

/// The names in an expression.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
}
