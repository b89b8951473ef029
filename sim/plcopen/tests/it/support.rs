//! Projects for tests, small ones from their parts.

use std::sync::Arc;

use sim_st::{Image, Machine};

pub(crate) const STARTER: &str = include_str!("../projects/starter.xml");
pub(crate) const FILLING: &str = include_str!("../projects/filling.xml");

/// A project with one PROGRAM `Main`. All of `bools` are BOOL, all of `ints` INT.
pub(crate) fn project(bools: &str, ints: &str, more: &str, body: &str) -> String {
    let list = |names: &str, ty: &str| -> String {
        let variable = |name| format!("<variable name=\"{name}\"><type>{ty}</type></variable>");
        names.split_whitespace().map(variable).collect()
    };
    format!(
        "<project xmlns=\"http://www.plcopen.org/xml/tc6_0201\" \
         xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n<types><dataTypes/><pous>\n\
         <pou name=\"Main\" pouType=\"program\"><interface><localVars>{}{}{more}</localVars></interface>\n\
         {body}\n</pou></pous></types><instances><configurations/></instances></project>",
        list(bools, "<BOOL/>"),
        list(ints, "<INT/>")
    )
}

/// A variable of a type that the project or the standard names.
pub(crate) fn derived(name: &str, ty: &str) -> String {
    format!("<variable name=\"{name}\"><type><derived name=\"{ty}\"/></type></variable>")
}

/// Connections to elements, `3` or `3.Q`.
fn connections(sources: &str) -> String {
    let connection = |source: &str| match source.split_once('.') {
        Some((id, output)) => {
            format!("<connection refLocalId=\"{id}\" formalParameter=\"{output}\"/>")
        }
        None => format!("<connection refLocalId=\"{source}\"/>"),
    };
    sources.split_whitespace().map(connection).collect()
}

/// An element at a place: `element("coil", 3, (40, 0), "2", "negated=\"true\"", "<variable>m</variable>")`.
pub(crate) fn element(
    tag: &str,
    id: u32,
    (x, y): (i32, i32),
    sources: &str,
    attributes: &str,
    inside: &str,
) -> String {
    let input = match sources {
        "" => String::new(),
        _ => format!(
            "<connectionPointIn>{}</connectionPointIn>",
            connections(sources)
        ),
    };
    format!(
        "<{tag} localId=\"{id}\" {attributes}><position x=\"{x}\" y=\"{y}\"/>{input}{inside}</{tag}>\n"
    )
}

pub(crate) fn rail(id: u32) -> String {
    element("leftPowerRail", id, (0, 0), "", "", "")
}

pub(crate) fn contact(
    id: u32,
    place: (i32, i32),
    from: &str,
    name: &str,
    attributes: &str,
) -> String {
    element(
        "contact",
        id,
        place,
        from,
        attributes,
        &format!("<variable>{name}</variable>"),
    )
}

pub(crate) fn coil(id: u32, place: (i32, i32), from: &str, name: &str, attributes: &str) -> String {
    element(
        "coil",
        id,
        place,
        from,
        attributes,
        &format!("<variable>{name}</variable>"),
    )
}

pub(crate) fn input(id: u32, place: (i32, i32), expression: &str) -> String {
    let inside = format!("<expression>{expression}</expression>");
    element("inVariable", id, place, "", "", &inside)
}

pub(crate) fn output(id: u32, place: (i32, i32), from: &str, expression: &str) -> String {
    let inside = format!("<expression>{expression}</expression>");
    element("outVariable", id, place, from, "", &inside)
}

/// A block; inputs are `IN1=3`, and `!IN=3` is negated.
pub(crate) fn block(
    id: u32,
    place: (i32, i32),
    ty: &str,
    attributes: &str,
    inputs: &[&str],
    outputs: &[&str],
) -> String {
    let pin = |input: &&str| {
        let (name, from) = input.split_once('=').expect("an input has a source");
        let negated = name.starts_with('!');
        format!(
            "<variable formalParameter=\"{}\" negated=\"{negated}\"><connectionPointIn>{}\
             </connectionPointIn></variable>",
            name.trim_start_matches('!'),
            connections(from)
        )
    };
    let out = |name: &&str| {
        format!("<variable formalParameter=\"{name}\"><connectionPointOut/></variable>")
    };
    let inside = format!(
        "<inputVariables>{}</inputVariables><inOutVariables/><outputVariables>{}</outputVariables>",
        inputs.iter().map(pin).collect::<String>(),
        outputs.iter().map(out).collect::<String>()
    );
    element(
        "block",
        id,
        place,
        "",
        &format!("typeName=\"{ty}\" {attributes}"),
        &inside,
    )
}

