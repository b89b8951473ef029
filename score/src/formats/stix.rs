//! Sightings of STIX 2.1: a bundle as one document, or bundles and objects behind one another.
//!
//! A sighting says that something was seen and refers to all else: to what was seen (an indicator, a technique, a
//! malware), to who saw it, to the data. So the whole file is read before the first sighting is; what no sighting
//! refers to is counted as skipped. Observed data without a sighting is telemetry.
//!
//! Places in errors are those of the object in the document: a bundle is not written in lines.
//!
//! # Source
//!
//! OASIS STIX 2.1: 3.2 (common properties), 3.6 (versions), 4.7 (indicator), 4.14 (observed data), 5.1, 5.2 (relationship,
//! sighting), 6 (observables), 8 (bundle). TAXII 2.1, 3.7 (envelope).

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::field::describe;
use super::shape::{End, Record, Shape, What, short};
use super::sniff::{self, Object, char_column, count_u64, kind_of_text};
use super::{Format, Import, ImportError, ImportOptions, guess, time};
use crate::attack;

/// Where the fields stand once all that a sighting refers to is put into it, see [`Library::resolved`].
const SHAPE: Shape = Shape {
    tool: &["created_by.name"],
    occurred: &["first_seen", "last_seen"],
    time: &["created"],
    time_hint: "2026-01-05T06:00:15.250Z",
    sensor: &["where_sighted.name"],
    sig_id: &["sighting_of_ref"],
    sig_name: &["sighting_of.name", "description", "sighting_of.pattern"],
    also: &["sighting_of.name"],
    src: End {
        ip: &["ends.src.ip"],
        asset: &["ends.src.name"],
        port: &["ends.src.port"],
        mac: &["ends.src.mac"],
        ..End::NONE
    },
    dst: End {
        ip: &["ends.dst.ip"],
        asset: &["ends.dst.name"],
        port: &["ends.dst.port"],
        mac: &["ends.dst.mac"],
        ..End::NONE
    },
    host: End {
        asset: &["ends.system"],
        ..End::NONE
    },
    proto: &["ends.proto"],
    techniques: &["attack.techniques"],
    tactics: &["attack.tactics"],
    tags: &["labels", "sighting_of.labels"],
    ..Shape::NONE
};

/// Observed data that no sighting refers to.
const TELEMETRY: Shape = Shape {
    occurred: &["first_observed", "last_observed"],
    sig_id: &[],
    sig_name: &[],
    also: &[],
    ..SHAPE
};

/// As many observables of one sighting are looked at: lists of references may repeat what is large, so that a short file
/// could ask for very much work.
const OBSERVABLES_LIMIT: usize = 1000;

/// Kill chain of ATT&CK for ICS.
const KILL_CHAIN: &str = "mitre-ics-attack";

/// An object of the file.
struct Item {
    object: Object,
    line: u64,
    column: u64,
}

impl Item {
    fn text(&self, field: &str) -> Option<&str> {
        text(&self.object, field)
    }

    /// When this version was made, ns; 0 where it does not say so.
    fn version(&self, options: &ImportOptions) -> i128 {
        let said = self.text("modified").or_else(|| self.text("created"));
        said.and_then(|at| time::unix_ns(at, options).ok())
            .unwrap_or_default()
    }
}

/// Reads a file into `import`.
pub(super) fn read(
    text: &str,
    options: &ImportOptions,
    import: &mut Import,
) -> Result<(), ImportError> {
    let items = items(text)?;
    let library = Library::of(&items, options);
    let mut used = BTreeSet::new();
    for (at, item) in items.iter().enumerate() {
        if item.text("type") == Some("sighting") {
            let read = library.sighting(at, item, &mut used, options, import);
            read.map_err(|error| placed(error, item))?;
        }
    }
    for item in &items {
        match item.text("type") {
            Some("sighting") => {}
            _ if item.text("id").is_some_and(|id| used.contains(id)) => {}
            Some("observed-data") => {
                let read = library.observed(item, &mut used, options, import);
                read.map_err(|error| placed(error, item))?;
            }
            _ => {}
        }
    }
    for item in &items {
        let is_used = item.text("id").is_some_and(|id| used.contains(id));
        match item.text("type") {
            Some("sighting" | "observed-data") => {}
            _ if is_used => {}
            Some(kind) => {
                import.skip(&format!("`{}` that no sighting refers to", short(kind)));
            }
            None => import.skip("object without a type"),
        }
    }
    // Objects of a bundle are in no order, so that none is late.
    import.alerts.sort_by_key(|alert| alert.t_ns);
    Ok(())
}

