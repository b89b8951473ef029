//! The command line of the yardsticks.

use crate::script::Script;

/// Text of the help.
pub const USAGE: &str = "\
twinrange-yardstick NAME [--learn-s SECONDS] [--per-hour N] [--seed N] [--script JSON]

Speaks the lock-step protocol of docs/defense-protocol.md on standard input and output.
NAME is silent, always-on, flicker, random, trigger-happy, over-eager or oracle.
";

/// Which yardstick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Never alerts.
    #[default]
    Silent,
    /// Alerts in every interval.
    AlwaysOn,
    /// Alerts for a moment, again and again.
    Flicker,
    /// Alerts at random.
    Random,
    /// Alerts on every write.
    TriggerHappy,
    /// Cuts off whatever is new.
    OverEager,
    /// Says what it was told.
    Oracle,
}

/// How the yardstick behaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Which one it is.
    pub kind: Kind,
    /// Length of the clean period, simulated ns; `hello` decides when `None`.
    pub learn_ns: Option<u64>,
    /// Mean number of random alerts in a simulated hour.
    pub per_hour: u32,
    /// Seed of the random stream.
    pub seed: u64,
    /// What the oracle says; nothing without one.
    pub script: Script,
}

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut args = args.into_iter();
        let kind = match args.next().as_deref() {
            Some("silent") => Kind::Silent,
            Some("always-on") => Kind::AlwaysOn,
            Some("flicker") => Kind::Flicker,
            Some("random") => Kind::Random,
            Some("trigger-happy") => Kind::TriggerHappy,
            Some("over-eager") => Kind::OverEager,
            Some("oracle") => Kind::Oracle,
            Some(other) => return Err(format!("there is no yardstick '{other}'")),
            None => return Err("the name of a yardstick is missing".to_owned()),
        };
        let mut options = Self {
            kind,
            ..Self::default()
        };
        while let Some(arg) = args.next() {
            let value = args.next().ok_or_else(|| format!("{arg} needs a value"))?;
            let number = || -> Result<u64, String> {
                let wrong = |_| format!("{arg}: '{value}' is not a whole number");
                value.parse().map_err(wrong)
            };
            match arg.as_str() {
                "--learn-s" => {
                    let learn_ns = number()?.checked_mul(1_000_000_000);
                    let wrong = || format!("{arg}: '{value}' is too long");
                    options.learn_ns = Some(learn_ns.ok_or_else(wrong)?);
                }
                "--per-hour" => {
                    let wrong = |_| format!("{arg}: '{value}' is too often");
                    options.per_hour = u32::try_from(number()?).map_err(wrong)?;
                }
                "--seed" => options.seed = number()?,
                "--script" => {
                    let wrong = |error| format!("--script: {error}");
                    options.script = serde_json::from_str(&value).map_err(wrong)?;
                }
                other => return Err(format!("unknown argument '{other}'")),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: Result<Options, &str>) {
        let got = Options::parse(line.split_whitespace().map(str::to_owned));
        assert_eq!(got, expect.map_err(str::to_owned), "{line}");
    }

    #[test]
    fn arguments_when_parsed_then_options_or_a_message() {
        let of = |kind| Options {
            kind,
            ..Options::default()
        };
        check("silent", Ok(of(Kind::Silent)));
        check(
            "random --per-hour 6 --seed 3",
            Ok(Options {
                per_hour: 6,
                seed: 3,
                ..of(Kind::Random)
            }),
        );
        check(
            "over-eager --learn-s 2",
            Ok(Options {
                learn_ns: Some(2_000_000_000),
                ..of(Kind::OverEager)
            }),
        );
        check(r#"oracle --script {"lines":[]}"#, Ok(of(Kind::Oracle)));
        check("", Err("the name of a yardstick is missing"));
        check("perfect", Err("there is no yardstick 'perfect'"));
        check("random --seed", Err("--seed needs a value"));
        check(
            "random --seed -1",
            Err("--seed: '-1' is not a whole number"),
        );
        check("silent --loud 1", Err("unknown argument '--loud'"));
    }
}
