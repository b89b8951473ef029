//! The elements of a graphic body and their connections.
//!
//! Connections are stored at their right end: every input knows where its value comes from.
//!
//! Source: PLCopen TC6 2.01, `fbdObjects`, `ldObjects`, `sfcObjects`, `commonObjects`.

use std::collections::BTreeMap;

use crate::code::Code;
use crate::problems;
use crate::scope::key;
use crate::vendor;
use crate::xml::{
    Element, Reports, at, at_value, child, children, is_description, line_code, name, value_code,
};

/// Most elements of one body.
const MAX_ITEMS: usize = 20_000;

/// Elements whose tops differ by less than this are in one row, in units of the drawing.
const ROW: i64 = 10;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modifier {
    pub(crate) negated: bool,
    /// Whether a rising edge is meant; a falling one otherwise.
    pub(crate) edge: Option<bool>,
    /// Whether to set; to reset otherwise.
    pub(crate) storage: Option<bool>,
}

/// One connection, seen from its right end.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) source: u64,
    /// The output of a block, where it is named.
    pub(crate) output: Option<String>,
    /// Where the line ends at its source.
    end: Option<(i64, i64)>,
    pub(crate) at: usize,
}

/// Where an input's value comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    pub(crate) links: Vec<Link>,
    /// An expression in place of connections, as TC6 2.01 allows.
    pub(crate) expression: Option<Code>,
}

/// A parameter of a block as it is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Pin {
    pub(crate) name: String,
    pub(crate) input: Input,
    pub(crate) modifier: Modifier,
    /// Where it is on the block.
    offset: Option<(i64, i64)>,
    pub(crate) at: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) type_name: String,
    pub(crate) type_code: Code,
    /// Empty for a function.
    pub(crate) instance: Code,
    pub(crate) inputs: Vec<Pin>,
    pub(crate) in_outs: Vec<Pin>,
    pub(crate) outputs: Vec<Pin>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind<'x> {
    InVariable(Code, Modifier),
    OutVariable(Code, Modifier),
    InOutVariable(Code, Modifier, Modifier),
    Block(Box<Block>),
    Contact(Code, Modifier),
    Coil(Code, Modifier),
    LeftRail,
    RightRail,
    Connector(String),
    Continuation(String),
    Label(String),
    Jump(String),
    Return,
    Comment,
    /// An element of a chart, which [`crate::sfc`] reads further.
    Chart(Element<'x>),
}

/// An element of a body.
#[derive(Clone, Debug)]
pub(crate) struct Item<'x> {
    pub(crate) id: u64,
    pub(crate) kind: Kind<'x>,
    pub(crate) input: Input,
    /// The condition of a transition, where it is drawn.
    pub(crate) condition: Option<Input>,
    pub(crate) x: i64,
    pub(crate) y: i64,
    /// The row of the drawing that it is in, counted from the top.
    pub(crate) row: usize,
    /// 0 where the editor leaves the order to the connections.
    pub(crate) order: u64,
    pub(crate) at: usize,
    pub(crate) element: Element<'x>,
}

impl Item<'_> {
    /// Words for messages.
    pub(crate) fn describe(&self) -> String {
        let what = name(self.element);
        let label = match &self.kind {
            Kind::InVariable(code, _) | Kind::OutVariable(code, _) => code.text(),
            Kind::InOutVariable(code, ..) => code.text(),
            Kind::Contact(code, _) | Kind::Coil(code, _) => code.text(),
            Kind::Block(block) => &block.type_name,
            Kind::Connector(name) | Kind::Continuation(name) => name,
            Kind::Label(name) | Kind::Jump(name) => name,
            Kind::Chart(element) => element.attribute("name").unwrap_or(""),
            _ => "",
        };
        if label.is_empty() {
            format!("the {what} {}", self.id)
        } else {
            format!("the {what} {} `{label}`", self.id)
        }
    }
}

/// The elements of a body, by `localId`.
#[derive(Debug, Default)]
pub(crate) struct Graph<'x> {
    pub(crate) items: BTreeMap<u64, Item<'x>>,
    /// Connectors by their names in capitals.
    connectors: BTreeMap<String, Vec<u64>>,
    /// Continuations likewise.
    continuations: BTreeMap<String, Vec<u64>>,
    /// For each element, the elements and outputs that it feeds: reader and output, in order of readers.
    readers: BTreeMap<u64, Vec<(u64, Link)>>,
}

