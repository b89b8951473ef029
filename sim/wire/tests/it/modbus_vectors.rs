//! PDUs byte for byte: the examples of the Modbus Application Protocol V1.1b3, and bad ones.

use crate::hex;
use sim_wire::modbus::identity::{Access, Objects};
use sim_wire::modbus::{
    Adu, Bits, ExceptionCode, Mbap, Registers, Request, RequestError, Response, ResponseError,
    encode_raw,
};

#[track_caller]
fn check_request(pdu: &str, expect: Request<'_>) {
    let bytes = hex(pdu);
    assert_eq!(Request::parse(&bytes), Ok(expect), "parse {pdu}");
    let mut out = Vec::new();
    expect.emit(&mut out);
    assert_eq!(out, bytes, "emit {expect:?}");
}

#[track_caller]
fn check_response(pdu: &str, expect: Response<'_>) {
    let bytes = hex(pdu);
    assert_eq!(Response::parse(&bytes), Ok(expect), "parse {pdu}");
    let mut out = Vec::new();
    expect.emit(&mut out);
    assert_eq!(out, bytes, "emit {expect:?}");
}

fn bits(packed: &[u8]) -> Bits<'_> {
    Bits::from_packed(packed, packed.len() * 8).expect("eight bits to the byte")
}

fn words(values: &[u16]) -> Registers<'_> {
    Registers::from(values)
}

#[test]
fn request_when_example_of_the_specification_then_exact_bytes() {
    check_request(
        "01 0013 0013",
        Request::ReadCoils {
            address: 19,
            quantity: 19,
        },
    );
    check_request(
        "02 00C4 0016",
        Request::ReadDiscreteInputs {
            address: 196,
            quantity: 22,
        },
    );
    check_request(
        "03 006B 0003",
        Request::ReadHoldingRegisters {
            address: 107,
            quantity: 3,
        },
    );
    check_request(
        "04 0008 0001",
        Request::ReadInputRegisters {
            address: 8,
            quantity: 1,
        },
    );
    check_request(
        "05 00AC FF00",
        Request::WriteSingleCoil {
            address: 172,
            on: true,
        },
    );
    check_request(
        "06 0001 0003",
        Request::WriteSingleRegister {
            address: 1,
            value: 3,
        },
    );
    let coils = Bits::from_packed(&[0xCD, 0x01], 10).expect("ten bits");
    check_request(
        "0F 0013 000A 02 CD01",
        Request::WriteMultipleCoils {
            address: 19,
            bits: coils,
        },
    );
    check_request(
        "10 0001 0002 04 000A 0102",
        Request::WriteMultipleRegisters {
            address: 1,
            values: words(&[0x000A, 0x0102]),
        },
    );
    check_request(
        "16 0004 00F2 0025",
        Request::MaskWriteRegister {
            address: 4,
            and_mask: 0xF2,
            or_mask: 0x25,
        },
    );
    check_request(
        "17 0003 0006 000E 0003 06 00FF 00FF 00FF",
        Request::ReadWriteMultipleRegisters {
            read_address: 3,
            read_quantity: 6,
            write_address: 14,
            values: words(&[0xFF, 0xFF, 0xFF]),
        },
    );
    check_request(
        "2B 0E 01 00",
        Request::ReadDeviceIdentification {
            access: Access::Basic,
            object: 0,
        },
    );
}

