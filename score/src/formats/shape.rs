//! Where a format keeps what the normal form asks for, and the one reader for all such formats.
//!
//! A format is a [`Shape`]: for each field of the normal form the paths at which it may stand, of which
//! the first that is there counts. What is peculiar to a format (which records are alerts, what must be
//! taken apart first) is in the format's own file.

use serde_json::Value;

use super::field::{describe, technique_in_tag, values};
use super::jsonl::{from_table, note_unknown};
use super::possible::{BEFORE_RUN, Paths, is_ip};
use super::sniff::Object;
use super::{Import, ImportError, ImportOptions, guess, simulated_ns, time};
use crate::alert::{Action, Alert, Endpoint, Kind, TechniqueSource, canonical_techniques};
use crate::attack;

/// Paths of which the first that is there counts.
pub(super) type Any = &'static [&'static str];

/// Where one end of what an alert is about may stand.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) ip: Any,
    /// An address, or else the name of an asset.
    pub(super) either: Any,
    pub(super) asset: Any,
    pub(super) port: Any,
    pub(super) mac: Any,
}

impl End {
    pub(super) const NONE: Self = Self {
        ip: &[],
        either: &[],
        asset: &[],
        port: &[],
        mac: &[],
    };
}

/// Where a format keeps the fields of the normal form.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Name of the tool, where records name it; else what the user says, else the format's own.
    pub(super) tool: Any,
    /// When it happened, for tools that also say when they reported it. Read where it is a full time.
    pub(super) occurred: Any,
    /// The tool's time.
    pub(super) time: Any,
    /// An example of a time, for errors.
    pub(super) time_hint: &'static str,
    pub(super) sensor: Any,
    pub(super) sig_id: Any,
    pub(super) sig_name: Any,
    /// More names by which the user's table may know the signature.
    pub(super) also: Any,
    pub(super) severity: Any,
    pub(super) scale: fn(&str) -> Option<u8>,
    pub(super) src: End,
    pub(super) dst: End,
    /// The host that it is about, where neither end is named.
    pub(super) host: End,
    pub(super) proto: Any,
    pub(super) action: Any,
    pub(super) frame: Any,
    pub(super) techniques: Any,
    pub(super) tactics: Any,
    pub(super) tags: Any,
}

impl Shape {
    pub(super) const NONE: Self = Self {
        tool: &[],
        occurred: &[],
        time: &[],
        time_hint: "",
        sensor: &[],
        sig_id: &[],
        sig_name: &[],
        also: &[],
        severity: &[],
        scale: |_| None,
        src: End::NONE,
        dst: End::NONE,
        host: End::NONE,
        proto: &[],
        action: &[],
        frame: &[],
        techniques: &[],
        tactics: &[],
        tags: &[],
    };
}

/// What a record is.
pub(super) enum What {
    /// It asks for attention; its signature stands in the record.
    Alert,
    /// Telemetry under this name, skipped where it refers to nothing.
    Log(String),
}

/// One record of a tool.
pub(super) struct Record<'a> {
    pub(super) object: &'a Object,
    pub(super) line: u64,
}

impl<'a> Record<'a> {
    pub(super) fn error(
        &self,
        field: &str,
        message: impl Into<String>,
        hint: Option<&str>,
    ) -> ImportError {
        ImportError::of_field(self.line, field.to_owned(), message.into(), hint)
    }

    /// A required field is not there: most likely the file is of another format.
    pub(super) fn missing(&self, field: &str, hint: Option<&str>) -> ImportError {
        let other = guess::hint(self.object);
        self.error(
            field,
            "required field is missing",
            other.as_deref().or(hint).filter(|hint| !hint.is_empty()),
        )
    }

    /// The first value that is there and no empty text.
    fn first(&self, paths: Any) -> Option<(&'static str, &'a Value)> {
        paths.iter().find_map(|path| {
            // An object where another format has a text holds nothing for this field; what is behind it may.
            let there = |value: &&Value| match value {
                Value::Object(_) => false,
                other => other.as_str().is_none_or(|text| !text.trim().is_empty()),
            };
            let found = values(self.object, path).into_iter().find(there);
            found.map(|value| (*path, value))
        })
    }

