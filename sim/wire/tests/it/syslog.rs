//! RFC 5424 messages.

use sim_wire::syslog::{Element, Error, Facility, Field, Message, Severity};

fn nil() -> Message<'static> {
    Message {
        facility: Facility::Auth,
        severity: Severity::Critical,
        unix_ns: None,
        hostname: None,
        app_name: None,
        proc_id: None,
        msg_id: None,
        structured_data: Vec::new(),
        text: "".into(),
    }
}

#[track_caller]
fn check_format(message: &Message<'_>, expect: &str) {
    let mut line = String::new();
    message.format(&mut line).expect("a valid message");
    assert_eq!(line, expect);
}

#[test]
fn parse_when_example_of_rfc_5424_then_its_fields() {
    // RFC 5424, section 6.5, examples 1 to 4.
    let line = "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \
                \u{FEFF}'su root' failed for lonvick on /dev/pts/8";
    let message = Message::parse(line).expect("example 1");
    assert_eq!(
        (message.facility, message.severity),
        (Facility::Auth, Severity::Critical)
    );
    assert_eq!(message.unix_ns, Some(1_065_910_455_003_000_000));
    assert_eq!(message.hostname.as_deref(), Some("mymachine.example.com"));
    assert_eq!(message.msg_id.as_deref(), Some("ID47"));
    assert_eq!(message.text, "'su root' failed for lonvick on /dev/pts/8");

    let line = "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time.";
    let message = Message::parse(line).expect("example 2");
    assert_eq!(
        (message.facility, message.severity),
        (Facility::Local4, Severity::Notice)
    );
    assert_eq!(message.unix_ns, Some(1_061_727_255_000_003_000));
    assert_eq!(message.proc_id.as_deref(), Some("8710"));

    let line = "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 \
                [exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"]\
                [examplePriority@32473 class=\"high\"]";
    let message = Message::parse(line).expect("example 4");
    let element = Element::new("exampleSDID@32473")
        .param("iut", "3")
        .param("eventSource", "Application")
        .param("eventID", "1011");
    let priority = Element::new("examplePriority@32473").param("class", "high");
    assert_eq!(message.structured_data, [element, priority]);
    assert_eq!(message.text, "");
}

#[test]
fn format_when_all_nil_then_hyphens() {
    check_format(&nil(), "<34>1 - - - - - -");
}

#[test]
fn format_when_special_characters_then_escaped() {
    let element = Element::new("a@1")
        .param("v", "\"q\" \\ ]")
        .param("c", "x\ny");
    let message = Message {
        text: "one\ntwo\u{7f} ]".into(),
        ..nil()
    }
    .with_element(element);
    check_format(
        &message,
        "<34>1 - - - - - [a@1 v=\"\\\"q\\\" \\\\ \\]\" c=\"x#012y\"] one#012two#177 ]",
    );
}

#[test]
fn format_when_not_ascii_then_marked_as_utf_8() {
    let message = Message {
        text: "Füller".into(),
        ..nil()
    };
    check_format(&message, "<34>1 - - - - - - \u{FEFF}Füller");
}

