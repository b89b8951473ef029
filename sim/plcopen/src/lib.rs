//! PLCopen TC6 XML projects, translated into IEC 61131-3 text.
//!
//! Editors such as Beremiz and OpenPLC Editor keep a project in one XML file, with ladders, function
//! block diagrams and charts as drawings. [`import`] turns such a file into text that
//! [`sim_st::compile_all`] compiles and that a person can read: ladders and function blocks become
//! statements, charts become the textual form of the Sequential Function Chart, bodies in ST and IL stay
//! as they are. [`compile_for`] does both and reports every mistake at its place in the XML.
//!
//! # Invariants
//!
//! - Nothing is dropped silently: what has no translation is an error with its place, and what has no
//!   effect is a warning.
//! - Every byte of the text has an origin in the XML.
//! - Whatever the input, there is a result and no panic: sizes and depths are bounded, and document types
//!   are refused, so that no entity can grow.
//!
//! # Source
//!
//! PLCopen Technical Committee 6, *XML Formats for IEC 61131-3*, versions 1.01 to 2.01. The order of
//! execution follows the generator of Beremiz; see `network` for the one difference.
//!
//! # Examples
//!
//! ```
//! let xml = r#"<project xmlns="http://www.plcopen.org/xml/tc6_0201"><types><dataTypes/><pous>
//!   <pou name="Light" pouType="program">
//!     <interface><localVars><variable name="on"><type><BOOL/></type></variable></localVars></interface>
//!     <body><LD>
//!       <leftPowerRail localId="1"><position x="0" y="0"/></leftPowerRail>
//!       <contact localId="2" negated="true"><position x="10" y="0"/>
//!         <connectionPointIn><connection refLocalId="1"/></connectionPointIn>
//!         <variable>on</variable></contact>
//!       <coil localId="3"><position x="20" y="0"/>
//!         <connectionPointIn><connection refLocalId="2"/></connectionPointIn>
//!         <variable>on</variable></coil>
//!     </LD></body>
//!   </pou></pous></types><instances><configurations/></instances></project>"#;
//! let import = sim_plcopen::import(xml, "light.xml").expect("the project is right");
//! assert!(import.text().contains("on := NOT on;"));
//! ```

mod address;
mod block;
mod code;
mod configuration;
mod declare;
mod graph;
mod jump;
mod network;
mod places;
mod pou;
mod power;
pub mod problems;
mod scope;
mod sfc;
mod standard;
mod text;
mod vendor;
mod xml;

pub use problems::explain;

use roxmltree::Document;
use sim_st::{Compilation, Diagnostic, Program, Purpose};

use code::{Code, Mark, locate};
use places::Places;
use scope::Environment;
use xml::{Element, Lines, Reports, children, name};

/// Longest file that is read, bytes.
const MAX_LEN: usize = 16 << 20;

