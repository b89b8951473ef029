//! The safety instrumented system from the command: what it did stands in the score, whoever the attacker and
//! the defense are.

use serde_json::Value;

use crate::logic::{detection, impact_s, steps};
use crate::support::{read_json, scratch, words};

/// The bypass is set at 43 min 23 s, the valve is opened two minutes later, and the bowl is full after another
/// two.
const RUN: &str = "run bottling/sisbypass --duration 50min --defense reference --out run";

/// The runs of the continuity score by their names, and what their safety functions did.
fn safety(score: &Value, run: &str) -> Value {
    let runs = score["continuity"]["runs"].as_array().expect("four runs");
    let of_name = runs.iter().find(|one| one["run"] == run);
    of_name.expect("it was made")["production"]["safety"].clone()
}

#[test]
fn bypass_when_it_comes_before_the_attack_then_detected_in_time_and_the_demand_is_missed() {
    let folder = scratch();
    words(folder.path(), RUN).expect_code(0);
    let gate = "score run --quick --gate sif_missed<=0";
    let done = words(folder.path(), gate).expect_code(1);
    assert!(done.stdout.contains("FAIL  sif_missed <= 0"), "{done:?}");
    let run = folder.path().join("run");
    let detection = detection(&run);
    let found = steps(&detection);
    let bypass = found.iter().find(|(id, ..)| *id == "bypass");
    assert_eq!(
        bypass,
        Some(&(
            "bypass",
            true,
            "technique",
            "A safety function was bypassed"
        ))
    );
    assert_eq!(detection["alarms_false"], 0, "{detection:#}");
    let demand_s = impact_s(&run, "safety-demand").expect("the bowl fills up");
    let overflow_s = impact_s(&run, "bowl-overflow").expect("and runs over");
    assert!((2_720..2_900).contains(&demand_s), "{demand_s} s");
    // From 0.53 m to the edge the bowl takes 7 s at full inlet and no draw, and half a litre is a second more.
    assert!(
        (7..=30).contains(&(overflow_s - demand_s)),
        "{overflow_s} s"
    );

    let score = read_json(&run.join("score/score.json"));
    let counts = |name: &str| {
        let found = safety(&score, name);
        let sif1 = &found["functions"][0];
        let counts = ["demands", "trips", "missed", "spurious"];
        let counts = counts.map(|count| sif1[count].as_u64().expect("it is a count"));
        let bypass_s = found["bypass_s"].as_u64().expect("it is a time");
        (counts, bypass_s)
    };
    assert_eq!(counts("N"), ([0; 4], 0));
    let (attacked, bypass_s) = counts("AD");
    assert_eq!(attacked, [1, 0, 1, 0]);
    assert!((390..=400).contains(&bypass_s), "{bypass_s} s to the end");
}
