//! Every yardstick and the reference defense in one campaign: they must rank as an expert would rank them
//! without any score. The tables are kept in `docs/ranking.md`; with `TWINRANGE_REGENERATE=1` they are written.

use std::fs;

use serde_json::Value;

use crate::support::{read_json, repository, scratch, tools_are_demanded, words};

/// Defenses in the kept tables.
const RANKED: [&str; 9] = [
    "always-on",
    "flicker",
    "oracle",
    "over-eager",
    "random",
    "reference",
    "reference-respond",
    "silent",
    "trigger-happy",
];
/// Tools that are not part of the range; ranked where they must be installed, but not in the kept tables.
const OTHERS: [&str; 2] = ["river-anomaly", "suricata"];
/// One false alarm an hour. Behind that, nobody reads them, however much was detected.
const READ_PER_DAY: f64 = 24.0;

/// What the table shows of one defense.
#[derive(Clone, Debug)]
struct Row {
    name: String,
    detected: u64,
    steps: u64,
    time_to_detect_s: Option<f64>,
    false_per_day: f64,
    alarm_time_percent: f64,
    protection_parts: f64,
    protection_worth: f64,
    tax_parts: f64,
    residual_parts: f64,
    demands: u64,
    worth: f64,
}

/// What a cell of the campaign says of its defense.
fn row(cell: &Value) -> Row {
    let name = cell["key"]["defense"].as_str().expect("a name").to_owned();
    assert_eq!(cell["failure"], Value::Null, "{name}");
    let figures = &cell["figures"];
    let figure = |figure: &str| {
        let value = figures[figure].as_f64();
        value.unwrap_or_else(|| panic!("{name}: {figure} is {}", cell["undefined"][figure]))
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts were written from whole numbers"
    )]
    let count = |name: &str| figure(name) as u64;
    Row {
        detected: count("steps_detected"),
        steps: count("steps_detected") + count("steps_missed"),
        time_to_detect_s: figures["time_to_detect_s"].as_f64(),
        false_per_day: figure("false_alarms_per_day"),
        alarm_time_percent: figure("alarm_time_percent"),
        protection_parts: figure("protection"),
        protection_worth: figure("protection_money"),
        tax_parts: figure("uptime_tax_parts"),
        residual_parts: figure("residual_damage_parts"),
        demands: count("sif_demands"),
        worth: cell["money"]["ad"].as_f64().expect("it has prices"),
        name,
    }
}

impl Row {
    fn recall(&self) -> f64 {
        self.detected as f64 / self.steps as f64
    }

    /// Whether its alarms are too many, or too long, to be read.
    fn is_noise(&self) -> bool {
        self.false_per_day > READ_PER_DAY || self.is_long()
    }

    /// What it kept of production; then whether its alarms are too long or too many; then, of what can be
    /// read, what it detected, and of the rest how much there is of it.
    fn key(&self) -> (f64, bool, bool, f64) {
        let last = if self.is_noise() {
            self.false_per_day
        } else {
            -self.recall()
        };
        (
            -self.protection_parts,
            self.is_long(),
            self.is_noise(),
            last,
        )
    }

    /// Whether its alarms stand so long that they say nothing.
    fn is_long(&self) -> bool {
        self.alarm_time_percent > 10.0
    }

    fn cells(&self) -> [String; 11] {
        let seconds = self
            .time_to_detect_s
            .map_or_else(|| "–".to_owned(), |s| format!("{s:.1}"));
        [
            format!("`{}`", self.name),
            format!("{} of {}", self.detected, self.steps),
            seconds,
            format!("{:.0}", self.false_per_day),
            format!("{:.2}", self.alarm_time_percent),
            format!("{:.2}", self.protection_parts),
            format!("{:.2}", self.protection_worth),
            format!("{:.0}", self.tax_parts),
            format!("{:.0}", self.residual_parts),
            self.demands.to_string(),
            format!("{:.0}", self.worth),
        ]
    }
}

const HEAD: [&str; 11] = [
    "defense",
    "steps detected",
    "time to detect, s",
    "false alarms a day",
    "alarm time, %",
    "protection, parts",
    "protection, worth",
    "uptime tax, parts",
    "residual, parts",
    "safety demands",
    "worth of the shift, EUR",
];

fn table(rows: &[Row]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&HEAD.map(str::to_owned));
    text.push_str(&line(&HEAD.map(|_| "---".to_owned())));
    for row in rows {
        text.push_str(&line(&row.cells()));
    }
    text
}

/// Scores all defenses against a scenario, best first.
fn ranked(scenario: &str) -> Vec<Row> {
    let folder = scratch();
    let mut defenses: Vec<String> = RANKED.map(str::to_owned).to_vec();
    if tools_are_demanded() {
        let file = |name| repository().join("defenses").join(name).join("defense.ron");
        defenses.extend(OTHERS.map(|name| file(name).display().to_string()));
    }
    let plan = format!(
        "Campaign(schema: 1, name: \"ranking\", title: \"Ranking\", scenarios: [\"bottling/{scenario}\"],
        defenses: {defenses:?}, seeds: (open: List([1])))"
    );
    fs::write(folder.path().join("plan.ron"), plan).expect("the folder can be written");
    words(folder.path(), "campaign plan.ron --out study").expect_code(0);
    let cells = fs::read_dir(folder.path().join("study/cells")).expect("there are cells");
    let path = |cell: std::io::Result<fs::DirEntry>| cell.expect("it can be listed").path();
    let mut rows: Vec<Row> = cells.map(|cell| row(&read_json(&path(cell)))).collect();
    assert_eq!(rows.len(), defenses.len(), "one cell for each defense");
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows.sort_by(|a, b| a.key().partial_cmp(&b.key()).expect("figures are numbers"));
    rows
}

