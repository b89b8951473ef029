//! Generators of valid messages.

use proptest::collection::vec;
use proptest::prelude::*;
use sim_wire::ethernet::VlanTag;
use sim_wire::modbus::ExceptionCode;
use sim_wire::modbus::identity::Access;
use sim_wire::syslog::{Element, Facility, Message, Severity};
use sim_wire::{Ipv4Addr, MacAddr, arp, ethernet, ipv4, tcp};

/// Any bytes, mostly short.
pub(crate) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..80), 1 => vec(any::<u8>(), 0..1600)]
}

/// Start address and quantity of a span that fits the address space.
pub(crate) fn span(quantity_max: u16) -> impl Strategy<Value = (u16, u16)> {
    (1..=quantity_max).prop_flat_map(|quantity| (0..=u16::MAX - (quantity - 1), Just(quantity)))
}

/// Start address and values of a write that fits the address space.
pub(crate) fn write<T: std::fmt::Debug>(
    value: impl Strategy<Value = T> + Clone,
    quantity_max: u16,
) -> impl Strategy<Value = (u16, Vec<T>)> {
    span(quantity_max).prop_flat_map(move |(address, quantity)| {
        (Just(address), vec(value.clone(), usize::from(quantity)))
    })
}

pub(crate) fn access() -> impl Strategy<Value = Access> {
    (1_u8..=4).prop_map(|code| Access::from_code(code).expect("1 to 4 are codes"))
}

pub(crate) fn exception() -> impl Strategy<Value = ExceptionCode> {
    prop::sample::select(&ExceptionCode::ALL[..])
}

pub(crate) fn mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr)
}

pub(crate) fn ip() -> impl Strategy<Value = Ipv4Addr> {
    any::<[u8; 4]>().prop_map(Ipv4Addr::from)
}

pub(crate) fn ethernet() -> impl Strategy<Value = ethernet::Repr> {
    let tag =
        (0_u8..8, any::<bool>(), 0_u16..4096).prop_map(|(priority, drop_eligible, vlan)| VlanTag {
            priority,
            drop_eligible,
            vlan,
        });
    let ethertype = (ethernet::ETHERTYPE_MIN..=u16::MAX)
        .prop_filter("no tag", |ethertype| ![0x8100, 0x88A8].contains(ethertype));
    (mac(), mac(), prop::option::of(tag), ethertype).prop_map(|(dst, src, vlan, ethertype)| {
        ethernet::Repr {
            dst,
            src,
            vlan,
            ethertype,
        }
    })
}

pub(crate) fn arp() -> impl Strategy<Value = arp::Repr> {
    (any::<bool>(), mac(), ip(), mac(), ip()).prop_map(
        |(is_reply, sender_mac, sender_ip, target_mac, target_ip)| arp::Repr {
            operation: if is_reply {
                arp::Operation::Reply
            } else {
                arp::Operation::Request
            },
            sender_mac,
            sender_ip,
            target_mac,
            target_ip,
        },
    )
}

/// A header whose `payload_bytes` is 0, to be set to the payload's length.
pub(crate) fn ipv4() -> impl Strategy<Value = ipv4::Repr> {
    (
        ip(),
        ip(),
        any::<(u8, u8, u8, u16)>(),
        any::<(bool, bool)>(),
        0_u16..0x2000,
    )
        .prop_map(
            |(src, dst, (protocol, ttl, traffic_class, identification), flags, fragment_offset)| {
                ipv4::Repr {
                    src,
                    dst,
                    protocol,
                    ttl,
                    traffic_class,
                    identification,
                    dont_fragment: flags.0,
                    more_fragments: flags.1,
                    fragment_offset,
                    payload_bytes: 0,
                }
            },
        )
}

/// A header whose options fit.
pub(crate) fn tcp() -> impl Strategy<Value = tcp::Repr> {
    let options = (
        any::<Option<u16>>(),
        any::<Option<u8>>(),
        any::<bool>(),
        any::<Option<(u32, u32)>>(),
        vec(any::<(u32, u32)>(), 0..=2),
    )
        .prop_map(
            |(mss_bytes, window_scale, sack_permitted, timestamps, blocks)| {
                let mut sack = [None; 4];
                for (slot, block) in sack.iter_mut().zip(blocks) {
                    *slot = Some(block);
                }
                tcp::Options {
                    mss_bytes,
                    window_scale,
                    sack_permitted,
                    timestamps,
                    sack,
                }
            },
        );
    (any::<(u16, u16, u32, u32, u8, u16, u16)>(), options).prop_map(
        |((src_port, dst_port, seq, ack, flags, window, urgent), options)| tcp::Repr {
            src_port,
            dst_port,
            seq,
            ack,
            flags: tcp::Flags(flags),
            window,
            urgent,
            options,
        },
    )
}

/// A message that comes back from formatting and parsing as it was.
pub(crate) fn message() -> impl Strategy<Value = Message<'static>> {
    let field = |pattern| prop::option::of(prop::string::string_regex(pattern).expect("a pattern"));
    let text = "[^\\x00-\\x1f\\x7f\u{feff}]{0,40}";
    let params = vec(("[!-<>-\\[^-~&&[^\"]]{1,32}", text), 0..3);
    let elements = prop::collection::btree_map("[!-<>-\\[^-~&&[^\"]]{1,32}", params, 0..3);
    (
        (0_usize..24, 0_usize..8),
        prop::option::of(0..u64::MAX / 1000),
        field("[!-~]{2,255}"),
        field("[!-~]{2,48}"),
        field("[!-~]{2,128}"),
        field("[!-~]{2,32}"),
        elements,
        text,
    )
        .prop_map(
            |(pri, unix_us, hostname, app_name, proc_id, msg_id, elements, text)| Message {
                facility: Facility::ALL[pri.0],
                severity: Severity::ALL[pri.1],
                unix_ns: unix_us.map(|unix_us| unix_us * 1000),
                hostname: hostname.map(Into::into),
                app_name: app_name.map(Into::into),
                proc_id: proc_id.map(Into::into),
                msg_id: msg_id.map(Into::into),
                structured_data: elements
                    .into_iter()
                    .map(|(id, params)| {
                        params
                            .into_iter()
                            .fold(Element::new(id), |element, (name, value)| {
                                element.param(name, value)
                            })
                    })
                    .collect(),
                text: text.into(),
            },
        )
}