/// An error with the column of its object.
fn placed(error: ImportError, item: &Item) -> ImportError {
    ImportError {
        column: Some(item.column),
        ..error
    }
}

fn text<'a>(object: &'a Object, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str)
}

/// The texts of a list; what is no text is passed over.
fn texts<'a>(object: &'a Object, field: &str) -> impl Iterator<Item = &'a str> {
    let list = object.get(field).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// The objects of a list.
fn objects<'a>(object: &'a Object, field: &str) -> impl Iterator<Item = &'a Object> {
    let list = object.get(field).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object)
}

/// What can be referred to.
struct Library<'a> {
    /// By identifier, the newest version.
    known: BTreeMap<&'a str, &'a Object>,
    /// What an indicator is said to indicate: relationship and technique.
    indicates: BTreeMap<&'a str, Vec<(&'a str, &'a str)>>,
    /// Which of the versions of a sighting counts: the first, which was not withdrawn.
    counts: BTreeMap<&'a str, usize>,
}

impl<'a> Library<'a> {
    fn of(items: &'a [Item], options: &ImportOptions) -> Self {
        let mut library = Self {
            known: BTreeMap::new(),
            indicates: BTreeMap::new(),
            counts: BTreeMap::new(),
        };
        let mut versions: BTreeMap<&str, i128> = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            let Some(id) = item.text("id") else {
                continue;
            };
            let version = item.version(options);
            if versions.get(id).is_none_or(|known| *known <= version) {
                versions.insert(id, version);
                library.known.insert(id, &item.object);
            }
            if item.text("type") == Some("sighting") && !is_revoked(&item.object) {
                let first = library.counts.entry(id).or_insert(at);
                if items[*first].version(options) > version {
                    *first = at;
                }
            }
        }
        for (id, object) in &library.known {
            let is_it = text(object, "type") == Some("relationship")
                && text(object, "relationship_type") == Some("indicates")
                && !is_revoked(object);
            if let Some((from, to)) = text(object, "source_ref").zip(text(object, "target_ref"))
                && is_it
            {
                library.indicates.entry(from).or_default().push((id, to));
            }
        }
        library
    }

    /// Reads a sighting into `import`.
    fn sighting(
        &self,
        at: usize,
        item: &'a Item,
        used: &mut BTreeSet<&'a str>,
        options: &ImportOptions,
        import: &mut Import,
    ) -> Result<(), ImportError> {
        let own = &item.object;
        let record = Record {
            object: own,
            line: item.line,
        };
        let Some(of) = text(own, "sighting_of_ref").filter(|of| !of.trim().is_empty()) else {
            return Err(match own.get("sighting_of_ref") {
                None | Some(Value::Null | Value::String(_)) => {
                    record.missing("sighting_of_ref", Some("it says what was seen"))
                }
                Some(other) => expected(&record, "sighting_of_ref", "an identifier", other),
            });
        };
        for field in ["first_seen", "last_seen"] {
            check_time(&record, field, options)?;
        }
        // What it refers to is used even where it is not counted again.
        let resolved = self.resolved(own, of, used, import);
        if is_revoked(own) {
            import.skip("sighting that was revoked");
            return Ok(());
        }
        let first = item.text("id").and_then(|id| self.counts.get(id));
        if first.is_some_and(|first| *first != at) {
            import.skip("other version of a sighting");
            return Ok(());
        }
        match own.get("count") {
            None | Some(Value::Null) => {}
            Some(Value::Number(count)) if count.as_u64() == Some(0) => {
                import.skip("sighting with a count of 0: nothing was seen");
                return Ok(());
            }
            Some(Value::Number(count)) if count.is_u64() => {}
            Some(other) => return Err(expected(&record, "count", "a whole number", other)),
        }
        if !self.known.contains_key(of) {
            import.note("sighting of an object that is not in the file");
        }
        let record = Record {
            object: &resolved,
            line: item.line,
        };
        SHAPE.take(&record, What::Alert, options, import)
    }

    /// Reads observed data without a sighting into `import`.
    fn observed(
        &self,
        item: &'a Item,
        used: &mut BTreeSet<&'a str>,
        options: &ImportOptions,
        import: &mut Import,
    ) -> Result<(), ImportError> {
        let own = &item.object;
        if is_revoked(own) {
            import.skip("observed data that was revoked");
            return Ok(());
        }
        let record = Record {
            object: own,
            line: item.line,
        };
        for field in ["first_observed", "last_observed"] {
            check_time(&record, field, options)?;
        }
        let mut resolved = own.clone();
        let mut ends = self.ends(vec![own], used, import);
        ends.remove("system");
        resolved.insert("ends".to_owned(), Value::Object(ends));
        if let Some(maker) = self.follow(own, "created_by_ref", used) {
            resolved.insert("created_by".to_owned(), Value::Object(maker.clone()));
        }
        let record = Record {
            object: &resolved,
            line: item.line,
        };
        let what = What::Log("observed-data".to_owned());
        TELEMETRY.take(&record, what, options, import)
    }

    /// A sighting with all that it refers to: `sighting_of`, `created_by`, `where_sighted`, and from these `ends` and
    /// `attack`.
    fn resolved(
        &self,
        own: &'a Object,
        of: &'a str,
        used: &mut BTreeSet<&'a str>,
        import: &mut Import,
    ) -> Object {
        let mut resolved = own.clone();
        let mut put = |name: &str, value: Value| {
            resolved.insert(name.to_owned(), value);
        };
        let sighted = self.find(of, used);
        put("attack", self.attack(own, of, sighted, used));
        if let Some(sighted) = sighted {
            put("sighting_of", Value::Object(sighted.clone()));
        }
        if let Some(maker) = self.follow(own, "created_by_ref", used) {
            put("created_by", Value::Object(maker.clone()));
        }
        let places: Vec<&Object> = texts(own, "where_sighted_refs")
            .filter_map(|id| self.find(id, used))
            .collect();
        let data: Vec<&Object> = texts(own, "observed_data_refs")
            .filter_map(|id| self.find(id, used))
            .collect();
        let mut ends = self.ends(data, used, import);
        let system = places
            .iter()
            .find(|place| text(place, "identity_class") == Some("system"))
            .and_then(|place| text(place, "name"));
        if let Some(system) = system {
            ends.insert("system".to_owned(), system.into());
        }
        put("ends", Value::Object(ends));
        let names = places.iter().filter_map(|place| place.get("name"));
        let places = names.map(|name| json!({ "name": name })).collect();
        put("where_sighted", Value::Array(places));
        resolved
    }

    fn find(&self, id: &'a str, used: &mut BTreeSet<&'a str>) -> Option<&'a Object> {
        used.insert(id);
        self.known.get(id).copied()
    }

    fn follow(
        &self,
        object: &'a Object,
        field: &str,
        used: &mut BTreeSet<&'a str>,
    ) -> Option<&'a Object> {
        text(object, field).and_then(|id| self.find(id, used))
    }

    /// Techniques and tactics: of the sighting, of what was seen, and of the techniques that this indicates.
    ///
    /// What a malware or an actor uses otherwise was not seen.
    fn attack(
        &self,
        own: &'a Object,
        of: &'a str,
        sighted: Option<&'a Object>,
        used: &mut BTreeSet<&'a str>,
    ) -> Value {
        let mut said: Vec<&Object> = std::iter::once(own).chain(sighted).collect();
        for (relationship, target) in self.indicates.get(of).into_iter().flatten() {
            let target = self.known.get_key_value(target);
            let technique = target.filter(|(_, it)| text(it, "type") == Some("attack-pattern"));
            if let Some((id, object)) = technique {
                used.extend([*relationship, *id]);
                said.push(object);
            }
        }
        let references = said
            .iter()
            .flat_map(|it| objects(it, "external_references"));
        let techniques: Vec<&str> = references
            .filter(|reference| text(reference, "source_name").is_some_and(is_attack))
            .filter_map(|reference| text(reference, "external_id"))
            .filter(|id| attack::is_technique_id(&id.to_ascii_uppercase()))
            .collect();
        let phases = said.iter().flat_map(|it| objects(it, "kill_chain_phases"));
        let tactics: Vec<&str> = phases
            .filter(|phase| text(phase, "kill_chain_name") == Some(KILL_CHAIN))
            .filter_map(|phase| text(phase, "phase_name"))
            .collect();
        json!({ "techniques": techniques, "tactics": tactics })
    }

    /// Who is at both ends of what was observed: of the first traffic, else the first two addresses.
    fn ends(
        &self,
        data: Vec<&'a Object>,
        used: &mut BTreeSet<&'a str>,
        import: &mut Import,
    ) -> Object {
        let mut ends = Object::new();
        let mut seen: Vec<(&'a Object, &'a Object)> = Vec::new();
        for observed in data {
            let by_id = texts(observed, "object_refs").filter_map(|id| self.find(id, used));
            // As version 2.0 has it, and 2.1 still allows it.
            let inside = observed.get("objects").and_then(Value::as_object);
            let inside = inside.into_iter().flat_map(Object::values);
            let mut all = by_id.chain(inside.filter_map(Value::as_object));
            let room = OBSERVABLES_LIMIT - seen.len();
            seen.extend(all.by_ref().take(room).map(|object| (observed, object)));
            if all.next().is_some() {
                import.note("sighting with more than 1000 observables; the first 1000 count");
                break;
            }
        }
        let traffic = seen
            .iter()
            .find(|(_, object)| text(object, "type") == Some("network-traffic"));
        if let Some((observed, traffic)) = traffic {
            for (end, who, port) in [
                ("src", "src_ref", "src_port"),
                ("dst", "dst_ref", "dst_port"),
            ] {
                let host = text(traffic, who).and_then(|id| self.observable(observed, id, used));
                let mut host = host.map_or_else(Object::new, |it| self.host(observed, it, used));
                if let Some(port) = traffic.get(port) {
                    host.insert("port".to_owned(), port.clone());
                }
                ends.insert(end.to_owned(), Value::Object(host));
            }
            // From the outermost to the innermost.
            if let Some(proto) = texts(traffic, "protocols").last() {
                ends.insert("proto".to_owned(), proto.into());
            }
            return ends;
        }
        let mut hosts: Vec<Object> = Vec::new();
        for (observed, object) in seen {
            let host = self.host(observed, object, used);
            let mac = host.get("mac");
            let same =
                |other: &&mut Object| **other == host || mac.is_some() && other.get("mac") == mac;
            match hosts.iter_mut().find(same) {
                // An address of hardware, and then the address of IP that is known to be its own.
                Some(known) if !known.contains_key("ip") => *known = host,
                Some(_) => {}
                None if host.is_empty() => {}
                None => hosts.push(host),
            }
        }
        if hosts.len() > 2 {
            import.note("sighting with more than two addresses; the first two count");
        }
        for (end, host) in ["src", "dst"].into_iter().zip(hosts) {
            ends.insert(end.to_owned(), Value::Object(host));
        }
        ends
    }

    /// An observable by its identifier, or by its name in the observed data that holds it.
    fn observable(
        &self,
        observed: &'a Object,
        id: &'a str,
        used: &mut BTreeSet<&'a str>,
    ) -> Option<&'a Object> {
        let inside = observed.get("objects").and_then(|objects| objects.get(id));
        let inside = inside.and_then(Value::as_object);
        inside.or_else(|| self.find(id, used))
    }

    /// What an observable says of a host; nothing if it is no address.
    fn host(
        &self,
        observed: &'a Object,
        object: &'a Object,
        used: &mut BTreeSet<&'a str>,
    ) -> Object {
        let mut host = Object::new();
        let kind = match text(object, "type") {
            Some("ipv4-addr" | "ipv6-addr") => "ip",
            Some("mac-addr") => "mac",
            Some("domain-name") => "name",
            _ => return host,
        };
        let Some(value) = object.get("value").filter(|value| value.is_string()) else {
            return host;
        };
        host.insert(kind.to_owned(), value.clone());
        if kind == "ip" {
            let resolved = texts(object, "resolves_to_refs")
                .filter_map(|id| self.observable(observed, id, used))
                .find(|other| text(other, "type") == Some("mac-addr"));
            if let Some(mac) = resolved.and_then(|mac| mac.get("value")) {
                host.insert("mac".to_owned(), mac.clone());
            }
        }
        host
    }
}