impl<'x> Graph<'x> {
    pub(crate) fn read(reports: &mut Reports, body: Element<'x>) -> Self {
        let mut graph = Self::default();
        for element in children(body) {
            if graph.items.len() >= MAX_ITEMS {
                let message = format!("a body has more than {MAX_ITEMS} elements");
                reports.error(problems::TOO_LARGE, at(element), message);
                break;
            }
            let Some(item) = item(reports, element) else {
                continue;
            };
            if let Some(other) = graph.items.get(&item.id) {
                let message = format!(
                    "{} has the `localId` of {}",
                    item.describe(),
                    other.describe()
                );
                reports.error(problems::AMBIGUOUS, item.at, message);
                continue;
            }
            match &item.kind {
                Kind::Connector(name) => {
                    graph.connectors.entry(key(name)).or_default().push(item.id);
                }
                Kind::Continuation(name) => {
                    let own = graph.continuations.entry(key(name)).or_default();
                    own.push(item.id);
                }
                _ => {}
            }
            graph.items.insert(item.id, item);
        }
        graph.number_rows();
        graph.collect_readers(reports);
        graph
    }

    fn number_rows(&mut self) {
        let mut order: Vec<(i64, i64, u64)> = self
            .items
            .values()
            .map(|item| (item.y, item.x, item.id))
            .collect();
        order.sort_unstable();
        let (mut row, mut top) = (0, None);
        for (y, _, id) in order {
            if top.is_some_and(|top: i64| y.saturating_sub(top) >= ROW) {
                row += 1;
                top = Some(y);
            }
            top.get_or_insert(y);
            if let Some(item) = self.items.get_mut(&id) {
                item.row = row;
            }
        }
    }

    fn collect_readers(&mut self, reports: &mut Reports) {
        let mut readers: BTreeMap<u64, Vec<(u64, Link)>> = BTreeMap::new();
        for item in self.items.values() {
            for link in item.all_links() {
                if !self.items.contains_key(&link.source) {
                    let message = format!(
                        "{} is connected to an element {} that the body does not have",
                        item.describe(),
                        link.source
                    );
                    reports.error(problems::DANGLING, link.at, message);
                    continue;
                }
                readers
                    .entry(link.source)
                    .or_default()
                    .push((item.id, link.clone()));
            }
        }
        self.readers = readers;
    }

    /// The connectors with a name.
    pub(crate) fn connectors(&self, name: &str) -> impl Iterator<Item = &Item<'x>> {
        let ids = self.connectors.get(&key(name)).into_iter().flatten();
        ids.filter_map(|id| self.items.get(id))
    }

    /// The continuations of a connector.
    pub(crate) fn continuations(&self, name: &str) -> impl Iterator<Item = &Item<'x>> {
        let ids = self.continuations.get(&key(name)).into_iter().flatten();
        ids.filter_map(|id| self.items.get(id))
    }

    /// Who reads an element, with the connections.
    pub(crate) fn readers(&self, id: u64) -> &[(u64, Link)] {
        self.readers.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The output of a block at which a connection begins.
    pub(crate) fn output<'b>(&self, item: &Item, block: &'b Block, link: &Link) -> Option<&'b Pin> {
        let all = || block.outputs.iter().chain(&block.in_outs);
        if let Some(wanted) = &link.output {
            return all().find(|pin| pin.name.eq_ignore_ascii_case(wanted));
        }
        if let [only] = &block.outputs[..] {
            return Some(only);
        }
        let here = |pin: &&Pin| {
            let (end, offset) = (link.end?, pin.offset?);
            Some((item.x + offset.0, item.y + offset.1) == end)
        };
        all().find(|pin| here(pin) == Some(true)).or_else(|| {
            block
                .outputs
                .iter()
                .find(|pin| !pin.name.eq_ignore_ascii_case("ENO"))
        })
    }

    /// Items from top to bottom and from left to right.
    pub(crate) fn by_place(&self) -> Vec<&Item<'x>> {
        let mut items: Vec<&Item> = self.items.values().collect();
        items.sort_by_key(|item| (item.row, item.x, item.id));
        items
    }
}

impl Item<'_> {
    /// Every connection that ends here.
    pub(crate) fn all_links(&self) -> impl Iterator<Item = &Link> {
        let pins: &[&[Pin]] = match &self.kind {
            Kind::Block(block) => &[&block.inputs, &block.in_outs],
            _ => &[&[], &[]],
        };
        let [inputs, in_outs] = [pins[0], pins[1]];
        let pins = inputs
            .iter()
            .chain(in_outs)
            .flat_map(|pin| &pin.input.links);
        let condition = self.condition.iter().flat_map(|input| &input.links);
        self.input.links.iter().chain(pins).chain(condition)
    }
}

