//! The command line of the reference defense.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Text of `--help`.
pub const USAGE: &str = "\
twinrange-reference [--learn-s SECONDS] [--respond] [--bypass ADDRESS:COIL]...

Speaks the lock-step protocol of docs/defense-protocol.md on standard input and output.

  --learn-s SECONDS  length of the clean period, simulated; default: learn_ns of the range's 'hello'
  --respond          ask for 'contain' of an attacker's host, and for 'restore' of a controller
                     whose parameters an unknown host has written
  --bypass A:C       coil C (PDU address) of the controller at A bypasses a safety function; report who
                     switches it on. May be given more than once
  --version, --help
";

/// How the defense behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Length of the clean period, simulated ns; `hello` decides when `None`.
    pub learn_ns: Option<u64>,
    /// Whether to ask for actions.
    pub respond: bool,
    /// Coils that bypass safety functions, by address of the controller.
    pub bypasses: BTreeSet<(Ipv4Addr, u16)>,
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
                "--bypass" => {
                    let value = args.next().ok_or("--bypass needs ADDRESS:COIL")?;
                    let coil = value.split_once(':').and_then(|(address, coil)| {
                        Some((address.parse().ok()?, coil.parse().ok()?))
                    });
                    let message = || format!("--bypass: '{value}' is not ADDRESS:COIL");
                    options.bypasses.insert(coil.ok_or_else(message)?);
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
        let options = |learn_ns, respond| {
            Ok(Some(Options {
                learn_ns,
                respond,
                ..Options::default()
            }))
        };
        check("", options(None, false));
        check(
            "--learn-s 60 --respond",
            options(Some(60_000_000_000), true),
        );
        let coils = [1032, 1033].map(|coil| (Ipv4Addr::new(10, 20, 1, 14), coil));
        check(
            "--bypass 10.20.1.14:1032 --bypass 10.20.1.14:1033",
            Ok(Some(Options {
                bypasses: coils.into(),
                ..Options::default()
            })),
        );
        check("--bypass", Err("--bypass needs ADDRESS:COIL"));
        for value in ["10.20.1.14", "10.20.1.14:70000", "sis:1032"] {
            let message = format!("--bypass: '{value}' is not ADDRESS:COIL");
            check(&format!("--bypass {value}"), Err(&message));
        }
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
