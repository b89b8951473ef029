//! The table of problem codes. `twinrange explain CODE` prints it.
//!
//! | range | about |
//! | --- | --- |
//! | TR01xx | the form of a file that people write |
//! | TR020x, TR0210 | the meaning of a plant |
//! | TR022x, TR023x | the meaning of a playbook |
//! | TR024x | the meaning of a scenario |
//! | TR03xx | run folders and what is in them |
//! | TR04xx | the viewer |
//! | TR05xx | campaigns |
//! | TR06xx | live runs |

use serde::Serialize;

/// What a code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CodeInfo {
    /// The code, such as `TR0103`.
    pub code: &'static str,
    /// The mistake in a few words.
    pub title: &'static str,
    /// Why it is a mistake and what to do, in a paragraph.
    pub text: &'static str,
}

/// What a code stands for, or `None` for a code that is not ours. Case does not count.
///
/// # Examples
///
/// ```
/// use twinrange_range::problem::explain;
///
/// assert_eq!(explain("tr0103").map(|info| info.title), Some("unknown field"));
/// ```
#[must_use]
pub fn explain(code: &str) -> Option<&'static CodeInfo> {
    CODES
        .iter()
        .find(|info| info.code.eq_ignore_ascii_case(code))
}

/// All codes, ascending.
#[must_use]
pub fn all() -> &'static [CodeInfo] {
    CODES
}

const fn info(code: &'static str, title: &'static str, text: &'static str) -> CodeInfo {
    CodeInfo { code, title, text }
}