/// Whether references of this source are to ATT&CK: `mitre-attack`, `mitre-ics-attack`.
fn is_attack(source: &str) -> bool {
    source.starts_with("mitre-") && source.ends_with("attack")
}

fn is_revoked(object: &Object) -> bool {
    object.get("revoked").and_then(Value::as_bool) == Some(true)
}

fn expected(record: &Record<'_>, field: &str, what: &str, found: &Value) -> ImportError {
    let message = format!("expected {what}, found {}", describe(found));
    record.error(field, message, None)
}

/// A time that counts is none that may be passed over.
fn check_time(
    record: &Record<'_>,
    field: &str,
    options: &ImportOptions,
) -> Result<(), ImportError> {
    let text = match record.object.get(field) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(text)) => text,
        Some(other) => return Err(expected(record, field, "a time", other)),
    };
    match time::unix_ns(text, options) {
        Ok(_) => Ok(()),
        Err(fault) => {
            let message = format!("invalid time \"{}\": {}", short(text), fault.reason());
            let example = format!("expected such as {}", SHAPE.time_hint);
            Err(record.error(field, message, Some(fault.hint().unwrap_or(&example))))
        }
    }
}

/// Whether an object is of STIX by itself: its identifier begins with its type.
pub(super) fn is_stix(object: &Object) -> bool {
    let of_type = |kind: &str| {
        let id = text(object, "id").and_then(|id| id.strip_prefix(kind));
        id.is_some_and(|rest| rest.starts_with("--"))
    };
    let first = || objects(object, "objects").next();
    match text(object, "type") {
        Some("bundle") => true,
        Some(kind) => of_type(kind),
        // The envelope of TAXII.
        None => first().is_some_and(|first| text(first, "type").is_some() && is_stix(first)),
    }
}