/// A coordinate, whole units.
fn whole(text: Option<&str>) -> i64 {
    let text = text.unwrap_or("0").trim();
    let whole = text.split('.').next().unwrap_or("0");
    // Far more than any drawing has, and small enough to add.
    whole
        .parse::<i64>()
        .unwrap_or(0)
        .clamp(-1_000_000_000, 1_000_000_000)
}

fn point(element: Element) -> (i64, i64) {
    (whole(element.attribute("x")), whole(element.attribute("y")))
}

pub(crate) fn input(reports: &mut Reports, holder: Element) -> Input {
    let mut input = Input::default();
    for part in children(holder) {
        match name(part) {
            "connection" => {
                if reports.required(part, "refLocalId").is_none() {
                    continue;
                }
                let Some(source) = reports.number(part, "refLocalId") else {
                    continue;
                };
                let output = part.attribute("formalParameter").map(str::trim);
                let end = children(part).filter(|p| name(*p) == "position").last();
                input.links.push(Link {
                    source,
                    output: output.filter(|name| !name.is_empty()).map(str::to_owned),
                    end: end.map(point),
                    at: at(part),
                });
            }
            "expression" => {
                let code = line_code(part);
                if !code.is_empty() {
                    input.expression = Some(code);
                }
            }
            "relPosition" => {}
            "addData" => vendor::check(reports, part),
            _ => reports.unknown(part),
        }
    }
    input
}

fn modifier(reports: &mut Reports, element: Element, suffix: &str) -> Modifier {
    let attribute = |stem: &str| format!("{stem}{suffix}");
    let mut choice = |stem: &str, yes: &str, no: &str| {
        let attribute = attribute(stem);
        match element.attribute(attribute.as_str()).map(str::trim) {
            None | Some("none" | "") => None,
            Some(text) if text == yes => Some(true),
            Some(text) if text == no => Some(false),
            Some(text) => {
                let message = format!("`{attribute}` is `{text}`, not `{yes}`, `{no}` or `none`");
                let place = at_value(element, &attribute);
                reports.error(problems::BAD_VALUE, place, message);
                None
            }
        }
    };
    let edge = choice("edge", "rising", "falling");
    let storage = choice("storage", "set", "reset");
    Modifier {
        negated: reports.flag(element, &attribute("negated")),
        edge,
        storage,
    }
}

fn pins(reports: &mut Reports, block: Element, list: &str) -> Vec<Pin> {
    let mut pins = Vec::new();
    let Some(list) = child(block, list) else {
        return pins;
    };
    for variable in children(list) {
        if name(variable) != "variable" {
            reports.unknown(variable);
            continue;
        }
        let end_in = child(variable, "connectionPointIn");
        let end_out = child(variable, "connectionPointOut");
        let offset = end_out.or(end_in).and_then(|end| child(end, "relPosition"));
        pins.push(Pin {
            name: variable
                .attribute("formalParameter")
                .unwrap_or("")
                .trim()
                .to_owned(),
            input: end_in.map_or_else(Input::default, |end| input(reports, end)),
            modifier: modifier(reports, variable, ""),
            offset: offset.map(point),
            at: at(variable),
        });
    }
    pins
}

/// Reports what changes a value at a VAR_IN_OUT: a variable goes through there, not a value.
fn plain(reports: &mut Reports, pin: &Pin) {
    if pin.modifier != Modifier::default() {
        let message = format!(
            "the VAR_IN_OUT `{}` is negated, has an edge or stores",
            pin.name
        );
        reports.error(problems::UNSUPPORTED, pin.at, message);
    }
}

