//! What is written from a score: score.json against its schema, JUnit, Navigator, the page.

use crate::common::{S, header, score};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;
use twinrange_score::detection::{self, Params};
use twinrange_score::formats::{Format, ImportOptions, import};
use twinrange_score::gate::{Gate, NAMES};
use twinrange_score::junit::{self, Suite};
use twinrange_score::navigator;
use twinrange_score::report::{ActionMark, Impact, PlantEvent, ReportData, Series, html};
use twinrange_score::score::Score;

const GATES: &str = "recall >= 0.8, protection >= 0.5, uptime_tax_percent <= 0.5";

/// The schema leaves room for new fields; the test does not, so that none is forgotten.
fn strict(value: &mut Value) {
    if let Value::Object(object) = value {
        let composed = ["allOf", "oneOf"]
            .iter()
            .any(|key| object.contains_key(*key));
        if object.contains_key("properties")
            && object.get("type") == Some(&"object".into())
            && !composed
        {
            object.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        object.values_mut().for_each(strict);
    } else if let Value::Array(items) = value {
        items.iter_mut().for_each(strict);
    }
}

fn validate(score: &Score) -> Result<(), String> {
    let mut schema: Value = serde_json::from_str(include_str!("../../../docs/score.schema.json"))
        .expect("the schema is JSON");
    strict(&mut schema);
    let validator = jsonschema::draft202012::new(&schema).expect("the schema is a schema");
    let instance: Value = serde_json::from_str(&score.to_json()).expect("a score is JSON");
    let errors: Vec<String> = validator
        .iter_errors(&instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.join("\n"))
    }
}

fn gated() -> Score {
    score().with_gates(&Gate::parse(GATES).expect("well formed"))
}

#[test]
fn score_json_when_written_then_valid_and_read_back_equal() {
    let gated = gated();
    validate(&gated).expect("valid");
    assert_eq!(
        serde_json::from_str::<Score>(&gated.to_json()).expect("readable"),
        gated
    );
    let empty = detection::score(&crate::common::truth(10, vec![]), &[], &Params::default());
    let mut bare = Score::new(header(), empty, None);
    bare.header.tool = None;
    validate(&bare).expect("a benign score is valid");
    // The schema has teeth: a figure with neither value nor reason is not valid.
    let mut broken = gated;
    broken.detection.recall.value = None;
    assert!(validate(&broken).is_err());
}

/// Whoever skips a record, importer or comparison: the counts add up, and the page says the same.
#[test]
fn records_when_skipped_by_importer_and_comparison_then_the_counts_add_up() {
    let file = concat!(
        "{\"t_ns\":5000000000,\"sig_id\":\"in the clean period\"}\n",
        "{\"t_ns\":20000000000,\"sig_id\":\"scored\"}\n\n",
        "{\"t_ns\":21000000000,\"sig_id\":\"log\",\"kind\":\"log\"}\n",
        "{\"t_ns\":22000000000,\"sig_id\":\"a\",\"src\":{\"ip\":\"<nonsense>\"}}\n",
        "{\"t_ns\":99000000000,\"sig_id\":\"late\"}\n",
    );
    let options = ImportOptions {
        duration_ns: Some(60 * S),
        ..ImportOptions::default()
    };
    let import = import(Format::Jsonl, file.as_bytes(), &options).expect("readable");
    let mut truth = crate::common::truth(60, vec![]);
    truth.clean_ns = 10 * S;
    let found = detection::score(&truth, &import.alerts, &Params::default());
    let score = Score::new(header(), found, None).with_import(&import);
    validate(&score).expect("valid");
    let records = &score.detection.records;
    assert_eq!((records.read, records.scored), (5, 2));
    let skipped: Vec<(&str, u64)> = records
        .skipped
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect();
    assert_eq!(
        skipped,
        [
            ("after the end of the run", 1),
            ("in the clean period", 1),
            ("not an IP address", 1),
        ]
    );
    assert_eq!(
        (score.detection.alerts, score.detection.log_records),
        (1, 1)
    );
    let page = page(&score, "records");
    for says in [
        "5: 1 alerts and 1 log records scored, 3 skipped",
        "line 5, src.ip is &quot;&lt;nonsense&gt;&quot;: not an IP address",
        "line 6, t_ns is 99000000000: after the end of the run",
    ] {
        assert!(page.contains(says), "{says}");
    }
}