    /// The first value as text; a number as its digits.
    pub(super) fn text(&self, paths: Any) -> Result<Option<(&'static str, String)>, ImportError> {
        let Some((path, value)) = self.first(paths) else {
            return Ok(None);
        };
        match plain(value) {
            Some(text) => Ok(Some((path, text))),
            None => Err(self.error(
                path,
                format!("expected a text, found {}", describe(value)),
                None,
            )),
        }
    }

    /// As [`Record::text`], without the path.
    pub(super) fn word(&self, paths: Any) -> Result<Option<String>, ImportError> {
        Ok(self.text(paths)?.map(|(_, text)| text))
    }

    pub(super) fn has(&self, path: &str) -> bool {
        !values(self.object, path).is_empty()
    }

    fn number<T: std::str::FromStr>(
        &self,
        paths: Any,
        what: &str,
    ) -> Result<Option<T>, ImportError> {
        let Some((path, text)) = self.text(paths)? else {
            return Ok(None);
        };
        let parsed = text.trim().parse();
        parsed.map(Some).map_err(|_| {
            self.error(
                path,
                format!("expected {what}, found \"{}\"", short(&text)),
                None,
            )
        })
    }
}

/// A text or number as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// At most 40 characters, none of which controls a terminal.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

impl Shape {
    /// Reads a record into `import`.
    ///
    /// # Errors
    ///
    /// A required field is missing, or a field holds what it cannot hold; line and field are named.
    pub(super) fn take(
        &self,
        record: &Record<'_>,
        what: What,
        options: &ImportOptions,
        import: &mut Import,
    ) -> Result<(), ImportError> {
        let (time_path, unix_ns, raised) = self.times(record, options)?;
        let Some(t_ns) = simulated_ns(unix_ns, options.epoch_unix_ns, options) else {
            import.leave_out(record.line, record.object, time_path, BEFORE_RUN);
            return Ok(());
        };
        let mut paths = Paths {
            time: time_path,
            received: self.time.first().copied().unwrap_or(time_path),
            span: None,
            frame: self.frame.first().copied().unwrap_or_default(),
            ips: ["", ""],
            macs: ["", ""],
        };
        let mut src = self.src.read(record, &mut paths, 0)?;
        let dst = self.dst.read(record, &mut paths, 1)?;
        if src.is_empty() && dst.is_empty() {
            src = self.host.read(record, &mut paths, 0)?;
        }
        let mut alert = Alert {
            t_ns,
            t_received_ns: received(raised, t_ns, options, import),
            tool: record.word(self.tool)?.or_else(|| options.tool.clone()),
            sensor: record.word(self.sensor)?,
            sig_name: record.word(self.sig_name)?,
            proto: record
                .word(self.proto)?
                .map(|proto| proto.to_ascii_lowercase()),
            span: options.span.clone(),
            frame: record
                .number(self.frame, "the number of a frame")?
                .filter(|&frame| frame > 0),
            src,
            dst,
            ..Alert::default()
        };
        match what {
            What::Log(name) if alert.src.is_empty() && alert.dst.is_empty() => {
                import.skip(&format!("`{}` record without addresses", short(&name)));
                return Ok(());
            }
            What::Log(name) => {
                alert.kind = Kind::Log;
                alert.sig_id = name;
            }
            What::Alert => self.alert(record, &mut alert, options, import)?,
        }
        import.take(record.line, record.object, alert, &paths, options);
        Ok(())
    }