/// The first document of a text that is spread over lines.
pub(super) fn first_document(text: &str) -> Option<Object> {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match documents.next() {
        Some(Ok(Value::Object(object))) => Some(object),
        _ => None,
    }
}

/// Why the first document of a text cannot be read, if so.
pub(super) fn document_fault(text: &str) -> Option<ImportError> {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let json = documents.next()?.err()?;
    Some(syntax_error(text, &json))
}

/// All objects of a file, those of bundles one by one.
fn items(text: &str) -> Result<Vec<Item>, ImportError> {
    let places = Places::of(text);
    let mut items = Vec::new();
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    loop {
        let behind = documents.byte_offset();
        let start = behind + text[behind..].len() - text[behind..].trim_start().len();
        let error = |message: String, hint: Option<&str>| {
            let (line, column) = places.at(start);
            ImportError {
                column: Some(column),
                ..sniff::error(line, message, hint)
            }
        };
        if start < text.len() && !text[start..].starts_with(['{', '[']) {
            let rest = text[start..].lines().next().unwrap_or_default();
            let message = format!("expected a JSON object, found {}", kind_of_text(rest));
            return Err(error(message, Some(&guess::instead_of(Format::Stix, rest))));
        }
        match documents.next() {
            None => return Ok(items),
            Some(Err(json)) => return Err(syntax_error(text, &json)),
            Some(Ok(Value::Array(list))) => {
                add(&mut items, list, &elements(text, start), start, &places)?;
            }
            Some(Ok(Value::Object(mut object))) if is_holder(&object) => {
                let at = list_at(text, start).unwrap_or(start);
                match object.remove("objects") {
                    None | Some(Value::Null) => {}
                    Some(Value::Array(list)) => {
                        add(&mut items, list, &elements(text, at), at, &places)?;
                    }
                    Some(other) => {
                        let (line, column) = places.at(start);
                        let found = describe(&other);
                        return Err(ImportError {
                            column: Some(column),
                            field: Some("objects".to_owned()),
                            ..sniff::error(line, format!("expected a list, found {found}"), None)
                        });
                    }
                }
            }
            Some(Ok(Value::Object(object))) => {
                let (line, column) = places.at(start);
                let item = Item {
                    object,
                    line,
                    column,
                };
                if !is_stix(&item.object) {
                    return Err(placed(no_stix(&item), &item));
                }
                items.push(item);
            }
            Some(Ok(_)) => unreachable!("it begins as an object or a list"),
        }
    }
}