/// A project as text.
#[derive(Clone, Debug)]
pub struct Import {
    file: String,
    xml: String,
    text: String,
    marks: Vec<Mark>,
    lines: Lines,
    places: Places,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl Import {
    /// The project in the textual languages of IEC 61131-3.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What was left out because it does nothing, or was not read because it says nothing of the program.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The name that the text has as a source file: that of the project, with `.st` behind it.
    #[must_use]
    pub fn text_name(&self) -> String {
        text_name(&self.file)
    }

    /// The byte of the XML that a byte of the text comes from.
    #[must_use]
    pub fn origin(&self, offset: usize) -> usize {
        locate(&self.xml, &self.marks, offset)
    }

    /// Line and column in the XML, both from 1, of a line of the text, from 1.
    ///
    /// A line that the text does not have is taken for its last.
    #[must_use]
    pub fn origin_of_line(&self, line: u32) -> (u32, u32) {
        let starts = self
            .text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n');
        let nth = (line as usize)
            .checked_sub(2)
            .and_then(|n| starts.map(|(at, _)| at + 1).nth(n));
        let start = nth.unwrap_or(0);
        let text = self.text.get(start..).unwrap_or("");
        let lead = text.len() - text.trim_start_matches(' ').len();
        let offset = self.origin(start + lead);
        self.lines.place(&self.xml, offset)
    }

    /// Moves what the compiler said about the text to its place in the XML.
    fn place(&self, found: Diagnostic) -> Diagnostic {
        let origin = self.origin(found.span.start as usize);
        let message = format!("{}{}", found.message, self.places.element(origin));
        let report = (found.code, origin, message, found.hint);
        xml::diagnostic(&self.xml, &self.file, &self.lines, report)
    }
}

fn text_name(file: &str) -> String {
    format!("{file}.st")
}

/// Whether a file is taken for a PLCopen project, by its name.
#[must_use]
pub fn is_project(file_name: &str) -> bool {
    let extension = file_name
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    extension.eq_ignore_ascii_case("xml")
}

/// Translates a project into text.
///
/// # Arguments
///
/// * `xml` — the content of the file; line ends may be LF or CR LF.
/// * `file` — its name, for the reports; nothing is read from there.
///
/// # Errors
///
/// Everything that has no translation, in the order of the file; never empty.
pub fn import(xml: &str, file: &str) -> Result<Import, Vec<Diagnostic>> {
    let import = translate(xml, file, &Environment::default());
    if import.errors.is_empty() {
        Ok(import)
    } else {
        Err(import.errors)
    }
}

/// A program with the projects that it was made from.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program.
    pub program: Program,
    /// What was left out of projects because it does nothing, and what the compiler found doubtful, each at its
    /// place in the file that was given.
    pub warnings: Vec<Diagnostic>,
    /// The projects among its sources.
    pub projects: Projects,
}

/// The projects that a program was made from, as they were translated together.
#[derive(Clone, Debug)]
pub struct Projects(Vec<Import>);

impl Projects {
    /// The project that a line of the program stands in, with line and column there, both from 1; nothing
    /// where the line is from no project.
    ///
    /// # Arguments
    ///
    /// * `file`, `line` — as the program tells them, for instance with a fault; lines count from 1.
    #[must_use]
    pub fn origin_of_line(&self, file: &str, line: u32) -> Option<(&str, u32, u32)> {
        let mut imports = self.0.iter();
        let import = imports.find(|import| import.text_name() == file)?;
        let (line, column) = import.origin_of_line(line);
        Some((&import.file, line, column))
    }
}

/// Compiles source files into one program, projects (`.xml`) and Structured Text together.
///
/// # Arguments
///
/// * `purpose`, `sources` — as for [`sim_st::compile_for`].
///
/// # Errors
///
/// Every mistake that was found, each at its place in the file that was given; never empty.
pub fn compile_for(
    purpose: Purpose,
    sources: &[(&str, &str)],
) -> Result<Compiled, Vec<Diagnostic>> {
    // What one project declares, all know.
    let mut shared = Environment::default();
    for (text, file) in sources.iter().filter(|(_, file)| is_project(file)) {
        let mut reports = Reports::new(text, file);
        if let Some(document) = parse(&mut reports) {
            shared.extend(&Parts::of(&mut reports, document.root_element()).environment());
        }
    }
    let mut imports = Vec::new();
    for (text, file) in sources {
        imports.push(is_project(file).then(|| translate(text, file, &shared)));
    }
    let names: Vec<String> = sources.iter().map(|(_, file)| text_name(file)).collect();
    let mut texts: Vec<(&str, &str)> = Vec::new();
    for (((text, file), import), name) in sources.iter().zip(&imports).zip(&names) {
        match import {
            Some(import) => texts.push((&import.text, name)),
            None => texts.push((text, file)),
        }
    }
    let mut found: Vec<Diagnostic> = Vec::new();
    for import in imports.iter().flatten() {
        found.extend(import.errors.iter().cloned());
    }
    // Where the text is not whole, the compiler's reports about the same POU would only follow from that.
    let broken: Vec<(String, u32, u32)> = imports.iter().flatten().flat_map(broken_parts).collect();
    let placed = |diagnostic: Diagnostic| {
        let mut pairs = names.iter().zip(&imports);
        match pairs.find(|(name, _)| **name == diagnostic.file) {
            Some((_, Some(import))) => import.place(diagnostic),
            _ => diagnostic,
        }
    };
    let order = |d: &Diagnostic| sources.iter().position(|(_, file)| *file == d.file);
    let compiled = match sim_st::compile_for(purpose, &texts) {
        Ok(Compilation { program, warnings }) if found.is_empty() => {
            let mut warnings: Vec<Diagnostic> = warnings.into_iter().map(placed).collect();
            for import in imports.iter().flatten() {
                warnings.extend(import.warnings.iter().cloned());
            }
            warnings.sort_by_key(|warning| (order(warning), warning.span, warning.code));
            return Ok(Compiled {
                program,
                warnings,
                projects: Projects(imports.into_iter().flatten().collect()),
            });
        }
        Ok(_) => Vec::new(),
        Err(compiled) => compiled,
    };
    for diagnostic in compiled {
        let diagnostic = placed(diagnostic);
        let at = diagnostic.span.start;
        let follows = broken
            .iter()
            .any(|(file, start, end)| *file == diagnostic.file && (*start..*end).contains(&at));
        if !follows && !found.contains(&diagnostic) {
            found.push(diagnostic);
        }
    }
    found.sort_by_key(|diagnostic| (order(diagnostic), diagnostic.span, diagnostic.code));
    Err(found)
}

