//! The client's bookkeeping.

use crate::hex;
use sim_wire::modbus::client::{Received, ReceivedError, TooManyPending};
use sim_wire::modbus::{Adu, Client, ExceptionCode, Request, Response, ResponseError};

const READ: Request<'static> = Request::ReadHoldingRegisters {
    address: 0,
    quantity: 2,
};

/// Sends `request` with transaction id 7 to unit 1 and receives `answer` with the same ids.
fn exchange<'a>(request: &Request<'_>, answer: &'a [u8]) -> Received<'a> {
    let mut client = Client::new(7, 1);
    client
        .send(request, 1, 0, 0, &mut Vec::new())
        .expect("room for one");
    let received = client.receive(&Adu::new(7, 1, answer).expect("a PDU"));
    assert!(client.pending().is_empty(), "an answer closes its request");
    received
}

#[track_caller]
fn check_mismatch(request: &Request<'_>, answer: &str, field: &'static str) {
    let answer = hex(answer);
    let Received::Invalid { error, .. } = exchange(request, &answer) else {
        panic!("{answer:02x?} must not answer {request:?}")
    };
    assert_eq!(error, ReceivedError::Pdu(ResponseError::Mismatch { field }));
}

#[test]
fn receive_when_answered_out_of_order_then_matched_by_transaction() {
    let mut client = Client::new(0xFFFF, 2);
    let mut out = Vec::new();
    client.send(&READ, 1, 10, 100, &mut out).expect("room");
    client.send(&READ, 1, 20, 200, &mut out).expect("room");
    assert_eq!(
        out,
        hex("FFFF 0000 0006 01 03 0000 0002  0000 0000 0006 01 03 0000 0002")
    );
    assert_eq!(
        client.send(&READ, 1, 30, 300, &mut out),
        Err(TooManyPending { capacity: 2 })
    );
    assert_eq!(out.len(), 24, "nothing is written when refused");

    let answer = hex("03 04 0001 0002");
    let received = client.receive(&Adu::new(0, 1, &answer).expect("a PDU"));
    let Received::Response { pending, response } = received else {
        panic!("{received:?}")
    };
    assert_eq!((pending.tag, pending.sent_ns), (200, 20));
    assert_eq!(
        response.registers().map(|r| r.iter().collect()),
        Some(vec![1_u16, 2])
    );

    let again = client.receive(&Adu::new(0, 1, &answer).expect("a PDU"));
    assert_eq!(
        again,
        Received::Unsolicited,
        "a duplicate finds its request closed"
    );
    assert_eq!(client.pending().len(), 1);
}

#[test]
fn receive_when_bits_then_cut_to_the_quantity() {
    let request = Request::ReadCoils {
        address: 19,
        quantity: 19,
    };
    let answer = hex("01 03 CD6BFD"); // Padding that is not zero is not looked at.
    let Received::Response { response, .. } = exchange(&request, &answer) else {
        panic!("a response")
    };
    let bits = response.bits().expect("bits");
    assert_eq!((bits.len(), bits.iter().filter(|on| *on).count()), (19, 12));
}

#[test]
fn receive_when_exception_then_response() {
    let answer = hex("83 06");
    let Received::Response { response, .. } = exchange(&READ, &answer) else {
        panic!("a response")
    };
    let code = ExceptionCode::ServerDeviceBusy;
    assert_eq!(response, Response::Exception { function: 3, code });
}

#[test]
fn receive_when_not_the_answer_then_mismatch() {
    check_mismatch(&READ, "04 04 0001 0002", "function code");
    check_mismatch(&READ, "84 02", "function code");
    check_mismatch(&READ, "03 02 0001", "byte count");
    check_mismatch(
        &Request::ReadCoils {
            address: 0,
            quantity: 9,
        },
        "01 01 FF",
        "byte count",
    );
    let write = Request::WriteSingleRegister {
        address: 1,
        value: 3,
    };
    check_mismatch(&write, "06 0001 0004", "echo");
    check_mismatch(&write, "06 0002 0003", "echo");
    check_mismatch(
        &Request::WriteSingleCoil {
            address: 1,
            on: true,
        },
        "05 0001 0000",
        "echo",
    );
    let mask = Request::MaskWriteRegister {
        address: 4,
        and_mask: 1,
        or_mask: 2,
    };
    check_mismatch(&mask, "16 0004 0001 0003", "echo");
    let values = [5_u16, 6];
    let multiple = Request::WriteMultipleRegisters {
        address: 1,
        values: values[..].into(),
    };
    check_mismatch(&multiple, "10 0001 0001", "echo");
}

#[test]
fn receive_when_unit_or_protocol_differ_then_not_taken() {
    let answer = hex("03 04 0001 0002");
    let mut client = Client::new(7, 1);
    client.send(&READ, 1, 0, 0, &mut Vec::new()).expect("room");
    let foreign = hex("0007 0001 0007 01 03 04 0001 0002");
    let foreign = Adu::view(&foreign).expect("an ADU");
    assert_eq!(client.receive(&foreign), Received::Unsolicited);
    let received = client.receive(&Adu::new(7, 2, &answer).expect("a PDU"));
    let Received::Invalid { error, .. } = received else {
        panic!("{received:?}")
    };
    assert_eq!(error, ReceivedError::Unit { unit: 2 });
}

#[test]
fn expire_when_late_then_oldest_first() {
    let mut client = Client::new(0, 4);
    for now_ns in [100, 200, 300] {
        client
            .send(&READ, 1, now_ns, 0, &mut Vec::new())
            .expect("room");
    }
    assert_eq!(client.next_expiry_ns(50), Some(150));
    let late = |client: &mut Client, now_ns| client.expire(now_ns, 50).map(|open| open.sent_ns);
    assert_eq!(late(&mut client, 149), None);
    assert_eq!(late(&mut client, 250), Some(100));
    assert_eq!(late(&mut client, 250), Some(200));
    assert_eq!(late(&mut client, 250), None);
    client.clear();
    assert_eq!(
        (client.pending().len(), client.next_expiry_ns(50)),
        (0, None)
    );
}

#[test]
fn send_when_an_id_is_still_open_then_skipped() {
    let mut client = Client::new(0, 2);
    client.send(&READ, 1, 0, 0, &mut Vec::new()).expect("room");
    for _ in 0..0xFFFF_u32 {
        let open = client.send(&READ, 1, 1, 1, &mut Vec::new()).expect("room");
        let answer = hex("83 01");
        let adu = Adu::new(open.transaction, 1, &answer).expect("a PDU");
        assert_ne!(client.receive(&adu), Received::Unsolicited);
    }
    let wrapped = client.send(&READ, 1, 2, 2, &mut Vec::new()).expect("room");
    assert_eq!(wrapped.transaction, 1, "0 is still open");
}
