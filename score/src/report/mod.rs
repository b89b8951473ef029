//! `report.html`: one self-contained page for the plant manager, the SOC and the engineer.
//!
//! One file, three depths, each a page of its own when printed: plain words, money and minutes for the manager;
//! steps, alerts and times for the SOC; process, causes and controllers for the engineer. What an auditor asks for
//! comes last.
//!
//! No script, no font, no image from anywhere: styles and drawings are inline, so the file can be
//! mailed and opened years later. Light and dark follow the reader's system, and every drawing exists
//! in a wide form, one for paper, and a narrow one, of which the style sheet shows one.
//!
//! **Invariant:** every text from outside goes through [`words::escape`].

mod attribution;
pub mod campaign;
mod charts;
pub mod compare;
mod curves;
mod evidence;
mod lanes;
mod margin;
mod matrix;
mod plant;
mod provenance;
mod summary;
mod svg;
mod tables;
mod timeline;
pub mod words;

use crate::score::Score;

/// A response action of the defense, as it was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionMark {
    /// When it took effect, simulated ns.
    pub start_ns: u64,
    /// When it ended, if it did; simulated ns.
    pub end_ns: Option<u64>,
    /// OpenC2 word: `deny`, `contain`, `restore`.
    pub action: String,
    /// What it was applied to.
    pub target: String,
    /// What it did to the plant, a short clause; may be empty.
    pub consequence: String,
}

/// An interval in which the plant differed from its twin that was not attacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    /// Start, simulated ns.
    pub start_ns: u64,
    /// End (exclusive), simulated ns.
    pub end_ns: u64,
    /// What was wrong: `underfilled bottles shipped`.
    pub label: String,
    /// Whether it is told by a total that never falls, so that the interval is where the total grew
    /// and not where it was above its limit.
    pub cumulative: bool,
}

/// A process variable over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name for people: `Fill volume`.
    pub name: String,
    /// Unit; may be empty.
    pub unit: String,
    /// Simulated times, s, ascending; shape `[samples]`.
    pub t_s: Vec<f64>,
    /// The physical truth of this run; shape `[samples]`. A value that is not finite is a gap.
    pub actual: Vec<f64>,
    /// The twin that was not attacked; shape `[samples]`.
    pub twin: Option<Vec<f64>>,
    /// What the HMI showed, where that is recorded; shape `[samples]`.
    pub shown: Option<Vec<f64>>,
}

/// Something that the plant's own log has: an alarm of the HMI, a change in a controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlantEvent {
    /// When, simulated ns.
    pub t_ns: u64,
    /// Host that logged it.
    pub host: String,
    /// What kind of event: `ALARM`, `MODE`, `WRITE`.
    pub kind: String,
    /// For people.
    pub text: String,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct ReportData<'a> {
    /// Title of the page: plant and scenario in words.
    pub title: String,
    /// One produced item: `bottle`.
    pub item: String,
    /// Several: `bottles`.
    pub items: String,
    /// What the attack was after, one sentence; may be empty.
    pub intent: String,
    /// The score.
    pub score: &'a Score,
    /// What the defense did.
    pub actions: Vec<ActionMark>,
    /// Where the plant left its twin.
    pub impacts: Vec<Impact>,
    /// Process variables, the most telling first.
    pub series: Vec<Series>,
    /// What controllers and HMI logged, by time, without routine.
    pub events: Vec<PlantEvent>,
}

/// Writes the page.
///
/// # Panics
///
/// If the vectors of a [`Series`] differ in length, or an interval ends before it starts.
#[must_use]
pub fn html(data: &ReportData<'_>) -> String {
    check(data);
    let title = words::escape(&data.title);
    depth_page(
        "Twinrange report",
        &title,
        &tables::strapline(data.score),
        &depths(data),
    )
}

/// A page of depths. `title` and `strap` are markup.
fn depth_page(brand: &str, title: &str, strap: &str, depths: &[Depth]) -> String {
    let mut nav = String::from("<ul class=\"depths\">\n");
    let mut main = String::new();
    for depth in depths {
        nav.push_str(&format!(
            "<li><a href=\"#{}\">{}</a><ul>\n",
            depth.id, depth.heading
        ));
        for (id, heading, _) in depth.present() {
            nav.push_str(&format!("<li><a href=\"#{id}\">{heading}</a></li>\n"));
        }
        nav.push_str("</ul></li>\n");
        main.push_str(&depth.html());
    }
    nav.push_str("</ul>");
    page(brand, title, strap, &nav, &main)
}

/// A page of sections without depths.
///
/// # Arguments
///
/// * `title`, `strap` — markup.
/// * `sections` — identifier, heading as markup, and body of each; the first one has the summary.
fn flat_page(
    brand: &str,
    title: &str,
    strap: &str,
    sections: &[(String, String, String)],
) -> String {
    let mut nav = String::from("<ul>\n");
    let mut main = String::new();
    for (id, heading, body) in sections {
        nav.push_str(&format!("<li><a href=\"#{id}\">{heading}</a></li>\n"));
        main.push_str(&format!(
            "<section id=\"{id}\" aria-labelledby=\"{id}-h\">\n<h2 id=\"{id}-h\">{heading}</h2>\n{body}</section>\n"
        ));
    }
    nav.push_str("</ul>");
    page(brand, title, strap, &nav, &main)
}

