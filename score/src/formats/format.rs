//! The formats by name: what `list formats` says of each.

/// A format that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Our normal form, one JSON object per line.
    Jsonl,
    /// Suricata's EVE log, one JSON object per line.
    Eve,
    /// Logs of Zeek, tab-separated or JSON.
    Zeek,
    /// Snort 3's `alert_json`.
    Snort,
    /// ArcSight's Common Event Format, bare or within syslog.
    Cef,
    /// Syslog of RFC 5424 or RFC 3164.
    Syslog,
    /// `alerts.json` of Wazuh 4.
    Wazuh,
    /// Detection Findings of the Open Cybersecurity Schema Framework.
    Ocsf,
    /// Elastic Common Schema, with the alerts of Elastic Security.
    Ecs,
    /// Records that carry `level` and `tags` of a Sigma rule.
    Sigma,
    /// Sightings of STIX 2.1, in bundles or one by one.
    Stix,
}

/// What is said of a format.
struct Entry {
    format: Format,
    name: &'static str,
    also: &'static [&'static str],
    description: &'static str,
    /// The name of the tool, where the format is that of one tool.
    tool: Option<&'static str>,
    /// What a file of this format looks like, for errors.
    looks: &'static str,
}

const ENTRIES: [Entry; 11] = [
    Entry {
        format: Format::Jsonl,
        name: "jsonl",
        also: &["json-lines", "twinrange"],
        description: "Twinrange's normal form: one JSON object per line, `t_ns` and `sig_id` required",
        tool: None,
        looks: "one JSON object per line, such as {\"t_ns\":15000000,\"sig_id\":\"new-talker\"}",
    },
    Entry {
        format: Format::Eve,
        name: "eve",
        also: &["suricata", "suricata-eve"],
        description: "Suricata eve.json: `alert` records, other records as telemetry",
        tool: Some("suricata"),
        looks: "Suricata's eve.json, one JSON object per line with `timestamp` and `event_type`",
    },
    Entry {
        format: Format::Zeek,
        name: "zeek",
        also: &["bro", "zeek-tsv", "zeek-json"],
        description: "Zeek logs, TSV or JSON: notice.log as alerts, conn.log, modbus.log and others as telemetry",
        tool: Some("zeek"),
        looks: "a log of Zeek: tab-separated with its `#fields` header, or one JSON object per line with `ts`",
    },
    Entry {
        format: Format::Snort,
        name: "snort",
        also: &["snort3", "alert_json", "snort-json"],
        description: "Snort 3 alert_json: one JSON object per line, `seconds` and `rule` (or `gid`, `sid`) required",
        tool: Some("snort"),
        looks: "Snort 3's alert_json, one JSON object per line with `seconds` and `rule`",
    },
    Entry {
        format: Format::Cef,
        name: "cef",
        also: &["arcsight"],
        description: "ArcSight CEF, bare or within syslog: every message is an alert",
        tool: None,
        looks: "one message per line: CEF:0|Vendor|Product|Version|Signature|Name|Severity|key=value ...",
    },
    Entry {
        format: Format::Syslog,
        name: "syslog",
        also: &["rfc5424", "rfc3164"],
        description: "Syslog of RFC 5424 or 3164: messages that name a signature are alerts, others telemetry",
        tool: None,
        looks: "one message per line: <PRI>1 TIMESTAMP HOST APP PROCID MSGID [SD] MSG",
    },
    Entry {
        format: Format::Wazuh,
        name: "wazuh",
        also: &["wazuh4"],
        description: "Wazuh 4 alerts.json: one JSON object per line with `timestamp` and `rule`",
        tool: Some("wazuh"),
        looks: "alerts.json of Wazuh 4, one JSON object per line with `timestamp` and `rule`",
    },
    Entry {
        format: Format::Ocsf,
        name: "ocsf",
        also: &["ocsf-finding"],
        description: "OCSF Detection Finding (class 2004): Create, Update and Close of a finding are one alert",
        tool: None,
        looks: "OCSF events, one JSON object per line with `class_uid` and `time`",
    },
    Entry {
        format: Format::Ecs,
        name: "ecs",
        also: &["elastic", "kibana"],
        description: "Elastic Common Schema, with alerts of Elastic Security (`kibana.alert.*`); other events as telemetry",
        tool: None,
        looks: "ECS documents, one JSON object per line with `@timestamp` and `event.kind`",
    },
    Entry {
        format: Format::Sigma,
        name: "sigma",
        also: &["sigma-json"],
        description: "JSON lines with `level` and `tags` of a Sigma rule, such as attack.t0855; level informational as telemetry",
        tool: None,
        looks: "one JSON object per line with a time, the rule's `title` or `id`, `level` and `tags`",
    },
    Entry {
        format: Format::Stix,
        name: "stix",
        also: &["stix2", "stix-2.1", "taxii"],
        description: "STIX 2.1, bundles or objects: `sighting` as alerts, `observed-data` without one as telemetry",
        tool: None,
        looks: "bundles or objects of STIX 2.1, such as {\"type\":\"bundle\",\"id\":\"bundle--...\",\"objects\":[...]}",
    },
];

impl Format {
    /// All formats, in the order in which they are listed.
    pub const ALL: [Self; 11] = [
        Self::Jsonl,
        Self::Eve,
        Self::Zeek,
        Self::Snort,
        Self::Cef,
        Self::Syslog,
        Self::Wazuh,
        Self::Ocsf,
        Self::Ecs,
        Self::Sigma,
        Self::Stix,
    ];

    fn entry(self) -> &'static Entry {
        let found = ENTRIES.iter().find(|entry| entry.format == self);
        found.expect("every format has an entry")
    }

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// One line for `list formats`.
    #[must_use]
    pub fn description(self) -> &'static str {
        self.entry().description
    }

    /// The tool that writes this format, if only one does.
    #[must_use]
    pub fn tool(self) -> Option<&'static str> {
        self.entry().tool
    }

    /// Whose format it is, for "this looks like".
    pub(super) fn owner(self) -> &'static str {
        match self {
            Self::Jsonl => "Twinrange's normal form",
            Self::Eve => "Suricata's eve.json",
            Self::Zeek => "a log of Zeek",
            Self::Snort => "Snort's alert_json",
            Self::Cef => "CEF",
            Self::Syslog => "syslog",
            Self::Wazuh => "Wazuh's alerts.json",
            Self::Ocsf => "OCSF",
            Self::Ecs => "Elastic's ECS",
            Self::Sigma => "records of Sigma rules",
            Self::Stix => "STIX",
        }
    }

    /// What a file of this format looks like.
    pub(super) fn looks(self) -> String {
        format!("format `{}` is {}", self.name(), self.entry().looks)
    }

    /// The format with this name; else the nearest name, for a "did you mean".
    ///
    /// # Errors
    ///
    /// The nearest known name, if any is near.
    pub fn from_name(name: &str) -> Result<Self, Option<&'static str>> {
        let word = name.to_ascii_lowercase();
        let found = ENTRIES
            .iter()
            .find(|entry| entry.name == word || entry.also.contains(&word.as_str()));
        match found {
            Some(entry) => Ok(entry.format),
            None => Err(crate::suggest::nearest(&word, Self::ALL.map(Self::name))),
        }
    }
}
