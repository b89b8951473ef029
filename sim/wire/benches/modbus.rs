//! Cost of one Modbus transaction at a server, and of classifying its frame.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sim_wire::modbus::{
    Adu, Client, DeviceIdentity, DeviceProfile, Framed, Framer, MemoryBank, Request, serve,
};
use sim_wire::{FrameSummary, Ipv4Addr, MacAddr, ethernet, ipv4, tcp};
use std::hint::black_box;

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 21);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 11);

fn profile() -> DeviceProfile {
    DeviceProfile::new(1, DeviceIdentity::new("a", "b", "c").expect("short values"))
}

/// Request bytes in, response bytes out: framer, strict parse, bank, encoder.
fn serve_reads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("serve");
    group.throughput(Throughput::Elements(1));
    for quantity in [10, 125] {
        let mut bank = MemoryBank::new(0, 0, 0, 1024);
        let profile = profile();
        let mut request = Vec::new();
        Request::ReadHoldingRegisters {
            address: 0,
            quantity,
        }
        .emit_adu(1, 1, &mut request);
        let (mut framer, mut out) = (Framer::new(), Vec::new());
        group.bench_function(format!("fc3_x{quantity}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                framer.push(black_box(&request));
                while let Some(Framed::Adu(adu)) = framer.next_frame() {
                    serve(&adu, &mut bank, &profile, &mut out);
                }
                black_box(out.len())
            });
        });
    }
    group.finish();
}

/// The client's half: request encoded, response matched and read.
fn poll(criterion: &mut Criterion) {
    let words = [0x1234_u16; 10];
    let mut answer = vec![3, 20];
    answer.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    let mut client = Client::new(0, 1);
    let mut out = Vec::new();
    let request = Request::ReadHoldingRegisters {
        address: 0,
        quantity: 10,
    };
    criterion.bench_function("client/fc3_x10", |bencher| {
        bencher.iter(|| {
            out.clear();
            let open = client
                .send(black_box(&request), 1, 0, 0, &mut out)
                .expect("room");
            let adu = Adu::new(open.transaction, 1, black_box(&answer)).expect("a PDU");
            black_box(client.receive(&adu));
        });
    });
}

fn summarize(criterion: &mut Criterion) {
    let mut payload = Vec::new();
    Request::WriteSingleRegister {
        address: 7,
        value: 1234,
    }
    .emit_adu(1, 1, &mut payload);
    let segment = tcp::Repr {
        src_port: 50_000,
        dst_port: 502,
        seq: 1,
        ack: 1,
        flags: tcp::Flags::PSH | tcp::Flags::ACK,
        window: 1024,
        urgent: 0,
        options: tcp::Options::default(),
    };
    let mut body = Vec::new();
    segment.emit(CLIENT, SERVER, &payload, &mut body);
    let outer = ethernet::Repr {
        dst: MacAddr([2, 0, 0, 0, 0, 1]),
        src: MacAddr([2, 0, 0, 0, 0, 2]),
        vlan: None,
        ethertype: ethernet::ETHERTYPE_IPV4,
    };
    let mut frame = Vec::new();
    outer.emit(&mut frame);
    let body_bytes = u16::try_from(body.len()).expect("a short segment");
    ipv4::Repr::new(CLIENT, SERVER, ipv4::PROTOCOL_TCP, body_bytes).emit(&mut frame);
    frame.extend_from_slice(&body);
    criterion.bench_function("summary/modbus_frame", |bencher| {
        bencher.iter(|| black_box(FrameSummary::of(black_box(&frame))));
    });
}

criterion_group!(benches, serve_reads, poll, summarize);
criterion_main!(benches);