fn block(reports: &mut Reports, element: Element) -> Option<Block> {
    let type_name = reports.required(element, "typeName")?;
    for part in children(element) {
        match name(part) {
            "inputVariables" | "inOutVariables" | "outputVariables" | "position" => {}
            "documentation" => {}
            "addData" => vendor::check(reports, part),
            _ => reports.unknown(part),
        }
    }
    let inputs = pins(reports, element, "inputVariables");
    let mut outputs = pins(reports, element, "outputVariables");
    let mut in_outs = pins(reports, element, "inOutVariables");
    // Beremiz draws a VAR_IN_OUT as an input and an output of the same name.
    let (both, inputs): (Vec<Pin>, Vec<Pin>) = inputs.into_iter().partition(|input| {
        outputs.iter().any(|output| output.name == input.name) && !input.name.is_empty()
    });
    for mut pin in both {
        if let Some(at) = outputs.iter().position(|output| output.name == pin.name) {
            let output = outputs.remove(at);
            pin.offset = output.offset;
            plain(reports, &output);
        }
        in_outs.push(pin);
    }
    for pin in &in_outs {
        plain(reports, pin);
    }
    Some(Block {
        type_name: type_name.trim().to_owned(),
        type_code: value_code(element, "typeName"),
        instance: value_code(element, "instanceName"),
        inputs,
        in_outs,
        outputs,
    })
}

/// The variable or expression that an element shows.
fn shown(reports: &mut Reports, element: Element, part: &str) -> Code {
    let code = child(element, part).map_or_else(Code::default, line_code);
    if code.is_empty() {
        let message = format!("`{}` has no `{part}`", name(element));
        reports.error(problems::MISSING, at(element), message);
    }
    code
}

fn kind<'x>(reports: &mut Reports, element: Element<'x>) -> Option<Kind<'x>> {
    let text = |reports: &mut Reports, attribute| {
        let text = reports.required(element, attribute)?;
        Some(text.trim().to_owned())
    };
    Some(match name(element) {
        "inVariable" => Kind::InVariable(
            shown(reports, element, "expression"),
            modifier(reports, element, ""),
        ),
        "outVariable" => Kind::OutVariable(
            shown(reports, element, "expression"),
            modifier(reports, element, ""),
        ),
        "inOutVariable" => Kind::InOutVariable(
            shown(reports, element, "expression"),
            modifier(reports, element, "In"),
            modifier(reports, element, "Out"),
        ),
        "contact" => Kind::Contact(
            shown(reports, element, "variable"),
            modifier(reports, element, ""),
        ),
        "coil" => Kind::Coil(
            shown(reports, element, "variable"),
            modifier(reports, element, ""),
        ),
        "block" => Kind::Block(Box::new(block(reports, element)?)),
        "leftPowerRail" => Kind::LeftRail,
        "rightPowerRail" => Kind::RightRail,
        "connector" => Kind::Connector(text(reports, "name")?),
        "continuation" => Kind::Continuation(text(reports, "name")?),
        "label" => Kind::Label(text(reports, "label")?),
        "jump" => Kind::Jump(text(reports, "label")?),
        "return" => Kind::Return,
        "comment" => Kind::Comment,
        "step"
        | "transition"
        | "jumpStep"
        | "actionBlock"
        | "selectionDivergence"
        | "selectionConvergence"
        | "simultaneousDivergence"
        | "simultaneousConvergence" => Kind::Chart(element),
        "macroStep" | "vendorElement" | "error" => {
            let own = element
                .attribute("name")
                .map_or_else(String::new, |n| format!(" `{n}`"));
            let message = format!("the element `{}`{own} is not supported", name(element));
            reports.error(problems::UNSUPPORTED, at(element), message);
            return None;
        }
        _ => {
            reports.unknown(element);
            return None;
        }
    })
}

fn item<'x>(reports: &mut Reports, element: Element<'x>) -> Option<Item<'x>> {
    if is_description(element) {
        if name(element) == "addData" {
            vendor::check(reports, element);
        }
        return None;
    }
    let kind = kind(reports, element)?;
    if matches!(kind, Kind::RightRail | Kind::Comment) && !element.has_attribute("localId") {
        return None;
    }
    reports.required(element, "localId")?;
    let id = reports.number(element, "localId")?;
    let mut own = Input::default();
    for end in children(element).filter(|part| name(*part) == "connectionPointIn") {
        let found = input(reports, end);
        own.links.extend(found.links);
        own.expression = own.expression.or(found.expression);
    }
    for part in children(element).filter(|part| name(*part) == "addData") {
        vendor::check(reports, part);
    }
    let condition = child(element, "condition");
    let drawn = condition.and_then(|condition| child(condition, "connectionPointIn"));
    let condition = drawn.map(|end| input(reports, end));
    let (x, y) = child(element, "position").map_or((0, 0), point);
    Some(Item {
        id,
        kind,
        input: own,
        condition,
        x,
        y,
        row: 0,
        order: reports.number(element, "executionOrderId").unwrap_or(0),
        at: at(element),
        element,
    })
}