#[test]
fn response_when_example_of_the_specification_then_exact_bytes() {
    check_response(
        "01 03 CD6B05",
        Response::ReadCoils(bits(&[0xCD, 0x6B, 0x05])),
    );
    check_response(
        "02 03 ACDB35",
        Response::ReadDiscreteInputs(bits(&[0xAC, 0xDB, 0x35])),
    );
    check_response(
        "03 06 022B 0000 0064",
        Response::ReadHoldingRegisters(words(&[0x022B, 0, 0x64])),
    );
    check_response("04 02 000A", Response::ReadInputRegisters(words(&[10])));
    check_response(
        "05 00AC FF00",
        Response::WriteSingleCoil {
            address: 172,
            on: true,
        },
    );
    check_response(
        "06 0001 0003",
        Response::WriteSingleRegister {
            address: 1,
            value: 3,
        },
    );
    check_response(
        "0F 0013 000A",
        Response::WriteMultipleCoils {
            address: 19,
            quantity: 10,
        },
    );
    check_response(
        "10 0001 0002",
        Response::WriteMultipleRegisters {
            address: 1,
            quantity: 2,
        },
    );
    check_response(
        "16 0004 00F2 0025",
        Response::MaskWriteRegister {
            address: 4,
            and_mask: 0xF2,
            or_mask: 0x25,
        },
    );
    check_response(
        "17 0C 00FE 0ACD 0001 0003 000D 00FF",
        Response::ReadWriteMultipleRegisters(words(&[0xFE, 0xACD, 1, 3, 13, 255])),
    );
    check_response(
        "81 02",
        Response::Exception {
            function: 1,
            code: ExceptionCode::IllegalDataAddress,
        },
    );
    let objects = hex("00 03 41434D 01 02 5A31 02 05 56322E3131");
    check_response(
        "2B 0E 01 01 00 00 03 00 03 41434D 01 02 5A31 02 05 56322E3131",
        Response::ReadDeviceIdentification {
            access: Access::Basic,
            conformity_level: 1,
            next_object: None,
            objects: Objects::from_wire(3, &objects).expect("three objects"),
        },
    );
}

#[test]
fn bits_when_read_from_the_example_then_lowest_address_is_bit_0() {
    // APS 6.1: coils 27 to 20 are CD hex, 1100 1101, and coil 38 to 36 are 101.
    let pdu = hex("01 03 CD6B05");
    let Ok(Response::ReadCoils(coils)) = Response::parse(&pdu) else {
        panic!("a response")
    };
    let states: Vec<bool> = coils.iter().take(19).collect();
    let expect = "1011001111010110101"
        .chars()
        .map(|c| c == '1')
        .collect::<Vec<_>>();
    assert_eq!(states, expect);
}

#[test]
fn exception_codes_are_those_of_the_specification() {
    let codes = ExceptionCode::ALL.map(ExceptionCode::code);
    assert_eq!(codes, [1, 2, 3, 4, 5, 6, 8, 10, 11]);
    for code in 0..=u8::MAX {
        assert_eq!(
            ExceptionCode::from_code(code).is_some(),
            codes.contains(&code),
            "{code}"
        );
    }
}

#[track_caller]
fn check_rejected(pdu: &str, expect: RequestError, exception: u8) {
    assert_eq!(Request::parse(&hex(pdu)), Err(expect), "{pdu}");
    assert_eq!(expect.exception().code(), exception, "{pdu}");
}

#[test]
fn request_when_function_unknown_then_illegal_function() {
    check_rejected("", RequestError::Empty, 1);
    for function in [0, 7, 8, 11, 17, 24, 91, 0x80, 0x83, 0xFF] {
        let expect = RequestError::UnknownFunction { function };
        check_rejected(&format!("{function:02x} 0000 0001"), expect, 1);
    }
    check_rejected("2B 0D 00", RequestError::UnknownMeiType { mei_type: 13 }, 1);
}

