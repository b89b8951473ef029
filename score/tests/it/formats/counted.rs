//! Messages of syslog with their byte counts.

use twinrange_score::formats::{Format, ImportError, detect, import};

use super::read;
use crate::invariants::options;

/// As a stream carries them (RFC 6587, 3.4.1): the count says where a message ends, and no end of line does.
#[test]
fn line_when_its_messages_are_counted_then_each_is_read() {
    let counted = |message: &str| format!("{} {message}", message.len());
    let of_syslog = |sig: &str| {
        format!("<130>1 2026-01-05T06:00:15Z h a - ALERT [x@1 sig=\"{sig}\"] Schütz auf 5 <b>")
    };
    let of_cef = |sig: &str| {
        format!("<130>1 2026-01-05T06:00:15Z h a - - - CEF:0|a|b|1|{sig}|n|5|msg=größer 7")
    };
    let (cut, wrong) = ("the message was cut", "no message begins where");
    let check = |text: &str, format: Format, expect: &[&str], anomaly: Option<&str>| {
        assert_eq!(detect(text.as_bytes()), Ok(format), "{text}");
        let import = read(format, text);
        let sigs: Vec<&str> = import.alerts.iter().map(|a| a.sig_id.as_str()).collect();
        assert_eq!(sigs, expect, "{text}");
        assert_eq!(usize::try_from(import.read()), Ok(expect.len()), "{text}");
        let notes: Vec<&String> = import.anomalies.keys().collect();
        let told = notes
            .iter()
            .all(|note| anomaly.is_some_and(|a| note.contains(a)));
        assert!(
            told && notes.len() == usize::from(anomaly.is_some()),
            "{notes:?}: {text}"
        );
    };
    for (format, message) in [
        (Format::Syslog, &of_syslog as &dyn Fn(&str) -> String),
        (Format::Cef, &of_cef),
    ] {
        let [a, b, c] = ["a", "b", "c"].map(|sig| counted(&message(sig)));
        let all = ["a", "b", "c"];
        check(&format!("{a}{b}{c}"), format, &all, None);
        check(&format!("{a} {b}\t{c}\r\n"), format, &all, None);
        check(&format!("{a}{b}\n{c}\n"), format, &all, None);
        // The end of a line may be of a message.
        let with_end = counted(&format!("{}\n", message("a")));
        check(&format!("{with_end}{b}{c}"), format, &all, None);
        let end = c.trim_end_matches(|last: char| last != ' ').trim_end();
        check(&format!("{a}{b}{end}"), format, &all, Some(cut));
        let plain = message("a");
        for wrong_count in ["0", "7", "007", &(plain.len() - 3).to_string()] {
            let line = format!("{wrong_count} {plain}\n");
            check(&line, format, &["a"], Some(wrong));
        }
        for far in ["9999", "99999999999999999999999"] {
            check(&format!("{far} {plain}"), format, &["a"], Some(cut));
        }
        // Within a letter nothing ends.
        let letter = plain.find(['ü', 'ö']).expect("one") + 1;
        check(&format!("{letter} {plain}"), format, &["a"], Some(wrong));
    }
    let (alert, other) = (of_syslog("a"), "<14>Jan  5 06:00:15 h b: text");
    let mixed = [counted(&alert), counted(other), counted(&of_cef("c"))].concat();
    let import = read(Format::Syslog, &mixed);
    assert_eq!((import.alerts.len(), import.read()), (2, 3));
    let bad = [counted(&alert), counted("<14>1 noon h a - - - text")].concat();
    let error = import_of(&bad);
    let column = alert.chars().count() + counted(&alert).len() - alert.len() + 4;
    assert_eq!(error.column, u64::try_from(column).ok(), "{error}");
    assert_eq!((error.line, error.field.as_deref()), (1, Some("time")));
}

fn import_of(text: &str) -> ImportError {
    import(Format::Syslog, text.as_bytes(), &options()).expect_err(text)
}