/// The parts of a file that hold errors of the import: the POU around each, or else everything.
fn broken_parts(import: &Import) -> Vec<(String, u32, u32)> {
    let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let mut parts = Vec::new();
    for error in &import.errors {
        let at = error.span.start as usize;
        let (start, end) = import.places.pou_range(at).unwrap_or((0, usize::MAX));
        let part = (import.file.clone(), narrow(start), narrow(end));
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

fn translate(xml: &str, file: &str, others: &Environment) -> Import {
    let mut reports = Reports::new(xml, file);
    let mut code = Code::default();
    if let Some(document) = parse(&mut reports) {
        let root = document.root_element();
        let parts = Parts::of(&mut reports, root);
        let mut environment = parts.environment();
        environment.extend(others);
        code = parts.translate(&mut reports, &environment);
    }
    let (text, marks) = code.into_parts();
    text::pragmas(&mut reports, &text, &marks);
    let Reports {
        mut errors,
        warnings,
        lines,
        places,
        ..
    } = reports;
    errors.sort_by_key(|error| (error.span, error.code));
    Import {
        file: file.to_owned(),
        xml: xml.to_owned(),
        text,
        marks,
        lines,
        places,
        errors,
        warnings,
    }
}

/// The parts of a project.
#[derive(Default)]
struct Parts<'x> {
    types: Vec<Element<'x>>,
    pous: Vec<Element<'x>>,
    configurations: Vec<Element<'x>>,
}

impl<'x> Parts<'x> {
    fn of(reports: &mut Reports, root: Element<'x>) -> Self {
        let mut parts = Self::default();
        for part in children(root) {
            match name(part) {
                "fileHeader" | "contentHeader" | "documentation" => {}
                "addData" => vendor::check(reports, part),
                "types" | "instances" => {
                    for list in children(part) {
                        match name(list) {
                            "dataTypes" => parts.types.extend(children(list)),
                            "pous" => parts.pous.extend(children(list)),
                            "configurations" => parts.configurations.extend(children(list)),
                            "addData" => vendor::check(reports, list),
                            _ => reports.unknown(list),
                        }
                    }
                }
                _ => reports.unknown(part),
            }
        }
        parts
    }

    fn environment(&self) -> Environment {
        let globals = configuration::global_lists(&self.configurations);
        declare::environment(&self.types, &self.pous, &globals)
    }

    fn translate(&self, reports: &mut Reports, environment: &Environment) -> Code {
        let mut code = declare::types(reports, environment, &self.types);
        for pou in &self.pous {
            code.append(&pou::pou(reports, environment, *pou));
        }
        for part in &self.configurations {
            configuration::configuration(reports, environment, *part, &mut code);
        }
        code
    }
}

/// Parses a file that is not too long.
fn parse<'x>(reports: &mut Reports<'x>) -> Option<Document<'x>> {
    if reports.xml.len() > MAX_LEN {
        let message = format!("the file is longer than {MAX_LEN} bytes");
        reports.error(problems::TOO_LARGE, 0, message);
        return None;
    }
    xml::parse(reports)
}
