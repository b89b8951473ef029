//! Actions as people write them: `contain hmi-1 at 00:12:30`.

use sim_kernel::time::{SimDuration, SimTime};
use sim_plant::respond::{
    Action, ActionArgs, ControllerTarget, DURATION_MAX_S, DenyTarget, HostTarget,
};
use twinrange_range::problem::Problem;

/// Reads an action with the time of its order.
///
/// ```text
/// contain HOST [for TIME] at TIME
/// deny ip ADDRESS [for TIME] at TIME
/// deny mac ADDRESS [for TIME] at TIME
/// deny port NUMBER of SWITCH [for TIME] at TIME
/// restore CONTROLLER at TIME
/// ```
///
/// Without a length of its own it stands to the end of the run. Whether the plant has the host is seen when the
/// action is handed in.
///
/// # Errors
///
/// `TR0330`.
pub(crate) fn parse(text: &str, duration: SimDuration) -> Result<(SimTime, Action), Problem> {
    let refuse = |why: String| {
        Problem::new("TR0330", format!("action `{text}`: {why}")).hint(
            "write it like `contain hmi-1 at 00:12:30`, `deny ip 10.20.1.66 for 10min at 2400s`, `deny port 3 of \
             cell-switch at 40min` or `restore plc-filler at 00:50:00`",
        )
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let [before @ .., "at", time] = words.as_slice() else {
        return Err(refuse("it does not end with `at` and a time".to_owned()));
    };
    let length = |time: &str| {
        time.parse::<SimDuration>()
            .map_err(|error| refuse(format!("`{time}` is not a time: {error}")))
    };
    let at = length(time)?;
    if at >= duration {
        return Err(refuse(format!("the run ends at {duration}")));
    }
    let (what, lasts) = match before {
        [what @ .., "for", time] => (what, Some(length(time)?)),
        what => (what, None),
    };
    if let Some(lasts) = lasts {
        let is_whole = lasts == SimDuration::from_secs(lasts.as_secs());
        if !is_whole || !(1..=DURATION_MAX_S).contains(&lasts.as_secs()) {
            return Err(refuse(format!(
                "it lasts {lasts}, and not a whole number of seconds from 1 to {DURATION_MAX_S}"
            )));
        }
    }
    let args = ActionArgs {
        duration_s: lasts.unwrap_or(duration).as_secs().clamp(1, DURATION_MAX_S),
    };
    let action = match what {
        ["contain", host] => Action::Contain {
            target: HostTarget {
                host: (*host).to_owned(),
            },
            args,
        },
        ["restore", controller] if what.len() == before.len() => Action::Restore {
            target: ControllerTarget {
                controller: (*controller).to_owned(),
            },
        },
        ["restore", _] => {
            return Err(refuse("a restore takes the plant's own time".to_owned()));
        }
        ["deny", target @ ..] => Action::Deny {
            target: deny_target(target).map_err(refuse)?,
            args,
        },
        _ => {
            return Err(refuse(
                "it begins with none of `deny`, `contain` and `restore`, or its target is not one word".to_owned(),
            ));
        }
    };
    Ok((SimTime::ZERO + at, action))
}

fn deny_target(words: &[&str]) -> Result<DenyTarget, String> {
    match words {
        ["ip", ip] => {
            let ip = ip
                .parse()
                .map_err(|_| format!("`{ip}` is not an IPv4 address"))?;
            Ok(DenyTarget::Ip(ip))
        }
        ["mac", mac] => Ok(DenyTarget::Mac((*mac).to_owned())),
        ["port", port, "of", switch] => Ok(DenyTarget::SwitchPort {
            switch: (*switch).to_owned(),
            port: port
                .parse()
                .map_err(|_| format!("`{port}` is not a port number"))?,
        }),
        _ => Err(
            "a `deny` is aimed at `ip ADDRESS`, `mac ADDRESS` or `port NUMBER of SWITCH`"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: SimDuration = SimDuration::from_secs(7200);

    #[test]
    fn action_when_written_then_read_and_shown_the_same() {
        let check = |text: &str, at_s: u64, shown: &str| {
            let (at, action) = parse(text, RUN).unwrap_or_else(|why| panic!("{text}: {why:?}"));
            assert_eq!((at.as_secs(), action.to_string().as_str()), (at_s, shown));
            let again = format!("{action} at {at_s}s").replace(" s at", "s at");
            assert_eq!(parse(&again, RUN).expect("its own words"), (at, action));
        };
        check("contain hmi-1 at 00:12:30", 750, "contain hmi-1 for 7200 s");
        check(
            "contain hmi-1 for 10min at 5s",
            5,
            "contain hmi-1 for 600 s",
        );
        check(
            "deny ip 10.20.1.66 at 40min",
            2400,
            "deny ip 10.20.1.66 for 7200 s",
        );
        check(
            "deny mac 02:54:57:14:01:42 for 1h at 0s",
            0,
            "deny mac 02:54:57:14:01:42 for 3600 s",
        );
        check(
            "deny port 3 of cell-switch for 90s at 1h",
            3600,
            "deny port 3 of cell-switch for 90 s",
        );
        check("restore plc-filler at 1h", 3600, "restore plc-filler");
    }

    #[test]
    fn action_when_it_makes_no_sense_then_refused_with_the_reason() {
        let check = |text: &str, why: &str| {
            let problem = parse(text, RUN).expect_err(text);
            assert!(problem.message.contains(why), "{text}: {}", problem.message);
        };
        check("contain hmi-1", "does not end with `at`");
        check("contain hmi-1 at noon", "`noon` is not a time");
        check("contain hmi-1 at 2h", "the run ends at");
        check("contain hmi 1 at 1s", "not one word");
        check("stop hmi-1 at 1s", "begins with none of");
        check("restore plc-filler for 5s at 1s", "own time");
        for time in ["0s", "500ms", "90500ms", "9000h"] {
            let text = format!("contain hmi-1 for {time} at 1s");
            check(&text, "not a whole number of seconds");
        }
        check("deny ip 10.20.1 at 1s", "not an IPv4 address");
        check("deny port x of s at 1s", "not a port number");
        check("deny hmi-1 at 1s", "is aimed at");
        check("", "does not end with `at`");
    }
}
