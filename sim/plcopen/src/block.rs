//! Blocks of a network: calls of functions and of instances, and the types of what they carry.

use crate::code::Code;
use crate::graph::{Block, Item, Kind, Link, Pin};
use crate::network::{Network, Slot, State};
use crate::power::Power;
use crate::problems;
use crate::scope::{Guess, key};
use crate::standard::{self, ResultType};
use crate::vendor;

/// A function inside of a function inside of... is stored from this depth of parentheses on.
const MAX_NESTED: usize = 6;

/// How far types are followed from block to block.
const MAX_GUESSES: usize = 24;

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

impl Block {
    fn is_function(&self) -> bool {
        self.instance.is_empty()
    }

    /// The output that is a function's result: `OUT`, the only nameless one, or one with its name.
    fn result(&self) -> Option<&Pin> {
        let is_result = |pin: &&Pin| {
            pin.name.is_empty() || same(&pin.name, "OUT") || same(&pin.name, &self.type_name)
        };
        let other = |pin: &&Pin| !same(&pin.name, "ENO");
        self.outputs.iter().find(is_result).or_else(|| {
            let mut others = self.outputs.iter().filter(other);
            others.next().filter(|_| others.next().is_none())
        })
    }
}

impl<'x> Network<'_, '_, '_, 'x> {
    /// The value at an output of a block, which is called first if it was not yet.
    pub(crate) fn block_output(
        &mut self,
        item: &Item<'x>,
        block: &Block,
        link: &Link,
    ) -> Option<Power> {
        let graph = self.graph;
        let Some(pin) = graph.output(item, block, link) else {
            let wanted = link.output.as_deref().unwrap_or("");
            let message = format!("{} has no output `{wanted}`", item.describe());
            self.reports.error(problems::DANGLING, link.at, message);
            return None;
        };
        self.no_storage(item, pin.modifier);
        if let Some(in_out) = block.in_outs.iter().find(|own| same(&own.name, &pin.name)) {
            self.call(item, block);
            // What leaves is the variable that went in. What is wrong with it was said with the call.
            return match in_out.input.links[..] {
                [_, _, ..] => None,
                _ => self.input(&in_out.input),
            };
        }
        let value = self.output_value(item, block, pin)?;
        Some(self.modified((item.id, Slot::Pin(pin.at)), item.at, pin.modifier, value))
    }

    fn output_value(&mut self, item: &Item<'x>, block: &Block, pin: &Pin) -> Option<Power> {
        let state = self.states.get(&item.id).copied();
        // With an order of its own, a block is called in its turn and not when it is needed.
        let waits = item.order > 0 && state.is_none();
        if block.is_function() && !waits && state.is_none() && self.may_inline(item, block, pin) {
            self.states.insert(item.id, State::Begun);
            let call = self.function_call(item, block);
            self.states.insert(item.id, State::Called);
            let call = call?;
            if !self.asked_early.contains(&item.id) && nesting(call.text()) <= MAX_NESTED {
                return Some(Power::Value(call));
            }
            let name = self.carrier(item, block, &pin.name);
            self.statement(&name, call, item.at);
            return Some(Power::Value(Code::new(name, item.at)));
        }
        if !waits {
            self.call(item, block);
        }
        if self.states.get(&item.id) != Some(&State::Called) {
            self.asked_early.insert(item.id);
        }
        if block.is_function() || same(&pin.name, "ENO") {
            let name = self.carrier(item, block, &pin.name);
            return Some(Power::Value(Code::new(name, item.at)));
        }
        let mut value = block.instance.clone();
        value.put(".", pin.at);
        value.put(&pin.name, pin.at);
        Some(Power::Value(value))
    }

    /// Whether a function may stand where its result is used. Behind a connector that may be many places.
    fn may_inline(&self, item: &Item, block: &Block, pin: &Pin) -> bool {
        let [(reader, _)] = self.graph.readers(item.id) else {
            return false;
        };
        let reader = self.graph.items.get(reader);
        let once = reader.is_some_and(|reader| !matches!(reader.kind, Kind::Connector(_)));
        let enabled = |pin: &Pin| same(&pin.name, "EN") && !pin.input.links.is_empty();
        let is_result = block
            .result()
            .is_some_and(|result| same(&result.name, &pin.name));
        is_result
            && item.order == 0
            && once
            && block.in_outs.is_empty()
            && !block.inputs.iter().any(enabled)
    }

    /// Calls a block once per scan.
    pub(crate) fn call(&mut self, item: &Item<'x>, block: &Block) {
        if self.states.contains_key(&item.id) {
            return;
        }
        self.states.insert(item.id, State::Begun);
        let named_at = block.type_code.first_origin().unwrap_or(item.at);
        vendor::check_name(
            self.reports,
            self.scope.environment,
            &block.type_name,
            named_at,
        );
        if block.is_function() {
            self.call_function(item, block);
        } else {
            self.call_instance(item, block);
        }
        self.states.insert(item.id, State::Called);
    }

    fn call_function(&mut self, item: &Item<'x>, block: &Block) {
        if self.scope.environment.is_function_block(&block.type_name) {
            let message = format!(
                "{} is a function block, but has no `instanceName`",
                item.describe()
            );
            self.reports.error(problems::MISSING, item.at, message);
            return;
        }
        let connected = block.inputs.iter().any(|pin| !pin.input.links.is_empty());
        let unused = self.graph.readers(item.id).is_empty();
        if !connected && unused && standard::is_function(&key(&block.type_name)) {
            self.no_effect(item, "nothing is connected to it");
            return;
        }
        let Some(call) = self.function_call(item, block) else {
            return;
        };
        let result = block.result().filter(|pin| self.is_read(item, block, pin));
        match result {
            Some(pin) => {
                let name = self.carrier(item, block, &pin.name);
                self.statement(&name, call, item.at);
            }
            // A standard function does nothing but return; its result must go somewhere.
            None if standard::is_function(&key(&block.type_name)) => {
                let pin = block.result().map_or("OUT", |pin| &pin.name);
                let name = self.carrier(item, block, pin);
                self.statement(&name, call, item.at);
            }
            None => {
                self.out.append(&call);
                self.out.put(";\n", item.at);
            }
        }
    }

    fn statement(&mut self, name: &str, call: Code, at: usize) {
        self.out.put(&format!("{name} := "), at);
        self.out.append(&call);
        self.out.put(";\n", at);
    }

    fn is_read(&self, item: &Item, block: &Block, pin: &Pin) -> bool {
        let links = self.graph.readers(item.id).iter();
        let mut outputs = links.filter_map(|(_, link)| self.graph.output(item, block, link));
        outputs.any(|output| output.name == pin.name)
            || self.carriers.contains_key(&(item.id, key(&pin.name)))
    }

    /// `NAME(a, b)`; with names where parameters are left out or outputs are wanted.
    fn function_call(&mut self, item: &Item<'x>, block: &Block) -> Option<Code> {
        let mut inputs = Vec::new();
        let mut complete = block.in_outs.is_empty();
        let skipped = standard::extensible(&key(&block.type_name));
        for (number, pin) in block.inputs.iter().enumerate() {
            match self.argument(item, pin) {
                Some(value) => inputs.push((pin, value)),
                None if same(&pin.name, "EN") => {}
                // The inputs of an extensible function may be left out from anywhere in the row.
                None if skipped.is_some_and(|fixed| number >= fixed) => {}
                None => complete = false,
            }
        }
        for pin in &block.in_outs {
            let value = self.in_out_argument(item, pin)?;
            inputs.push((pin, value));
        }
        let result = block.result().map(|pin| pin.name.clone());
        let is_result = |pin: &&Pin| result.as_deref() == Some(pin.name.as_str());
        let mut outputs = Vec::new();
        for pin in block.outputs.iter().filter(|pin| !is_result(pin)) {
            let asked = same(&pin.name, "ENO") && self.asks_eno(item, block);
            if asked || self.is_read(item, block, pin) {
                outputs.push((pin, self.carrier(item, block, &pin.name)));
            }
        }
        let eno = outputs.iter().any(|(pin, _)| same(&pin.name, "ENO"));
        let enabled = inputs.iter().any(|(pin, _)| same(&pin.name, "EN"));
        let by_name = !complete || enabled || !outputs.is_empty() || inputs.is_empty();
        let mut call = Code::default();
        let compares = ["GT", "GE", "EQ", "LE", "LT"].contains(&key(&block.type_name).as_str());
        if compares && !by_name && inputs.len() > 2 {
            // A comparison of many is one of each with its neighbour (IEC 61131-3:2013, Table 33).
            for (number, pair) in inputs.windows(2).enumerate() {
                call.put(if number > 0 { " AND " } else { "" }, item.at);
                call.append(&block.type_code);
                call.put("(", item.at);
                call.append(&pair[0].1);
                call.put(", ", item.at);
                call.append(&pair[1].1);
                call.put(")", item.at);
            }
            return Some(call);
        }
        call.append(&block.type_code);
        call.put("(", item.at);
        let mut first = true;
        let mut separator = |call: &mut Code| {
            if !std::mem::take(&mut first) {
                call.put(", ", item.at);
            }
        };
        for (pin, value) in inputs {
            separator(&mut call);
            if by_name && !pin.name.is_empty() {
                call.put(&format!("{} := ", pin.name), pin.at);
            }
            call.append(&value);
        }
        for (pin, carrier) in outputs {
            separator(&mut call);
            call.put(&format!("{} => {carrier}", pin.name), pin.at);
        }
        if !eno && enabled && self.asks_eno(item, block) {
            separator(&mut call);
            let carrier = self.carrier(item, block, "ENO");
            call.put(&format!("ENO => {carrier}"), item.at);
        }
        call.put(")", item.at);
        Some(call)
    }

    fn call_instance(&mut self, item: &Item<'x>, block: &Block) {
        let mut call = block.instance.clone();
        call.put("(", item.at);
        let mut first = true;
        let mut arguments = Vec::new();
        for pin in &block.inputs {
            if self.is_stale(item, block, pin) {
                continue;
            }
            if let Some(value) = self.argument(item, pin) {
                arguments.push((pin, value));
            }
        }
        for pin in &block.in_outs {
            if let Some(value) = self.in_out_argument(item, pin) {
                arguments.push((pin, value));
            }
        }
        for (pin, value) in arguments {
            if !std::mem::take(&mut first) {
                call.put(", ", item.at);
            }
            call.put(&format!("{} := ", pin.name), pin.at);
            call.append(&value);
        }
        if self.asks_eno(item, block) {
            let carrier = self.carrier(item, block, "ENO");
            let comma = if first { "" } else { ", " };
            call.put(&format!("{comma}ENO => {carrier}"), item.at);
        }
        call.put(");\n", item.at);
        self.out.append(&call);
    }

    /// Whether an input is one that the block had when it was drawn and has no longer. The editors go on
    /// drawing it and leave it out of the program.
    fn is_stale(&mut self, item: &Item, block: &Block, pin: &Pin) -> bool {
        let environment = self.scope.environment;
        let unknown = environment.is_function_block(&block.type_name)
            && !same(&pin.name, "EN")
            && environment.parameter(&block.type_name, &pin.name) == Guess::Unknown;
        if unknown && !pin.input.links.is_empty() {
            let message = format!(
                "the input `{}` of {} does nothing: `{}` has no such parameter",
                pin.name,
                item.describe(),
                block.type_name
            );
            self.reports.warn(problems::NO_EFFECT, pin.at, message);
        }
        unknown
    }

    /// Whether somebody wants to know that a block was executed.
    fn asks_eno(&self, item: &Item, block: &Block) -> bool {
        if self.carriers.contains_key(&(item.id, "ENO".to_owned())) {
            return true;
        }
        let links = self.graph.readers(item.id).iter();
        let mut outputs = links.filter_map(|(_, link)| self.graph.output(item, block, link));
        outputs.any(|output| same(&output.name, "ENO"))
    }

    /// The value at an input of a block, with its modifiers.
    fn argument(&mut self, item: &Item<'x>, pin: &Pin) -> Option<Code> {
        self.no_storage(item, pin.modifier);
        let power = self.input(&pin.input)?;
        let power = self.modified((item.id, Slot::Pin(pin.at)), pin.at, pin.modifier, power);
        Some(power.code(pin.at))
    }

    fn in_out_argument(&mut self, item: &Item<'x>, pin: &Pin) -> Option<Code> {
        if pin.input.links.len() > 1 {
            let message = format!(
                "the VAR_IN_OUT `{}` of {} has several connections, and takes one variable",
                pin.name,
                item.describe()
            );
            self.reports.error(problems::UNSUPPORTED, pin.at, message);
            return None;
        }
        let value = self.input(&pin.input);
        if value.is_none() && pin.input.links.is_empty() {
            let message = format!(
                "the VAR_IN_OUT `{}` of {} is not connected",
                pin.name,
                item.describe()
            );
            self.reports.error(problems::UNCONNECTED, pin.at, message);
        }
        Some(value?.code(pin.at))
    }

    /// The variable that carries an output from the call to where it is used.
    pub(crate) fn carrier(&mut self, item: &Item<'x>, block: &Block, output: &str) -> String {
        let slot = (item.id, key(output));
        if let Some(name) = self.carriers.get(&slot) {
            return name.clone();
        }
        let ty = if same(output, "ENO") {
            "BOOL".to_owned()
        } else {
            self.carried_type(item, block, output)
        };
        let is_result = block.result().is_some_and(|pin| pin.name == output);
        let suffix = if is_result {
            String::new()
        } else {
            format!("_{output}")
        };
        let stem: String = if block.is_function() {
            format!("_{}_{}{suffix}", block.type_name, item.id)
        } else {
            format!("_{}{suffix}", block.instance.text())
        };
        let name = self.scope.declare(&stem, &ty, item.at);
        self.carried_types.insert(slot.clone(), ty);
        self.carriers.insert(slot, name.clone());
        name
    }

    fn carried_type(&mut self, item: &Item<'x>, block: &Block, output: &str) -> String {
        let mut left = MAX_GUESSES;
        match self.guess_output(item, block, output, true, &mut left) {
            Guess::Known(ty) if !ty.text.is_empty() => ty.text,
            Guess::Literal(real) => if real { "REAL" } else { "DINT" }.to_owned(),
            _ => {
                let message = format!("the type of what {} gives cannot be told", item.describe());
                self.reports.error(problems::NO_TYPE, item.at, message);
                "BOOL".to_owned()
            }
        }
    }

    /// The type at an output: from the declaration, from the inputs, or else from where it goes.
    fn guess_output(
        &self,
        item: &Item,
        block: &Block,
        output: &str,
        forward: bool,
        left: &mut usize,
    ) -> Guess {
        if let Some(ty) = self.carried_types.get(&(item.id, key(output))) {
            return Guess::named(ty);
        }
        if *left == 0 {
            return Guess::Unknown;
        }
        *left -= 1;
        if !block.is_function() {
            return self.scope.environment.parameter(&block.type_name, output);
        }
        let name = key(&block.type_name);
        let is_result = block.result().is_none_or(|pin| pin.name == output);
        if let Some(signature) = self.scope.environment.pous.get(&name) {
            let declared = signature.result.clone().filter(|_| is_result);
            return declared.map_or_else(
                || self.scope.environment.parameter(&name, output),
                Guess::Known,
            );
        }
        let considered = |number: usize, pin: &Pin| match standard::result(&name) {
            ResultType::Same(names) => names.iter().any(|known| same(known, &pin.name)),
            ResultType::SameBehindFirst => number > 0,
            ResultType::SameAll => true,
            ResultType::Fixed(_) | ResultType::Unknown => false,
        };
        let mut guess = match standard::result(&name) {
            ResultType::Fixed(ty) => return Guess::named(ty),
            _ => Guess::Unknown,
        };
        if let Some(guess) = self.guess_of_times(block, &name, left) {
            return guess;
        }
        let pins = block.inputs.iter().filter(|pin| !same(&pin.name, "EN"));
        for (_, pin) in pins
            .enumerate()
            .filter(|(number, pin)| considered(*number, pin))
        {
            guess = guess.or(|| self.guess_input(pin, left));
        }
        if forward {
            guess = guess.or(|| self.guess_reader(item, left));
        }
        guess
    }

    /// Results of arithmetic with durations and dates (IEC 61131-3:2013, Table 35), where one is meant.
    fn guess_of_times(&self, block: &Block, function: &str, left: &mut usize) -> Option<Guess> {
        if !["ADD", "SUB", "MUL", "DIV"].contains(&function) {
            return None;
        }
        let pins = block.inputs.iter().filter(|pin| !same(&pin.name, "EN"));
        let mut types = Vec::new();
        for pin in pins {
            if let Guess::Known(ty) = self.guess_input(pin, left) {
                types.push(key(&ty.text));
            }
        }
        let types: Vec<&str> = types
            .iter()
            .filter_map(|ty| standard::elementary(ty))
            .collect();
        let is_date = |ty: &&str| ["DATE", "TOD", "DT"].contains(&ty.trim_start_matches('L'));
        let date = types.iter().position(is_date);
        let time = types.iter().position(|ty| *ty == "TIME" || *ty == "LTIME");
        match (function, date, time) {
            ("SUB", Some(0), None) if types[0].starts_with('L') => Some(Guess::named("LTIME")),
            ("SUB", Some(0), None) => Some(Guess::named("TIME")),
            ("ADD" | "SUB", Some(at), _) | (_, None, Some(at)) => Some(Guess::named(types[at])),
            _ => None,
        }
    }

    fn guess_input(&self, pin: &Pin, left: &mut usize) -> Guess {
        let mut guess = Guess::Unknown;
        if let Some(expression) = &pin.input.expression {
            guess = self.scope.guess(expression.text());
        }
        for link in &pin.input.links {
            guess = guess.or(|| self.guess_link(link, left));
        }
        guess
    }

    fn guess_link(&self, link: &Link, left: &mut usize) -> Guess {
        if *left == 0 {
            return Guess::Unknown;
        }
        *left -= 1;
        let Some(item) = self.graph.items.get(&link.source) else {
            return Guess::Unknown;
        };
        match &item.kind {
            Kind::InVariable(code, _) | Kind::InOutVariable(code, ..) => {
                self.scope.guess(code.text())
            }
            Kind::LeftRail | Kind::Contact(..) | Kind::Coil(..) => Guess::named("BOOL"),
            Kind::Block(block) => match self.graph.output(item, block, link) {
                Some(pin) => match block.in_outs.iter().find(|own| same(&own.name, &pin.name)) {
                    Some(own) => self.guess_input(own, left),
                    None => self.guess_output(item, block, &pin.name, false, left),
                },
                None => Guess::Unknown,
            },
            Kind::Continuation(name) => {
                let connector = self.graph.connectors(name).next();
                let link = connector.and_then(|connector| connector.input.links.first());
                link.map_or(Guess::Unknown, |link| self.guess_link(link, left))
            }
            _ => Guess::Unknown,
        }
    }

    /// The type of what arrives at a connector, as far as it can be told.
    pub(crate) fn connector_type(&self, connector: &Item) -> Option<String> {
        let mut left = MAX_GUESSES;
        match self.guess_link(connector.input.links.first()?, &mut left) {
            Guess::Known(ty) => Some(ty.text).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// The type that those expect who read an output.
    fn guess_reader(&self, item: &Item, left: &mut usize) -> Guess {
        let mut guess = Guess::Unknown;
        for (reader, link) in self.graph.readers(item.id) {
            let Some(reader) = self.graph.items.get(reader) else {
                continue;
            };
            guess = guess.or(|| match &reader.kind {
                Kind::OutVariable(code, _) | Kind::InOutVariable(code, ..) => {
                    self.scope.guess(code.text())
                }
                Kind::Coil(..) | Kind::Contact(..) => Guess::named("BOOL"),
                Kind::Connector(name) if *left > 0 => {
                    *left -= 1;
                    let others = self.graph.continuations(name);
                    others.fold(Guess::Unknown, |guess, other| {
                        guess.or(|| self.guess_reader(other, left))
                    })
                }
                Kind::Block(block) => {
                    let pins = block.inputs.iter().chain(&block.in_outs);
                    let mut reads =
                        pins.filter(|pin| pin.input.links.iter().any(|own| own.at == link.at));
                    let Some(pin) = reads.next() else {
                        return Guess::Unknown;
                    };
                    self.scope
                        .environment
                        .parameter(&block.type_name, &pin.name)
                        .or(|| {
                            let behind = block.result().filter(|_| block.is_function());
                            behind.map_or(Guess::Unknown, |result| {
                                self.guess_output(reader, block, &result.name, true, left)
                            })
                        })
                }
                _ => Guess::Unknown,
            });
        }
        guess
    }
}

/// How deep parentheses are inside of each other.
fn nesting(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for byte in text.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}