static CODES: &[CodeInfo] = &[
    info(
        "TR0101",
        "not RON",
        "The text does not follow the grammar of RON (Rusty Object Notation): usually a comma, a \
         bracket or a quotation mark is missing just before the place that is shown. Fields are \
         written `name: value,`, lists `[a, b]`, structs `(…)` or `Name(…)`.",
    ),
    info(
        "TR0102",
        "wrong kind of value",
        "The value has another type than the field takes: text instead of a number, a list instead \
         of a struct, a number with a fraction where a whole one is needed, or a number that is too \
         large. Text stands in double quotation marks, numbers and `true`/`false` do not.",
    ),
    info(
        "TR0103",
        "unknown field",
        "The struct has no field of this name. Unknown fields are rejected and not ignored, because \
         a mistyped optional field would silently take its default. The hint names the nearest \
         field, or all of them.",
    ),
    info(
        "TR0104",
        "missing field",
        "The struct needs a field that is not there. The place shown is the beginning of the struct.",
    ),
    info(
        "TR0105",
        "field given twice",
        "The same field stands twice in one struct. Only one value can be meant; remove the other.",
    ),
    info(
        "TR0106",
        "unknown choice",
        "The field takes one of a fixed set of words and this is none of them. Words begin with a \
         capital letter and stand without quotation marks.",
    ),
    info(
        "TR0108",
        "file cannot be read",
        "A file that was named does not exist, may not be read, or is a folder. Names in a file are \
         relative to the folder of the file that names them.",
    ),
    info(
        "TR0109",
        "reference is not a relative path",
        "One file names another by a relative path with forward slashes, such as `plant.ron` or \
         `../../attacks/playbooks/drift.ron`. Absolute paths, drive letters and backslashes would \
         work on one machine only, and a run folder could not be replayed elsewhere.",
    ),
    info(
        "TR0110",
        "not a text file",
        "The file is not UTF-8 text, or is larger than any file of its kind should be (4 MiB).",
    ),
    info(
        "TR0111",
        "unknown kind of file",
        "A file is recognised by its outermost name, such as `Scenario(…)`, `Plant(…)`, \
         `Playbook(…)` or `Defense(…)`, or by the ending `.st` for a Structured Text program. This \
         file has neither, or a folder holds no such file.",
    ),
    info(
        "TR0112",
        "wrong argument",
        "An argument of the command cannot be used. The message says what is wrong with it, and \
         `--help` of the verb says what may stand there.",
    ),
    info(
        "TR0113",
        "text cannot be shown",
        "A title, name, summary or description has a line break, another control character or a mark \
         that turns the direction of writing around (U+202A to U+202E, U+2066 to U+2069). Terminals, \
         tables and reports show these texts on one line, and such a character would break it or make it \
         read as something else. Write `\\` at the end of a line to go on in the next one.",
    ),
    info(
        "TR0201",
        "unknown schema version",
        "The file says with `schema` which version of the form it follows, and this build does not \
         read that version. A file from a newer build needs that build.",
    ),
    info(
        "TR0202",
        "unknown name",
        "The file refers to something by a name that does not exist: a host, a tag, a network, a \
         procedure, a column of the physical truth. The hint names the nearest one that does.",
    ),
    info(
        "TR0203",
        "name cannot be used",
        "A name is empty, is used twice, or is not a name. Names appear in paths, tables and gate \
         expressions: they begin with a lower-case letter and go on with lower-case letters, digits, \
         `-` and `_`, at most 64 in all.",
    ),
    info(
        "TR0204",
        "value out of range",
        "The number cannot be used: it is negative, not finite, zero where something must be, or \
         beyond the limit that the message names.",
    ),
    info(
        "TR0205",
        "impossible process",
        "The parameters of the process contradict each other or physics. The message says which.",
    ),
    info(
        "TR0206",
        "not an address",
        "A subnet, IP address or hardware address cannot be used: it is malformed, lies outside its \
         network, or is an address of a group.",
    ),
    info(
        "TR0207",
        "host of another kind",
        "The host exists and has another role than its use here needs; a controller, for example, is \
         a host with the role `Plc`.",
    ),
    info(
        "TR0208",
        "not an address in a controller",
        "Addresses in a controller follow IEC 61131-3: `%IX0.3`, `%QW12`, `%MD4`. The letters must \
         fit the use: I for inputs, Q for outputs, M for memory; X for a bit, W for a word, D for two.",
    ),
    info(
        "TR0209",
        "wrong direction or width",
        "Sensors are wired to inputs and actuators to outputs; discrete points need a bit and analog \
         ones a word; only writable tags can be written.",
    ),
    info(
        "TR0210",
        "unknown work",
        "A procedure asks for something that nobody can do at the machines of this process.",
    ),
    info(
        "TR0221",
        "unknown version of a playbook",
        "`schema` is the version of the form of the file and `technique_version` the version of \
         ATT&CK for ICS that its technique ids are from. This build reads the ones that the \
         message names.",
    ),
    info(
        "TR0222",
        "unknown technique",
        "The id is not a technique of MITRE ATT&CK for ICS. `twinrange list techniques` prints \
         all that are known.",
    ),
    info(
        "TR0223",
        "revoked technique",
        "MITRE has replaced this technique; the hint names its successor. Scores use the \
         successor, so a playbook must do so too.",
    ),
    info(
        "TR0224",
        "unknown target",
        "A step is aimed at an alias that `targets` does not define, or `targets` picks a host \
         or role that the plant does not have.",
    ),
    info(
        "TR0225",
        "unfit target",
        "The action cannot be done to this target: it needs a controller, needs two different \
         hosts, or would be aimed at the attacker itself.",
    ),
    info(
        "TR0226",
        "trigger cannot fire",
        "A step waits for a step that does not exist, for itself, or in a circle with others, \
         so that it would never begin.",
    ),
    info(
        "TR0227",
        "pace out of range",
        "A time, a rate or a number of repetitions is outside the limits that the message \
         names. The limits keep an attack from running without end or faster than a network \
         could carry.",
    ),
    info(
        "TR0228",
        "address out of range",
        "Modbus has 65536 addresses in each of its four tables, limits how many one request may \
         carry, and lets only coils and holding registers be written.",
    ),
    info(
        "TR0229",
        "value out of range",
        "The value does not fit the register or coil, or a fraction is outside its limits.",
    ),
    info(
        "TR0230",
        "unusable name or text",
        "A name, id or text of a playbook is empty, malformed or used twice. Step ids appear in \
         the ground truth and in scores, so they must be unique.",
    ),
    info(
        "TR0231",
        "nothing there to force",
        "A force is for an entry of the process image of one controller: a tag of that controller, or \
         a direct address such as `%IX0.5` or `%QW0`. This place is not there, is in another \
         controller, is forced twice in one step, or goes beyond the 64 forces that a controller has.",
    ),
    info(
        "TR0240",
        "not a time",
        "Times are written as a number and a unit (`2h`, `30min`, `12.5s`, `250ms`) or as a clock \
         (`00:12:30`). A bare number is rejected because its unit would be a guess.",
    ),
    info(
        "TR0241",
        "clean period does not fit",
        "`clean_until` must lie inside `duration`: before it nothing attacks and a defense may \
         learn, after it the playbook may begin. With a playbook, some of the run must remain, and no \
         step may begin before it.",
    ),
    info(
        "TR0242",
        "playbook without attacker, or attacker without playbook",
        "A playbook needs to know which host the attacker owns (`attacker`), and an attacker without \
         a playbook would do nothing. Give both or neither.",
    ),
    info(
        "TR0243",
        "period does not fit",
        "The periods of a run must fit into each other, so that every sample falls on a step of the \
         process. The message says which do not.",
    ),
    info(
        "TR0244",
        "text is missing",
        "The field is there but empty. Reports show it to people, so it should say something.",
    ),
    info(
        "TR0245",
        "step never comes",
        "A step of the playbook is set to begin at or after the end of the run. The run can be \
         made, but the step will be missing from it.",
    ),
    info(
        "TR0301",
        "not a run folder",
        "The folder exists and was not written by this program, or another run is being written there. Nothing is \
         overwritten; name another folder, or an empty one.",
    ),
    info(
        "TR0302",
        "run did not finish",
        "The folder has no `run.json`. It is written last, so a run that was killed leaves none. \
         What is in the folder is incomplete; run the scenario again.",
    ),
    info(
        "TR0303",
        "manifest is damaged",
        "`run.json` is not the manifest of a run: it is not JSON, or fields are missing or wrong.",
    ),
    info(
        "TR0304",
        "run folder of another version",
        "The run folder was written by a build with another schema version. Read it with that build, \
         or run the scenario again.",
    ),
    info(
        "TR0305",
        "file is missing from the run folder",
        "The manifest lists a file that is not there. The folder was changed after the run.",
    ),
    info(
        "TR0306",
        "file of the run folder is damaged",
        "A file is shorter or longer than the manifest says, or its content cannot be read: it was \
         cut off or changed after the run.",
    ),
    info(
        "TR0307",
        "cannot write",
        "A file or folder cannot be written: no space is left, it may not be written to, or a part \
         of the path is a file.",
    ),
    info(
        "TR0308",
        "line is not a record",
        "A file of JSON lines has a line that is not JSON or lacks a field. Line and column are shown.",
    ),
    info(
        "TR0309",
        "no such run",
        "The path of the run folder does not exist or is a file. The folder of a run is the one that \
         holds `run.json`.",
    ),
    info(
        "TR0312",
        "input does not fit the plant",
        "`inputs.jsonl` holds an action on something that the plant of the run folder does not have. \
         The folder was changed after the run.",
    ),
    info(
        "TR0313",
        "alert file cannot be read",
        "The file of alerts is not of the format that was named, is cut off, or nothing in it can be true \
         in the run, such as times behind its end. Line and column are shown; `list formats` names the \
         formats.",
    ),
    info(
        "TR0314",
        "gate cannot be read",
        "The gate is not an expression such as `recall >= 0.8 and false_alarms_per_day <= 1`. \
         `list gates` names the figures.",
    ),
    info(
        "TR0315",
        "alert that cannot be true in the run",
        "A record names a time, a frame or a SPAN port that the run does not have, or an address that is \
         none. It is left out of the score, counted by its reason, and its line and field are shown.",
    ),
    info(
        "TR0316",
        "defense learns less than it asks for",
        "The scenario's clean period (`clean_until`) is shorter than `learn_s` of the defense. It is told to \
         learn no longer than that: what it learned behind it could be the attack.",
    ),
    info(
        "TR0317",
        "program is laid out otherwise",
        "`st fmt --check` found a program whose indentation, blanks or reserved words differ from what \
         `st fmt` writes. The line is the first that differs; the program itself is not judged.",
    ),
    info(
        "TR0318",
        "recorded inputs cannot be used",
        "A file for `st run --inputs` is CSV: its first row names `time_ms` and then variables of the \
         program or addresses such as `%IX0.3`; each further row has a time in ms and values as the \
         language writes them (TRUE or 1, -5, 16#FF, 1.5, T#2s). Times never fall; an empty cell \
         changes nothing; a line that begins with `#` is a comment.",
    ),
    info(
        "TR0325",
        "table of techniques cannot be read",
        "`score --techniques` takes RON, `{ \"9000101\": [\"T0855\"], \"Scan::Port_Scan\": [\"T0846.001\"] }`, or, in a \
         file that ends in `.csv`, rows under `signature,techniques`. Techniques are identifiers of ATT&CK for ICS \
         of any version.",
    ),
    info(
        "TR0330",
        "what-if that cannot be asked",
        "`what-if` changes what came from outside in a recorded run: actions such as `contain hmi-1 at 00:12:30`, \
         and steps of the attack by their identifiers. The action cannot be read, lies behind the end of the run, \
         or the run has no such action or step. A run whose defense stood in a cable cannot be asked: it judged the \
         frames of that very run.",
    ),
    info(
        "TR0340",
        "case that cannot be read",
        "`metrics --case` takes JSON: an object with `n` (number of samples), `truth` and `pred` (lists of \
         `[first, last]`, counted from 0, both included), a list of such objects, or an object with `cases`. Other \
         keys are ignored.",
    ),
    info(
        "TR0341",
        "labels that cannot be read",
        "A file for `metrics` has one label for each sample (CSV, Parquet, JSON lines), or ranges: CSV with a head of \
         `first,last` (samples) or `start,end` (times), or IPAL's attacks.json. Labels are never guessed: a value \
         that says neither attack nor normal needs `--attack-value`.",
    ),
    info(
        "TR0342",
        "truth and alarms do not fit together",
        "Both files must be about the same samples in the same order: the same number of them, and the same times \
         where both have times.",
    ),
    info(
        "TR0350",
        "folder for an export is taken",
        "`export` writes into a folder that does not exist or is empty, and never into a run folder. It has the name \
         only when everything in it is whole; until then it ends with `.unfinished` and can be removed.",
    ),
    info(
        "TR0351",
        "option that the format cannot have",
        "Formats with text for a time (SWaT, WADI, HAI) have rows of whole seconds, BATADAL rows of whole hours or of a \
         shorter period that is stamped as an hour each. A period also must leave at least one row to be tested on. An \
         option that has no meaning for the format is refused, so that nobody takes it for obeyed.",
    ),
    info(
        "TR0352",
        "run that cannot be learned from",
        "`export --train` takes a whole run that was not attacked, of a plant with the same recorded tags: \
         `run SCENARIO --no-attack --seed N`. Use another seed than that of the attacked run, or rows before the attack \
         are the same in both.",
    ),
    info(
        "TR0353",
        "nothing to export",
        "The run has none of what the format tells: an Attack Flow needs an attack; rows to be tested on need a run that \
         goes on behind the scenario's clean period (`clean_until`), unless `--train` names another run to learn from.",
    ),
    info(
        "TR0360",
        "run was not scored",
        "`compare` reads `score/score.json` of both run folders and makes none itself. Write it with `score RUN`, once \
         with and once without `--quick` if you like. A run that nobody watched has no alerts to score: run it with \
         `--defense silent`, or give `score` an empty file of alerts.",
    ),
    info(
        "TR0361",
        "score cannot be used",
        "`score/score.json` is not JSON of the form that this build writes, or it is the score of another run than that \
         of its folder: its run digest is not the one in `run.json`. Score the run again.",
    ),
    info(
        "TR0362",
        "runs that cannot be compared",
        "`compare` takes two runs of one scenario and one simulated length. Figures of two scenarios, or of a longer and a \
         shorter run, differ whatever the defenses do. A run that was interrupted is shorter than one that was not. Other \
         seeds, other values in the scenario's files, and a run with the attack beside one without are compared, and said \
         to differ.",
    ),
    info(
        "TR0401",
        "nothing to render with",
        "The viewer found neither a graphics card nor a software renderer that speaks Vulkan. On Debian, \
         `apt-get install mesa-vulkan-drivers libvulkan1` brings one that needs no graphics card.",
    ),
    info(
        "TR0402",
        "ffmpeg is missing",
        "A film is encoded by the program `ffmpeg`, which is not on the path. Install it, or name a folder \
         in place of a `.mp4`: then each picture becomes a file.",
    ),
    info(
        "TR0403",
        "picture cannot be written",
        "The file or folder of an export cannot be written, or ffmpeg failed; its own message stands above.",
    ),
    info(
        "TR0404",
        "no such picture",
        "An option of the viewer asks for what there is not: a size from 16x16 to 8192x8192, a time within \
         the run, a view that `--list-views` names, a display to open a window on.",
    ),
    info(
        "TR0405",
        "the viewer is not built",
        "`twinrange view` starts the program `twinrange-view`, which is built apart, since it needs a \
         renderer: `cargo build --release -p twinrange-viewer`. It has to lie beside `twinrange`.",
    ),
    info(
        "TR0406",
        "session cannot be followed",
        "`twinrange view --connect` asks a live session for all that is needed in order to run it again beside it. Nobody \
         answers at the address, the token has not the role `truth`, or the session is one of another build.",
    ),
    info(
        "TR0501",
        "value cannot be set",
        "A plan, or an option of the command, sets a value by a path such as `scenario.response.approval_s`. \
         Only the paths that docs/campaigns.md lists can be set, and the value must exist in the scenario's \
         files or be one that they may hold.",
    ),
    info(
        "TR0502",
        "plan does not fit its scenario",
        "A posture, a sweep or a variation of a plan makes a scenario that cannot be run. The message says \
         with which settings, and what the check of the scenario found.",
    ),
    info(
        "TR0503",
        "campaign is in use",
        "Another process works in the folder of this campaign. Wait for it or stop it; the lock goes with \
         the process, however it ends.",
    ),
    info(
        "TR0504",
        "results contradict each other",
        "Two results have one key and differ. A cell is a function of its key, so one of the two was made by \
         a changed build, by a defense that does not repeat itself, or was changed afterwards.",
    ),
    info(
        "TR0505",
        "no such cell",
        "The plan has no cell with this key. `campaign plan` lists the keys; they change with the plan, with \
         the files of a scenario or a defense, and with the version of the range.",
    ),
    info(
        "TR0506",
        "not a result of a cell",
        "The file is not the result of a campaign's cell: it is not JSON of that form, or the digest in its \
         name is not that of the key in it.",
    ),
    info(
        "TR0507",
        "plan asks for nothing or for too much",
        "A list of a plan is empty, names something twice, or all lists together make more cells than one \
         campaign may have. The message says which.",
    ),
    info(
        "TR0601",
        "no place for the outside",
        "A live run plugs what is outside into a port of one network's switch. The network that was named does \
         not exist, or all of its addresses are taken by hosts.",
    ),
    info(
        "TR0602",
        "address cannot be used",
        "A live run listens for real clients at an address of this machine. The address is not one of this \
         machine, is not allowed, or the port is in use by another program; the message says which. Or nobody takes \
         what is sent to an address: a syslog receiver or an MQTT broker has to be there when the plant starts.",
    ),
    info(
        "TR0603",
        "interface cannot be used",
        "A live run was to be plugged into a network interface of this machine, which does not exist or which this \
         process may not read frames from, or was to make a TAP device (`tap:NAME`), which needs CAP_NET_ADMIN and \
         /dev/net/tun. docs/live.md has the commands that make interfaces and TAP devices in a namespace of your own, \
         without root.",
    ),
    info(
        "TR0604",
        "API cannot be opened",
        "A live run was to open its defense API. The address is taken or not one of this machine, the file of tokens is \
         wrong, or the address can be reached from other machines and no tokens were given: then anybody there could \
         stop time and act in the plant. docs/api.md has a file of tokens. Also: a defense that speaks after the session, \
         or that judges frames in simulated time, does not go with a live run.",
    ),
    info(
        "TR0605",
        "frames cannot be streamed",
        "`live --capture` writes the SPAN port's frames into a named pipe or to standard output (`-`). The path does not \
         exist or is an ordinary file; `mkfifo PATH` makes a pipe. As a file, the capture is in the run folder.",
    ),
    info(
        "TR0606",
        "the OPC UA server is not built",
        "`live --opcua` starts the program `twinrange-opcua`, which is built apart, since few need its many \
         dependencies: `cargo build --release -p twinrange-opcua`. It has to lie beside `twinrange`, and be of the same build.",
    ),
    info(
        "TR0607",
        "certificates cannot be used",
        "A live run was to serve Modbus inside TLS. One of the PEM files cannot be read, holds no certificate or no \
         private key, or the key is that of another certificate; the message says which. docs/live.md has the openssl \
         commands that make all three files.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_when_listed_then_ascending_and_explained() {
        for pair in CODES.windows(2) {
            assert!(
                pair[0].code < pair[1].code,
                "{} and {}",
                pair[0].code,
                pair[1].code
            );
        }
        for info in CODES {
            assert!(
                info.code.len() == 6 && info.code.starts_with("TR"),
                "{}",
                info.code
            );
            assert!(
                info.text.len() > 60 && !info.text.contains("  "),
                "{}",
                info.code
            );
            assert!(
                info.text.ends_with('.') && !info.title.ends_with('.'),
                "{}",
                info.code
            );
        }
    }
}