#[test]
fn timestamp_when_at_calendar_limits_then_right_date() {
    for (unix_s, expect) in [
        (0, "1970-01-01T00:00:00.000000Z"),
        (951_782_400, "2000-02-29T00:00:00.000000Z"),
        (951_868_799, "2000-02-29T23:59:59.000000Z"),
        (1_767_592_800, "2026-01-05T06:00:00.000000Z"),
        (1_767_225_599, "2025-12-31T23:59:59.000000Z"),
        (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
    ] {
        let unix_ns = Some(unix_s * 1_000_000_000_u64);
        check_format(
            &Message { unix_ns, ..nil() },
            &format!("<34>1 {expect} - - - - -"),
        );
    }
    let unix_ns = Some(1_767_592_800_123_456_789);
    check_format(
        &Message { unix_ns, ..nil() },
        "<34>1 2026-01-05T06:00:00.123456Z - - - - -",
    );
}

#[test]
fn format_when_field_breaks_its_limits_then_named() {
    let check = |message: Message<'_>, field| {
        let mut line = String::from("kept");
        assert_eq!(message.format(&mut line), Err(Error { field }));
        assert_eq!(line, "kept");
    };
    let too_long = |length: usize| Some("x".repeat(length).into());
    check(
        Message {
            hostname: too_long(256),
            ..nil()
        },
        Field::Hostname,
    );
    check(
        Message {
            app_name: too_long(49),
            ..nil()
        },
        Field::AppName,
    );
    check(
        Message {
            proc_id: too_long(129),
            ..nil()
        },
        Field::ProcId,
    );
    check(
        Message {
            msg_id: too_long(33),
            ..nil()
        },
        Field::MsgId,
    );
    check(
        Message {
            hostname: Some("".into()),
            ..nil()
        },
        Field::Hostname,
    );
    check(
        Message {
            hostname: Some("a b".into()),
            ..nil()
        },
        Field::Hostname,
    );
    check(
        Message {
            hostname: Some("-".into()),
            ..nil()
        },
        Field::Hostname,
    );
    check(
        Message {
            app_name: Some("é".into()),
            ..nil()
        },
        Field::AppName,
    );
    check(nil().with_element(Element::new("a=b")), Field::SdId);
    check(
        nil()
            .with_element(Element::new("a"))
            .with_element(Element::new("a")),
        Field::SdId,
    );
    check(
        nil().with_element(Element::new("a").param("", "v")),
        Field::SdParamName,
    );
    check(
        Message {
            text: "\u{FEFF}x".into(),
            ..nil()
        },
        Field::Msg,
    );
}

#[test]
fn parse_when_not_rfc_5424_then_named_field() {
    for (line, field) in [
        ("", Field::Pri),
        ("34>1 - - - - - -", Field::Pri),
        ("<192>1 - - - - - -", Field::Pri),
        ("<034>1 - - - - - -", Field::Pri),
        ("<>1 - - - - - -", Field::Pri),
        ("<+4>1 - - - - - -", Field::Pri),
        ("<34>2 - - - - - -", Field::Version),
        ("<34>Oct 11 22:14:15 mymachine su: failed", Field::Version),
        ("<34>1 2003-10-11T22:14:15 - - - - -", Field::Timestamp),
        ("<34>1 2003-10-11 22:14:15Z - - - - -", Field::Timestamp),
        ("<34>1 2003-02-29T22:14:15Z - - - - -", Field::Timestamp),
        ("<34>1 2003-13-01T22:14:15Z - - - - -", Field::Timestamp),
        ("<34>1 2003-10-11T24:00:00Z - - - - -", Field::Timestamp),
        ("<34>1 2003-10-11T22:14:60Z - - - - -", Field::Timestamp),
        (
            "<34>1 2003-10-11T22:14:15.0000003Z - - - - -",
            Field::Timestamp,
        ),
        ("<34>1 2003-10-11T22:14:15.Z - - - - -", Field::Timestamp),
        (
            "<34>1 2003-10-11T22:14:15+24:00 - - - - -",
            Field::Timestamp,
        ),
        ("<34>1 1969-12-31T23:59:59Z - - - - -", Field::Timestamp),
        ("<34>1 - a\tb - - - -", Field::Hostname),
        ("<34>1 -  - - - -", Field::Hostname),
        ("<34>1 - - - - -", Field::MsgId),
        ("<34>1 - - - - - ", Field::StructuredData),
        ("<34>1 - - - - - text", Field::StructuredData),
        ("<34>1 - - - - - -text", Field::StructuredData),
        ("<34>1 - - - - - []", Field::SdId),
        ("<34>1 - - - - - [a", Field::SdId),
        ("<34>1 - - - - - [a][a]", Field::SdId),
        ("<34>1 - - - - - [a x]", Field::SdParamName),
        ("<34>1 - - - - - [a x=\"v\"y=\"w\"]", Field::StructuredData),
        ("<34>1 - - - - - [a x=\"v]\"]", Field::SdParamValue),
        ("<34>1 - - - - - [a x=\"v", Field::SdParamValue),
        ("<34>1 - - - - - [a x=\"v\"]text", Field::StructuredData),
    ] {
        assert_eq!(Message::parse(line), Err(Error { field }), "{line}");
    }
}

#[test]
fn parse_when_backslash_before_another_character_then_kept() {
    let message = Message::parse("<34>1 - - - - - [a x=\"c:\\dir\\\\\"]").expect("valid");
    assert_eq!(
        message.structured_data,
        [Element::new("a").param("x", "c:\\dir\\")]
    );
}