/// The statements of `Main`, behind its declarations.
pub(crate) fn statements(xml: &str) -> String {
    let import = match sim_plcopen::import(xml, "p.xml") {
        Ok(import) => import,
        Err(found) => panic!("{}", found[0]),
    };
    sim_plcopen::compile_for(sim_st::Purpose::Run, &[(xml, "p.xml")])
        .unwrap_or_else(|found| panic!("{}", found[0]));
    let text = import.text();
    let body = text.rsplit("END_VAR\n").next().expect("there is a text");
    body.split("END_PROGRAM")
        .next()
        .expect("there is a text")
        .to_owned()
}

/// A program that runs every 100 ms.
pub(crate) struct Bench {
    pub(crate) machine: Machine,
    pub(crate) image: Image,
    now_ms: u64,
}

impl Bench {
    pub(crate) fn new(xml: &str) -> Self {
        let program = sim_plcopen::compile_for(sim_st::Purpose::Run, &[(xml, "p.xml")]);
        let program = program
            .unwrap_or_else(|found| panic!("{}", found[0]))
            .program;
        Self {
            machine: Machine::new(Arc::new(program)),
            image: Image::new(),
            now_ms: 0,
        }
    }

    /// Runs the scans up to one that begins at a time, that one included.
    pub(crate) fn run_to(&mut self, until_ms: u64) {
        while self.now_ms <= until_ms {
            let now_ns = self.now_ms * 1_000_000;
            let report = self.machine.scan(&mut self.image, now_ns, 100_000_000);
            assert_eq!(report.trap, None, "at {} ms", self.now_ms);
            self.now_ms += 100;
        }
    }

    pub(crate) fn value(&self, name: &str) -> String {
        let value = self.machine.read(name);
        value
            .unwrap_or_else(|| panic!("{name} is a variable"))
            .to_string()
    }

    /// The numbers of the outputs `%QX0.n` that are TRUE.
    pub(crate) fn outputs(&self) -> Vec<usize> {
        (0..8).filter(|bit| self.image.qx[*bit]).collect()
    }
}

/// Two projects that need each other: `Main` of the first stores what `Half` of the second gives, and has a
/// contact that does nothing. With `by` 0, `Half` divides by zero.
pub(crate) fn two_projects(by: u32) -> [String; 2] {
    let elements = [
        input(1, (0, 0), "x"),
        block(2, (40, 0), "Half", "", &["n=1"], &["OUT"]),
        output(3, (80, 0), "2", "p.a"),
        output(4, (80, 40), "2", "p.b"),
        rail(5),
        contact(6, (10, 90), "5", "a", ""),
    ];
    let body = format!("<body><LD>{}</LD></body>", elements.concat());
    let first = project("a", "x", &derived("p", "Pair"), &body);
    let member = |name| format!("<variable name=\"{name}\"><type><INT/></type></variable>");
    let pair = format!(
        "<dataType name=\"Pair\"><baseType><struct>{}{}</struct></baseType></dataType>",
        member("a"),
        member("b")
    );
    let second = format!(
        "<project xmlns=\"http://www.plcopen.org/xml/tc6_0201\" xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n\
         <types><dataTypes>{pair}</dataTypes><pous>\n<pou name=\"Half\" pouType=\"function\"><interface><returnType><INT/></returnType>\
         <inputVars><variable name=\"n\"><type><INT/></type></variable></inputVars>\
         <localVars><variable name=\"part\"><type><INT/></type><initialValue><simpleValue value=\"{by}\"/></initialValue>\
         </variable></localVars></interface>\n<body><ST><xhtml:p><![CDATA[\nHalf := n / part;\n]]></xhtml:p></ST></body>\n\
         </pou></pous></types><instances><configurations/></instances></project>"
    );
    [first, second]
}