    /// What only alerts have.
    fn alert(
        &self,
        record: &Record<'_>,
        alert: &mut Alert,
        options: &ImportOptions,
        import: &mut Import,
    ) -> Result<(), ImportError> {
        let Some((_, sig_id)) = record.text(self.sig_id)? else {
            let field = self.sig_id.first().copied().unwrap_or_default();
            return Err(record.missing(field, Some("it names the rule that fired")));
        };
        if let Some((path, text)) = record.text(self.severity)? {
            alert.severity = (self.scale)(&text);
            if alert.severity.is_none() && !says_unknown(&text) {
                import.note(format!(
                    "severity `{}` in `{path}` is not on its scale; ignored",
                    short(&text)
                ));
            }
        }
        (alert.techniques, alert.technique_source) =
            self.techniques(record, &sig_id, options, import);
        alert.tactics = self.tactics(record, import);
        alert.action = self.action(record);
        alert.raw = options
            .keep_raw
            .then(|| Value::Object(record.object.clone()));
        alert.sig_id = sig_id;
        Ok(())
    }

    /// The time that counts with its path, and when it was reported where that is said as well.
    fn times(
        &self,
        record: &Record<'_>,
        options: &ImportOptions,
    ) -> Result<(&'static str, i128, Option<i128>), ImportError> {
        let occurred = match record.first(self.occurred) {
            Some((path, value)) => plain(value)
                .filter(|text| is_full_time(text))
                .and_then(|text| time::unix_ns(&text, options).ok())
                .map(|ns| (path, ns)),
            None => None,
        };
        let reported = match record.text(self.time)? {
            Some((path, text)) => Some((
                path,
                read_time(record, path, &text, self.time_hint, options)?,
            )),
            None => None,
        };
        match (occurred, reported) {
            (Some((path, ns)), reported) => Ok((path, ns, reported.map(|(_, ns)| ns))),
            (None, Some((path, ns))) => Ok((path, ns, None)),
            (None, None) => {
                let field = self.time.first().copied().unwrap_or_default();
                Err(record.missing(field, Some(&format!("expected such as {}", self.time_hint))))
            }
        }
    }

    /// By native fields, tags, or the user's table. Nothing is guessed.
    fn techniques(
        &self,
        record: &Record<'_>,
        sig_id: &str,
        options: &ImportOptions,
        import: &mut Import,
    ) -> (Vec<String>, TechniqueSource) {
        for field in &options.technique_fields {
            let has_it = own_paths(field)
                .iter()
                .any(|path| !values(record.object, path).is_empty());
            if has_it && !import.fields_found.contains(field) {
                import.fields_found.insert(field.clone());
            }
        }
        let own = options
            .technique_fields
            .iter()
            .flat_map(|field| own_paths(field));
        let mut native = Vec::new();
        for path in self
            .techniques
            .iter()
            .map(|path| (*path).to_owned())
            .chain(own)
        {
            for text in values(record.object, &path).into_iter().filter_map(plain) {
                let before = native.len();
                native.extend(identifiers(&text));
                if native.len() == before && !text.is_empty() {
                    import.note(format!(
                        "no technique identifier in `{}`; ignored",
                        short(&path)
                    ));
                }
            }
        }
        let tags = self
            .tags
            .iter()
            .flat_map(|path| values(record.object, path));
        let tagged = tags.filter_map(plain).flat_map(|text| {
            let words = text.split([',', ' ']).filter_map(technique_in_tag);
            words.collect::<Vec<_>>()
        });
        let tagged: Vec<String> = tagged.collect();
        let mut names = vec![sig_id.to_owned()];
        for path in self.also {
            names.extend(values(record.object, path).into_iter().filter_map(plain));
        }
        let (native, tagged) = (without_parents(&native), without_parents(&tagged));
        first_in_ics(native, tagged, &names, options, import)
    }

    fn tactics(&self, record: &Record<'_>, import: &mut Import) -> Vec<String> {
        let mut ids = Vec::new();
        for path in self.tactics {
            for text in values(record.object, path).into_iter().filter_map(plain) {
                for word in text.split(',').map(str::trim) {
                    match attack::tactic_id(word) {
                        Some(id) => ids.push(id.to_owned()),
                        None => import.note("tactic that is not one of ATT&CK for ICS; ignored"),
                    }
                }
            }
        }
        let tags = self
            .tags
            .iter()
            .flat_map(|path| values(record.object, path));
        for text in tags.filter_map(plain) {
            // Older rules write `attack.impair_process_control`; a tag that is no tactic may mean anything.
            let words = text
                .split([',', ' '])
                .filter_map(|tag| tag.strip_prefix("attack."));
            let found = words.filter_map(|word| attack::tactic_id(&word.replace('_', "-")));
            ids.extend(found.map(str::to_owned));
        }
        ids.sort();
        ids.dedup();
        ids
    }