#[test]
fn request_when_quantity_out_of_range_then_illegal_data_value() {
    let quantity = |quantity, max| RequestError::Quantity { quantity, max };
    for (function, max) in [("01", 2000), ("02", 2000), ("03", 125), ("04", 125)] {
        check_rejected(&format!("{function} 0000 0000"), quantity(0, max), 3);
        check_rejected(
            &format!("{function} 0000 {:04x}", max + 1),
            quantity(max + 1, max),
            3,
        );
        assert!(Request::parse(&hex(&format!("{function} 0000 {max:04x}"))).is_ok());
    }
    check_rejected("0F 0000 0000 00", quantity(0, 1968), 3);
    check_rejected(
        &format!("0F 0000 07B1 F7 {}", "00".repeat(247)),
        quantity(1969, 1968),
        3,
    );
    check_rejected("10 0000 0000 00", quantity(0, 123), 3);
    check_rejected(
        &format!("10 0000 007C F8 {}", "00".repeat(248)),
        quantity(124, 123),
        3,
    );
    check_rejected("17 0000 0000 0000 0001 02 0000", quantity(0, 125), 3);
    check_rejected("17 0000 007E 0000 0001 02 0000", quantity(126, 125), 3);
    check_rejected("17 0000 0001 0000 0000 00", quantity(0, 121), 3);
    let write_122 = format!("17 0000 0001 0000 007A F4 {}", "00".repeat(244));
    check_rejected(&write_122, quantity(122, 121), 3);
}

#[test]
fn request_when_longest_legal_then_accepted() {
    // A PDU of 253 bytes is legal; libraries that stop at 250 reject the last register.
    for (pdu, bytes) in [
        (format!("0F 0000 07B0 F6 {}", "FF".repeat(246)), 252),
        (format!("10 0000 007B F6 {}", "FF".repeat(246)), 252),
        (
            format!("17 0000 007D 0000 0079 F2 {}", "FF".repeat(242)),
            252,
        ),
    ] {
        let pdu = hex(&pdu);
        assert_eq!(pdu.len(), bytes);
        assert!(Request::parse(&pdu).is_ok());
    }
}

#[test]
fn request_when_length_or_count_wrong_then_illegal_data_value() {
    let length = |expected_bytes, actual_bytes| RequestError::Length {
        expected_bytes,
        actual_bytes,
    };
    check_rejected("03", length(5, 1), 3);
    check_rejected("03 0000 00", length(5, 4), 3);
    check_rejected("03 0000 0001 00", length(5, 6), 3);
    check_rejected("06 0000", length(5, 3), 3);
    check_rejected("16 0000 0000", length(7, 5), 3);
    check_rejected("10 0000 0001", length(6, 5), 3);
    check_rejected("10 0000 0001 02 00", length(8, 7), 3);
    check_rejected("10 0000 0001 02 0000 00", length(8, 9), 3);
    check_rejected("0F 0000 0009 02 FF", length(8, 7), 3);
    check_rejected("17 0000 0001 0000 0001", length(10, 9), 3);
    check_rejected("2B", length(4, 1), 3);
    check_rejected("2B 0E 01", length(4, 3), 3);
    let count = |byte_count, quantity| RequestError::ByteCount {
        byte_count,
        quantity,
    };
    check_rejected("10 0000 0001 01 00", count(1, 1), 3);
    check_rejected("10 0000 0002 02 0000", count(2, 2), 3);
    check_rejected("0F 0000 0009 01 FF", count(1, 9), 3);
    check_rejected("17 0000 0001 0000 0001 04 0000 0000", count(4, 1), 3);
}

#[test]
fn request_when_value_wrong_then_illegal_data_value() {
    check_rejected("05 0000 0001", RequestError::CoilValue { value: 1 }, 3);
    check_rejected("05 0000 FFFF", RequestError::CoilValue { value: 0xFFFF }, 3);
    check_rejected("2B 0E 00 00", RequestError::ReadDeviceIdCode { code: 0 }, 3);
    check_rejected("2B 0E 05 00", RequestError::ReadDeviceIdCode { code: 5 }, 3);
}

#[test]
fn request_when_range_passes_65535_then_illegal_data_address() {
    let range = |address, quantity| RequestError::AddressRange { address, quantity };
    check_rejected("03 FFFF 0002", range(0xFFFF, 2), 2);
    check_rejected("01 FFFF 0002", range(0xFFFF, 2), 2);
    check_rejected("10 FFFF 0002 04 0000 0000", range(0xFFFF, 2), 2);
    check_rejected("17 FFFF 0002 0000 0001 02 0000", range(0xFFFF, 2), 2);
    check_rejected("17 0000 0001 FFFF 0002 04 0000 0000", range(0xFFFF, 2), 2);
    assert!(
        Request::parse(&hex("03 FFFF 0001")).is_ok(),
        "the last address is legal"
    );
    // Quantity is checked before address.
    check_rejected(
        "03 FFFF 007E",
        RequestError::Quantity {
            quantity: 126,
            max: 125,
        },
        3,
    );
}