/// Whether a document holds objects: a bundle, or an envelope of TAXII.
fn is_holder(object: &Object) -> bool {
    match text(object, "type") {
        Some(kind) => kind == "bundle",
        None => object.contains_key("objects"),
    }
}

fn no_stix(item: &Item) -> ImportError {
    let record = Record {
        object: &item.object,
        line: item.line,
    };
    let field = match item.object.get("type") {
        Some(Value::String(_)) => "id",
        _ => "type",
    };
    record.missing(field, Some(&Format::Stix.looks()))
}

fn add(
    items: &mut Vec<Item>,
    list: Vec<Value>,
    offsets: &[usize],
    list_at: usize,
    places: &Places<'_>,
) -> Result<(), ImportError> {
    for (number, value) in list.into_iter().enumerate() {
        let (line, column) = places.at(offsets.get(number).copied().unwrap_or(list_at));
        let Value::Object(object) = value else {
            let message = format!("expected an object of STIX, found {}", describe(&value));
            return Err(ImportError {
                column: Some(column),
                field: Some(format!("objects[{number}]")),
                ..sniff::error(line, message, None)
            });
        };
        items.push(Item {
            object,
            line,
            column,
        });
    }
    Ok(())
}

fn syntax_error(text: &str, json: &serde_json::Error) -> ImportError {
    let line = json.line().max(1);
    let shown = text.lines().nth(line - 1).unwrap_or_default();
    let column = Some(char_column(shown, json.column()));
    let line = count_u64(line);
    if json.is_eof() {
        let message = "the file ends in the middle of a document: it is truncated";
        let hint = "let the tool finish and flush before scoring";
        return ImportError {
            column,
            ..sniff::error(line, message, Some(hint))
        };
    }
    let said = json.to_string();
    let message = said.split(" at line ").next().unwrap_or(&said);
    ImportError {
        column,
        ..sniff::error(line, format!("invalid JSON: {message}"), None)
    }
}