    /// What the tool says it did, by the words that tools use.
    fn action(&self, record: &Record<'_>) -> Action {
        let texts = self
            .action
            .iter()
            .flat_map(|path| values(record.object, path));
        let mut action = Action::None;
        for text in texts.filter_map(plain) {
            match action_of(&text) {
                Action::Blocked => return Action::Blocked,
                Action::Allowed => action = Action::Allowed,
                Action::None => {}
            }
        }
        action
    }
}

impl End {
    fn read(
        &self,
        record: &Record<'_>,
        paths: &mut Paths,
        end: usize,
    ) -> Result<Endpoint, ImportError> {
        let mut found = Endpoint {
            port: record.number(self.port, "a port from 0 to 65535")?,
            asset: record.word(self.asset)?,
            ..Endpoint::default()
        };
        if let Some((path, text)) = record.text(self.ip)? {
            paths.ips[end] = path;
            found.ip = Some(text);
        }
        if let Some((path, text)) = record.text(self.either)? {
            if is_ip(&text) {
                paths.ips[end] = path;
                found.ip = found.ip.or(Some(text));
            } else {
                found.asset = found.asset.or(Some(text));
            }
        }
        if let Some((path, text)) = record.text(self.mac)? {
            paths.macs[end] = path;
            found.mac = Some(text.to_ascii_lowercase().replace('-', ":"));
        }
        // A port alone names nothing.
        if found.names().next().is_none() {
            found = Endpoint::default();
        }
        Ok(found)
    }
}

/// A time, with an error that names its field.
fn read_time(
    record: &Record<'_>,
    path: &str,
    text: &str,
    example: &str,
    options: &ImportOptions,
) -> Result<i128, ImportError> {
    time::unix_ns(text, options).map_err(|fault| {
        let example = format!("expected such as {example}");
        record.error(
            path,
            format!("invalid time \"{}\": {}", short(text), fault.reason()),
            Some(fault.hint().unwrap_or(&example)),
        )
    })
}

/// When the range's clock had it that the tool reported, if the tool's clock was the range's at all. A
/// tool that reads a recorded run reports on the wall clock, which says nothing of the run.
fn received(
    raised: Option<i128>,
    t_ns: u64,
    options: &ImportOptions,
    import: &mut Import,
) -> Option<u64> {
    let received_ns = simulated_ns(raised?, options.epoch_unix_ns, options);
    let end_ns = options.duration_ns.unwrap_or(u64::MAX);
    let inside = received_ns.filter(|received_ns| (t_ns..=end_ns).contains(received_ns));
    if inside.is_none() {
        import.note("reported on a clock that is not the run's: the time of the event counts");
    }
    inside
}

/// The paths that a field of the user's may mean: as it stands, a label of CEF, a parameter of syslog.
fn own_paths(field: &str) -> [String; 3] {
    [
        field.to_owned(),
        format!("label.{}", super::cef::label(field)),
        format!("param.{field}"),
    ]
}