/// A whole page, of which every argument is markup.
fn page(brand: &str, title: &str, strap: &str, nav: &str, main: &str) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n",
        include_str!("style.css")
    );
    page.push_str("<a class=\"skip\" href=\"#summary\">Skip to the summary</a>\n");
    page.push_str(&format!(
        "<header class=\"page\">\n<p class=\"brand\">{brand}</p>\n<h1>{title}</h1>\n{strap}"
    ));
    page.push_str(&format!(
        "<nav aria-label=\"Sections\">{nav}</nav>\n</header>\n<main>\n{main}</main>\n</body>\n</html>\n"
    ));
    page
}

/// What one kind of reader is told, a page of its own when printed.
struct Depth {
    id: &'static str,
    heading: &'static str,
    /// Identifier, heading and body of each section; a section without body is left out.
    sections: Vec<(&'static str, &'static str, String)>,
}

impl Depth {
    fn present(&self) -> impl Iterator<Item = &(&'static str, &'static str, String)> {
        self.sections.iter().filter(|(_, _, body)| !body.is_empty())
    }

    fn html(&self) -> String {
        let (id, heading) = (self.id, self.heading);
        let mut html = format!(
            "<div class=\"depth\" id=\"{id}\" role=\"region\" aria-labelledby=\"{id}-h\">\n<h2 id=\"{id}-h\">{heading}</h2>\n"
        );
        for (id, heading, body) in self.present() {
            html.push_str(&format!(
                "<section id=\"{id}\" aria-labelledby=\"{id}-h\">\n<h3 id=\"{id}-h\">{heading}</h3>\n{body}</section>\n"
            ));
        }
        html.push_str("</div>\n");
        html
    }
}

fn depths(data: &ReportData<'_>) -> Vec<Depth> {
    let score = data.score;
    let manager = vec![
        ("summary", "In short", summary::section(data)),
        ("margin", "How long there was to act", margin::section(data)),
    ];
    let soc = vec![
        ("figures", "Figures", tables::key_figures(data)),
        ("gates", "Gates", tables::gates(score)),
        ("timeline", "Timeline", timeline::section(data)),
        (
            "killchain",
            "The attack, step by step",
            tables::kill_chain(score),
        ),
        ("matrix", "ATT&amp;CK matrix", matrix::section(score)),
        ("no-return", "Points of no return", margin::tables_of(data)),
        ("false-alarms", "False alarms", tables::false_alarms(score)),
        (
            "intervals",
            "How sure are these figures?",
            tables::intervals(score),
        ),
    ];
    let engineer = vec![
        ("process", "Process", timeline::process(data)),
        ("impacts", "Physical impact", plant::impacts(data)),
        ("attribution", "Who did what", attribution::section(data)),
        ("continuity", "Production", charts::continuity(data)),
        ("events", "Controllers and HMI", plant::events(data)),
    ];
    let file = vec![
        (
            "evidence",
            "Evidence towards requirements",
            evidence::section(data),
        ),
        (
            "provenance",
            "What was scored, with what",
            provenance::provenance(score),
        ),
    ];
    present([
        ("manager", "For the manager", manager),
        ("soc", "For the SOC", soc),
        ("engineer", "For the engineer", engineer),
        ("file", "For the file", file),
    ])
}

/// Identifier, heading and sections of a depth.
type NamedDepth = (
    &'static str,
    &'static str,
    Vec<(&'static str, &'static str, String)>,
);

/// The depths that have a section with a body.
fn present(depths: [NamedDepth; 4]) -> Vec<Depth> {
    depths
        .into_iter()
        .map(|(id, heading, sections)| Depth {
            id,
            heading,
            sections,
        })
        .filter(|depth| depth.present().next().is_some())
        .collect()
}

fn check(data: &ReportData<'_>) {
    for series in &data.series {
        let samples = series.t_s.len();
        let same = |values: &Option<Vec<f64>>| values.as_ref().is_none_or(|v| v.len() == samples);
        assert!(
            series.actual.len() == samples && same(&series.twin) && same(&series.shown),
            "series {} has vectors of different lengths",
            series.name
        );
    }
    for impact in &data.impacts {
        assert!(
            impact.start_ns <= impact.end_ns,
            "impact {} ends before it starts",
            impact.label
        );
    }
}

/// A drawing in all its forms; the style sheet shows the one that fits the screen or the paper.
fn both_widths(draw: impl Fn(f64, &str) -> String) -> String {
    format!(
        "<div class=\"drawing\">\n{}{}{}</div>\n",
        draw(WIDE_PX, "wide"),
        draw(MEDIUM_PX, "medium"),
        draw(NARROW_PX, "narrow")
    )
}

/// Width of the wide form of a drawing, px.
const WIDE_PX: f64 = 1120.0;
/// Width of the form for paper and tablets, px: A4 less the margins, at 96 px an inch.
const MEDIUM_PX: f64 = 700.0;
/// Width of the narrow form, px: a telephone of 390 px less the margins.
const NARROW_PX: f64 = 342.0;