/// Offsets in a text as lines and columns.
struct Places<'a> {
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        Self {
            text,
            lines: lines.collect(),
        }
    }

    /// Line and column, both from 1.
    fn at(&self, offset: usize) -> (u64, u64) {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        (count_u64(line), count_u64(before.chars().count() + 1))
    }
}

/// Signs of valid JSON outside of texts, with their offsets and how deep they stand: brackets, commas, colons, and the
/// quote at which a text begins.
fn signs(text: &str, from: usize) -> impl Iterator<Item = (usize, u8, usize)> {
    let (mut depth, mut in_text, mut escaped, mut ended) = (0_usize, false, false, false);
    let bytes = text.as_bytes()[from..].iter().copied().enumerate();
    bytes.filter_map(move |(at, byte)| {
        if ended {
            return None;
        }
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            return None;
        }
        in_text = byte == b'"';
        let at_depth = match byte {
            b'[' | b'{' => {
                depth += 1;
                depth - 1
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                ended = depth == 0;
                depth
            }
            _ if byte.is_ascii_whitespace() => return None,
            _ => depth,
        };
        Some((from + at, byte, at_depth))
    })
}

/// Where the elements of a list begin that begins at an offset.
fn elements(text: &str, at: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut is_next = true;
    for (at, byte, depth) in signs(text, at) {
        match (byte, depth) {
            (_, 0) => {}
            (b',', 1) => is_next = true,
            (_, 1) if is_next => {
                found.push(at);
                is_next = false;
            }
            _ => {}
        }
    }
    found
}

/// Where the list `objects` begins of an object that begins at an offset; of several the last, as it is read.
fn list_at(text: &str, at: usize) -> Option<usize> {
    let (mut key, mut is_value, mut found) = (None, false, None);
    for (at, byte, depth) in signs(text, at) {
        match (byte, depth) {
            (b'"', 1) if !is_value => key = Some(at),
            (b':', 1) => is_value = true,
            (b',', 1) => is_value = false,
            (b'[', 1) => {
                let name = key.and_then(|key: usize| text.get(key..));
                if name.is_some_and(|name| name.starts_with("\"objects\"")) {
                    found = Some(at);
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_when_objects_stand_anywhere_in_a_document_then_found() {
        let text = " {\"a\":[{\"objects\":[1]}], \"objects\" : [{\"x\":\"]\\\"},{\"},\n  [2,[3]], \"é\", {}],\"z\":{\"objects\":[9]}}";
        let at = list_at(text, 1).expect("there is a list");
        let found: Vec<_> = elements(text, at)
            .into_iter()
            .map(|at| (Places::of(text).at(at), &text[at..=at]))
            .collect();
        let expect = [
            ((1, 39), "{"),
            ((2, 3), "["),
            ((2, 12), "\""),
            ((2, 17), "{"),
        ];
        assert_eq!(found, expect);
        assert!(elements("[]", 0).is_empty());
        assert_eq!(list_at("{\"a\":1}", 0), None);
    }
}