#[test]
fn response_when_malformed_then_named_error() {
    let check = |pdu: &str, expect| assert_eq!(Response::parse(&hex(pdu)), Err(expect), "{pdu}");
    let length = |expected_bytes, actual_bytes| ResponseError::Length {
        expected_bytes,
        actual_bytes,
    };
    check("", ResponseError::Empty);
    check("07 00", ResponseError::UnknownFunction { function: 7 });
    check("03", length(2, 1));
    check("03 02 00", length(4, 3));
    check(
        "03 00",
        ResponseError::Value {
            field: "byte count",
        },
    );
    check(
        "03 03 000000",
        ResponseError::Value {
            field: "byte count",
        },
    );
    check(
        &format!("03 FC {}", "00".repeat(252)),
        ResponseError::Value {
            field: "byte count",
        },
    );
    check(
        "05 0000 1234",
        ResponseError::Value {
            field: "output value",
        },
    );
    check("10 0000 0000", ResponseError::Value { field: "quantity" });
    check("83", length(2, 1));
    check("83 07", ResponseError::UnknownException { code: 7 });
    check("83 02 00", length(2, 3));
    check("2B 0E 01", length(7, 3));
    check(
        "2B 0D 01 01 00 00 00",
        ResponseError::Value { field: "MEI type" },
    );
    check(
        "2B 0E 01 04 00 00 00",
        ResponseError::Value {
            field: "conformity level",
        },
    );
    check(
        "2B 0E 01 01 01 00 00",
        ResponseError::Value {
            field: "more follows",
        },
    );
    check(
        "2B 0E 01 01 00 02 00",
        ResponseError::Value {
            field: "next object id",
        },
    );
    check(
        "2B 0E 01 01 00 00 01",
        ResponseError::Value {
            field: "list of objects",
        },
    );
    check(
        "2B 0E 01 01 00 00 01 00 02 41",
        ResponseError::Value {
            field: "list of objects",
        },
    );
}

#[test]
fn adu_when_emitted_then_header_counts_unit_and_pdu() {
    let mut out = Vec::new();
    Request::ReadHoldingRegisters {
        address: 107,
        quantity: 3,
    }
    .emit_adu(0x1501, 0xFF, &mut out);
    assert_eq!(out, hex("1501 0000 0006 FF 03 006B 0003"));
    let adu = Adu::view(&out).expect("an ADU");
    assert_eq!(
        (adu.transaction(), adu.protocol(), adu.unit()),
        (0x1501, 0, 0xFF)
    );
    assert_eq!((adu.function(), adu.data()), (3, &out[8..]));
    assert!(adu.length_is_consistent());
}

#[test]
fn adu_when_malformed_on_purpose_then_written_and_viewed_as_given() {
    let header = Mbap {
        transaction: 1,
        protocol: 7,
        length: 60,
        unit: 9,
    };
    let mut out = Vec::new();
    encode_raw(&header, &[3, 0], &mut out);
    assert_eq!(out, hex("0001 0007 003C 09 03 00"));
    let adu = Adu::view(&out).expect("eight bytes are there");
    assert_eq!((adu.header(), adu.pdu()), (header, &[3, 0][..]));
    assert!(!adu.length_is_consistent());
    let mut again = Vec::new();
    adu.emit(&mut again);
    assert_eq!(again, out);
}

#[test]
fn adu_when_fewer_than_8_bytes_then_none() {
    let bytes = hex("0001 0000 0006 01 03");
    for length in 0..8 {
        assert_eq!(Adu::view(&bytes[..length]), None);
    }
    assert!(Adu::view(&bytes).is_some());
}