#[test]
fn gates_when_evaluated_then_results_with_reasons() {
    let score = gated();
    let results: Vec<(bool, Option<&str>)> = score
        .gates
        .iter()
        .map(|gate| (gate.passed, gate.reason.as_deref()))
        .collect();
    assert_eq!(
        results,
        [
            (false, Some("recall is 0.666667")),
            (true, None),
            (
                false,
                Some("uptime_tax_percent is undefined: run D is missing: the defense only watches")
            ),
        ]
    );
    assert!(!score.passed());
    assert!(
        Gate::parse("recall > 0.6").expect("well formed")[0]
            .evaluate(&score)
            .passed
    );
    let bare = Score {
        continuity: None,
        ..score
    };
    let result = Gate::parse("protection >= -9").expect("well formed")[0].evaluate(&bare);
    assert_eq!(
        result.reason.as_deref(),
        Some("protection is undefined: no counterfactual runs were made")
    );
    for name in NAMES {
        let figure = name.figure(&bare);
        assert!(
            figure.value.is_some() != figure.undefined.is_some(),
            "{}",
            name.name
        );
    }
}

#[test]
fn junit_when_read_back_then_counts_agree_and_hostile_text_is_inert() {
    let score = gated();
    let suites = [
        Suite {
            name: "bottling <&> \"underfill\"",
            result: Ok(&score),
            time_s: 3.25,
        },
        Suite {
            name: "crashed",
            result: Err("the tool ]]> exited\u{1b}[31m with 139"),
            time_s: 0.5,
        },
    ];
    let xml = junit::to_xml(&suites);
    let mut reader = Reader::from_str(&xml);
    let (mut cases, mut failures, mut errors, mut properties) = (0, 0, 0, 0);
    let mut root = String::new();
    loop {
        match reader.read_event().expect("well formed") {
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "testsuites" => root = tag.as_ref().to_owned(),
                "testcase" => cases += 1,
                "failure" => failures += 1,
                "error" => errors += 1,
                "property" => properties += 1,
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((cases, failures, errors), (5, 2, 1), "{xml}");
    for attribute in [
        "tests=\"5\"",
        "failures=\"2\"",
        "errors=\"1\"",
        "time=\"3.750\"",
    ] {
        assert!(root.contains(attribute), "{root}");
    }
    assert_eq!(properties, 7 + NAMES.len());
    assert!(
        !xml.contains('\u{1b}') && xml.contains("bottling &lt;&amp;&gt;"),
        "{xml}"
    );
}

#[test]
fn navigator_when_written_then_layer_4_5_with_the_worst_grade() {
    let layer: Value = serde_json::from_str(&navigator::to_json(&score())).expect("JSON");
    assert_eq!(layer["versions"]["layer"], "4.5");
    assert_eq!(layer["domain"], "ics-attack");
    let techniques = layer["techniques"].as_array().expect("a list");
    assert_eq!(techniques.len(), 1); // Untested techniques are absent.
    assert_eq!(techniques[0]["techniqueID"], "T0836");
    assert_eq!(techniques[0]["score"], 0); // Step c was missed.
    assert!(
        techniques[0]["comment"]
            .as_str()
            .expect("text")
            .starts_with("2 of 3 steps detected")
    );
}

pub(crate) fn page(score: &Score, title: &str) -> String {
    let t_s: Vec<f64> = (0..3600).map(f64::from).collect();
    html(&ReportData {
        title: title.to_owned(),
        item: "bottle".to_owned(),
        items: "bottles".to_owned(),
        intent: String::new(),
        score,
        actions: vec![ActionMark {
            start_ns: 1000 * S,
            end_ns: None,
            action: "deny".to_owned(),
            target: "<img src=x>".to_owned(),
            consequence: String::new(),
        }],
        impacts: vec![Impact {
            start_ns: 1000 * S,
            end_ns: 1100 * S,
            label: "spill".to_owned(),
            cumulative: true,
        }],
        series: vec![Series {
            name: "Level".to_owned(),
            unit: "m".to_owned(),
            actual: t_s
                .iter()
                .map(|t| if *t > 2000.0 { f64::NAN } else { *t })
                .collect(),
            twin: Some(vec![1.0; 3600]),
            shown: None,
            t_s,
        }],
        events: vec![PlantEvent {
            t_ns: 1000 * S,
            host: "plc-<1>".to_owned(),
            kind: "MODE".to_owned(),
            text: "mode PROGRAM".to_owned(),
        }],
    })
}

#[test]
fn page_when_written_then_complete_self_contained_and_escaped() {
    let page = page(&gated(), "</title><script>alert(1)</script>");
    for id in [
        "summary",
        "gates",
        "timeline",
        "killchain",
        "continuity",
        "false-alarms",
        "intervals",
        "provenance",
        "figures",
        "matrix",
        "process",
        "impacts",
        "events",
        "evidence",
    ] {
        assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
        assert!(page.contains(&format!("href=\"#{id}\"")), "{id}");
    }
    for outside in [
        "http:", "https:", "<script", "<img", "url(//", "@import", "src=",
    ] {
        let found = page.matches(outside).count()
            - page.matches("&lt;img src=x&gt;").count() * usize::from(outside == "src=");
        assert_eq!(found, 0, "{outside}");
    }
    for bad in ["NaN", "inf\"", "Infinity"] {
        assert!(!page.contains(bad), "{bad}");
    }
    for says in [
        "saw <strong>2 of the 3 steps</strong>",
        "5\u{a0}s after the attack began",
        "6\u{a0}min\u{a0}35\u{a0}s before",
        "<strong>400 good bottles</strong>",
        "It saved <strong>75 %</strong>",
        "1 false alarm",
        "Three attack steps cannot support",
        "run D is missing: the defense only watches",
        "the attack never reached this step",
    ] {
        assert!(page.contains(says), "the page does not say {says:?}");
    }
    // Open and close tags balance, which browsers forgive and people debugging do not.
    for tag in [
        "section", "table", "tr", "td", "th", "div", "ul", "li", "dl", "svg", "p", "main",
    ] {
        let open =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn page_when_there_is_little_to_show_then_still_a_page() {
    let empty = detection::score(&crate::common::truth(3600, vec![]), &[], &Params::default());
    let mut bare = Score::new(header(), empty, None);
    let quiet = page(&bare, "quiet");
    assert!(quiet.contains("No attack ran in this run"));
    bare.header.tool = None;
    bare.header.duration_s = 0.0;
    assert!(page(&bare, "nothing").contains("</html>"));
}

/// A text of a drawing: x, anchor and the text itself.
type Placed = (f64, String, String);

/// The width of every drawing, with its texts.
fn texts_of_drawings(page: &str) -> Vec<(f64, Vec<Placed>)> {
    let attribute = |tag: &str, name: &str| -> Option<String> {
        let start = tag.find(&format!("{name}=\""))? + name.len() + 2;
        Some(tag[start..].split('"').next()?.to_owned())
    };
    page.split("<svg class=")
        .skip(1)
        .map(|svg| {
            let svg = svg.split("</svg>").next().expect("a drawing");
            let view = attribute(svg, "viewBox").expect("a drawing has a size");
            let width = view.split(' ').nth(2).expect("four numbers");
            let texts = svg.split("<text ").skip(1).map(|text| {
                let x = attribute(text, "x").expect("a text has a place");
                let anchor = attribute(text, "text-anchor").expect("a text has an anchor");
                let body = text.split_once('>').expect("a text").1;
                let body = body.split("</text>").next().expect("a text ends");
                // What is drawn is the character and not its escape.
                let body = body
                    .replace("&lt;", "<")
                    .replace("&gt;", ">")
                    .replace("&#39;", "'")
                    .replace("&quot;", "\"")
                    .replace("&amp;", "&");
                (x.parse().expect("a number"), anchor, body)
            });
            (width.parse().expect("a number"), texts.collect())
        })
        .collect()
}

/// Every text of every drawing lies inside it, by the width that the drawings reckon with.
pub(crate) fn check_labels_are_inside(page: &str) {
    const CHARACTER_PX: f64 = 6.7;
    for (width, texts) in texts_of_drawings(page) {
        for (x, anchor, text) in &texts {
            let text_px = text.chars().count() as f64 * CHARACTER_PX;
            let (from, to) = match anchor.as_str() {
                "end" => (x - text_px, *x),
                "middle" => (x - text_px / 2.0, x + text_px / 2.0),
                _ => (*x, x + text_px),
            };
            assert!(
                from >= -1.0 && to <= width + 1.0,
                "{text:?} at {x} of {width}"
            );
        }
    }
}

#[test]
fn drawings_when_values_are_long_then_every_label_is_inside_and_axes_have_two_ticks() {
    let gated = gated();
    let t_s: Vec<f64> = (0..3600).map(f64::from).collect();
    let series = |name: &str, low: f64, high: f64| Series {
        name: name.to_owned(),
        unit: "mL".to_owned(),
        actual: t_s
            .iter()
            .map(|t| low + (high - low) * t / 3600.0)
            .collect(),
        twin: None,
        shown: None,
        t_s: t_s.clone(),
    };
    let charts = vec![
        series(
            "Mean content of the last twelve bottles filled on the line",
            499.98,
            500.02,
        ),
        series("Bottles", 9_990.0, 10_017.0),
        series("Total", -1_234_500.0, 12_345_600.0),
        series("Still", 1_234.5, 1_234.5),
    ];
    let count = charts.len();
    let page = html(&ReportData {
        title: "long values".to_owned(),
        item: "bottle".to_owned(),
        items: "bottles".to_owned(),
        intent: String::new(),
        score: &gated,
        actions: Vec::new(),
        impacts: Vec::new(),
        series: charts,
        events: Vec::new(),
    });
    check_labels_are_inside(&page);
    let forms = ["timeline-wide-hatch", "timeline-narrow-hatch"];
    let timelines: Vec<&str> = page
        .split("<svg class=")
        .filter(|svg| forms.iter().any(|form| svg.contains(form)))
        .collect();
    assert_eq!(timelines.len(), forms.len());
    for svg in timelines {
        // Grid lines across a chart, from one axis line to the next.
        let horizontal = |line: &&str| {
            let at = |name: &str| line.split(&format!("{name}=\"")).nth(1)?.split('"').next();
            line.starts_with("<line") && at("y1") == at("y2") && at("x1") != Some("0.0")
        };
        let lines: Vec<&str> = svg.lines().filter(horizontal).collect();
        let groups: Vec<&[&str]> = lines
            .split(|line| line.contains("class=\"axis\""))
            .filter(|group| !group.is_empty())
            .collect();
        assert_eq!(groups.len(), count);
        for group in groups {
            let ticks = group
                .iter()
                .filter(|line| line.contains("\"grid\""))
                .count();
            assert!(ticks >= 2, "{group:?}");
        }
    }
}

#[test]
fn legend_when_an_impact_is_a_total_then_it_says_that_growth_is_shaded() {
    let says = "shaded only while the total grows";
    assert!(page(&gated(), "spill").contains(says));
    let bare = html(&ReportData {
        title: "no impact".to_owned(),
        item: "bottle".to_owned(),
        items: "bottles".to_owned(),
        intent: String::new(),
        score: &gated(),
        actions: Vec::new(),
        impacts: Vec::new(),
        series: Vec::new(),
        events: Vec::new(),
    });
    assert!(!bare.contains(says));
}