/// Compares a table with the one that is kept, or keeps it.
fn keep(scenario: &str, rows: &[Row]) {
    let page = repository().join("docs/ranking.md");
    let text = fs::read_to_string(&page).expect("the page is there");
    let begin = format!("<!-- {scenario} -->\n");
    let start = text.find(&begin).expect("the page has a place for it") + begin.len();
    let end = start + text[start..].find("<!-- end -->").expect("it ends");
    let kept: Vec<Row> = rows
        .iter()
        .filter(|row| RANKED.contains(&row.name.as_str()))
        .cloned()
        .collect();
    let made = table(&kept);
    if std::env::var_os("TWINRANGE_REGENERATE").is_some() {
        let text = format!("{}{made}{}", &text[..start], &text[end..]);
        fs::write(&page, text).expect("the page can be written");
        return;
    }
    assert_eq!(text[start..end], made, "docs/ranking.md, {scenario}");
}

/// What an expert says of the yardsticks in any scenario.
fn expect_sense(rows: &[Row]) {
    let of = |name: &str| rows.iter().find(|row| row.name == name).expect("ranked");
    let (oracle, eager, reference) = (of("oracle"), of("over-eager"), of("reference"));
    for row in rows {
        assert!(
            row.protection_parts <= oracle.protection_parts
                && row.protection_worth <= oracle.protection_worth,
            "better than one who is told: {row:?}"
        );
        assert!(
            row.name == "over-eager" || row.protection_parts > eager.protection_parts,
            "worse than stopping the line: {row:?}"
        );
        let acts = ["oracle", "over-eager", "reference-respond"].contains(&row.name.as_str());
        let is_inert =
            row.protection_parts == 0.0 && row.protection_worth == 0.0 && row.tax_parts == 0.0;
        assert!(
            acts || is_inert,
            "who only watches protects nothing: {row:?}"
        );
    }
    assert!(
        oracle.protection_parts <= 1.0 && oracle.protection_worth < 1.0,
        "{oracle:?}"
    );
    assert!(
        oracle.recall() == 1.0 && oracle.false_per_day == 0.0,
        "{oracle:?}"
    );
    assert!(oracle.tax_parts == 0.0, "{oracle:?}");
    // Stopping the line is a tax, attack or not.
    assert!(
        eager.tax_parts > 1000.0 && eager.protection_parts < 0.0,
        "{eager:?}"
    );
    let (silent, always, random) = (of("silent"), of("always-on"), of("random"));
    assert!(
        silent.detected == 0 && silent.false_per_day == 0.0,
        "{silent:?}"
    );
    assert!(
        rows.iter()
            .all(|row| row.name == "silent" || row.detected > 0)
    );
    assert!(
        always.alarm_time_percent > 99.0 && always.recall() == 1.0,
        "{always:?}"
    );
    assert!(reference.recall() == 1.0, "{reference:?}");
    assert!(reference.alarm_time_percent < 1.0, "{reference:?}");
    for noise in [always, random, of("flicker")] {
        assert!(noise.false_per_day > reference.false_per_day, "{noise:?}");
        assert!(noise.is_noise() && !reference.is_noise(), "{noise:?}");
    }
    assert!(random.recall() < reference.recall(), "{random:?}");
    let happy = of("trigger-happy");
    assert!(
        happy.recall() < reference.recall(),
        "it sees no scan: {happy:?}"
    );
}

fn names(rows: &[Row]) -> Vec<&str> {
    let names = rows.iter().map(|row| row.name.as_str());
    names.filter(|name| RANKED.contains(name)).collect()
}

#[test]
fn ranking_when_bottles_are_short_then_as_an_expert_would() {
    let rows = ranked("underfill");
    keep("underfill", &rows);
    expect_sense(&rows);
    let expect = [
        "oracle",
        "reference-respond",
        "reference",
        "trigger-happy",
        "silent",
        "random",
        "flicker",
        "always-on",
        "over-eager",
    ];
    assert_eq!(names(&rows), expect);
    let respond = &rows[1];
    assert!(respond.protection_parts > 0.5, "{respond:?}");
}

/// Here the plant's own safety function already bounds the loss, and a response that restores the filler costs
/// about as much; what it saves is the safety function's work.
#[test]
fn ranking_when_the_bowl_fills_up_then_as_an_expert_would() {
    let rows = ranked("overflow");
    keep("overflow", &rows);
    expect_sense(&rows);
    let expect = [
        "oracle",
        "reference",
        "trigger-happy",
        "silent",
        "random",
        "flicker",
        "always-on",
        "reference-respond",
        "over-eager",
    ];
    assert_eq!(names(&rows), expect);
    let demands = |name: &str| {
        let row = rows.iter().find(|row| row.name == name).expect("ranked");
        row.demands
    };
    assert!(demands("silent") > 0 && demands("reference-respond") == 0);
}
