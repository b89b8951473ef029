//! The command line of the reference defense.

/// Text of `--help`.
pub const USAGE: &str = "\
twinrange-reference [--learn-s SECONDS] [--respond]

Speaks the lock-step protocol of docs/defense-protocol.md on standard input and output.

  --learn-s SECONDS  length of the clean period, simulated; default: learn_ns of the range's 'hello'
  --respond          ask for 'contain' of an attacker's host, and for 'restore' of a controller
                     whose parameters an unknown host has written
  --version, --help
";

/// How the defense behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Length of the clean period, simulated ns; `hello` decides when `None`.
    pub learn_ns: Option<u64>,
    /// Whether to ask for actions.
    pub respond: bool,
}

impl Options {
    /// Reads the arguments after the program's name; `None` means that help was asked for.
    ///
    /// # Errors
    ///
    /// What is wrong, for people.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--respond" => options.respond = true,
                "--learn-s" => {
                    let value = args.next().ok_or("--learn-s needs a number of seconds")?;
                    let learn_ns = value
                        .parse::<u64>()
                        .ok()
                        .and_then(|learn_s| learn_s.checked_mul(1_000_000_000))
                        .ok_or_else(|| {
                            format!("--learn-s: '{value}' is not a number of seconds")
                        })?;
                    options.learn_ns = Some(learn_ns);
                }
                "--help" | "-h" | "--version" | "-V" => return Ok(None),
                other => return Err(format!("unknown argument '{other}'")),
            }
        }
        Ok(Some(options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: Result<Option<Options>, &str>) {
        let got = Options::parse(line.split_whitespace().map(str::to_owned));
        assert_eq!(got, expect.map_err(str::to_owned), "{line}");
    }

    #[test]
    fn arguments_when_parsed_then_options_or_a_message() {
        let options = |learn_ns, respond| Ok(Some(Options { learn_ns, respond }));
        check("", options(None, false));
        check(
            "--learn-s 60 --respond",
            options(Some(60_000_000_000), true),
        );
        check("--help", Ok(None));
        check("--learn-s", Err("--learn-s needs a number of seconds"));
        check(
            "--learn-s -1",
            Err("--learn-s: '-1' is not a number of seconds"),
        );
        check(
            "--learn-s 99999999999999",
            Err("--learn-s: '99999999999999' is not a number of seconds"),
        );
        check("--frobnicate", Err("unknown argument '--frobnicate'"));
    }
}