/// Of native fields, tags and the user's table for one of `names` the first that names a technique of ATT&CK for
/// ICS, else the first that names any: a tool that knows ATT&CK Enterprise alone must not hide what a tag or the user
/// says. Identifiers are canonical.
pub(super) fn first_in_ics(
    native: Vec<String>,
    tagged: Vec<String>,
    names: &[String],
    options: &ImportOptions,
    import: &mut Import,
) -> (Vec<String>, TechniqueSource) {
    let own = [
        (native, TechniqueSource::Native),
        (tagged, TechniqueSource::Tag),
    ];
    import.table_names_one |= names
        .iter()
        .any(|name| options.signature_techniques.contains_key(name));
    let table = names.iter().map(|name| from_table(name, options));
    let mut offered = own
        .into_iter()
        .chain(table)
        .filter(|(ids, _)| !ids.is_empty());
    let Some(first) = offered.next() else {
        return (Vec::new(), TechniqueSource::None);
    };
    let in_ics = |(ids, _): &(Vec<String>, TechniqueSource)| {
        ids.iter().any(|id| attack::technique(id).is_some())
    };
    let better = if in_ics(&first) {
        None
    } else {
        offered.find(in_ics)
    };
    let read = first.0.iter().chain(better.iter().flat_map(|(ids, _)| ids));
    note_unknown(&canonical_techniques(read.map(String::as_str)), import);
    better.unwrap_or(first)
}

/// Technique identifiers in a field that is there for them: `T0855`, `T0855, T0836`, `T0855 - Name`.
fn identifiers(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .map(|word| word.trim_matches('.').to_ascii_uppercase())
        .filter(|word| attack::is_technique_id(word))
        .collect()
}

/// Canonical identifiers, without a technique whose own sub-technique is there too: formats that list
/// both in pairs mean the narrower one.
fn without_parents(ids: &[String]) -> Vec<String> {
    let all = canonical_techniques(ids.iter().map(String::as_str));
    let narrower = |id: &String| {
        let subs = all.iter().filter(|other| *other != id);
        subs.into_iter().any(|other| attack::parent(other) == id)
    };
    all.iter().filter(|id| !narrower(id)).cloned().collect()
}

/// Whether a text can be a moment of this century: a date, or seconds since 1970 and not those since a device started.
fn is_full_time(text: &str) -> bool {
    const EPOCH_DIGITS: usize = 10;
    let whole = text.split('.').next().unwrap_or_default();
    !whole.bytes().all(|byte| byte.is_ascii_digit()) || whole.len() >= EPOCH_DIGITS
}

/// Whether a severity says that there is none.
pub(super) fn says_unknown(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "unknown" | "undefined" | "undef" | "0" | "99" | "other" | "-"
    )
}

/// The words of an action: `would_drop`, `cant_drop` and `not blocked` let it pass.
fn action_of(text: &str) -> Action {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let any = |starts: &[&str]| {
        words
            .iter()
            .any(|word| starts.iter().any(|start| word.starts_with(start)))
    };
    let only_said = words
        .iter()
        .any(|word| matches!(*word, "would" | "not" | "could" | "can" | "cant"));
    if any(&["block", "drop", "den", "reject", "prevent", "quarantin"]) {
        return if only_said {
            Action::Allowed
        } else {
            Action::Blocked
        };
    }
    if any(&["allow", "pass", "permit", "accept"]) && !only_said {
        return Action::Allowed;
    }
    Action::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_when_in_any_writing_then_found() {
        let check = |text: &str, expect: &[&str]| assert_eq!(identifiers(text), expect, "{text}");
        check("T0855", &["T0855"]);
        check("t1692.001", &["T1692.001"]);
        check("T0855, T0836;T0814", &["T0855", "T0836", "T0814"]);
        check("T0855 - Unauthorized Command Message.", &["T0855"]);
        check("attack/T0855.", &["T0855"]);
        check("XT0855 T085 T08555", &[]);
        check("", &[]);
        let ids = ["T1692", "T0855", "T0836"].map(str::to_owned);
        assert_eq!(without_parents(&ids), ["T0836", "T1692.001"]);
    }

    #[test]
    fn action_when_a_tool_only_would_have_then_not_blocked() {
        let check = |text: &str, expect: Action| assert_eq!(action_of(text), expect, "{text}");
        check("blocked", Action::Blocked);
        check("Denied", Action::Blocked);
        check("Notice::ACTION_DROP", Action::Blocked);
        check("would_drop", Action::Allowed);
        check("cant_drop", Action::Allowed);
        check("not blocked", Action::Allowed);
        check("allow", Action::Allowed);
        check("Permitted", Action::Allowed);
        check("alert", Action::None);
        check("", Action::None);
    }
}
