//! Units by the codes of UN/ECE Recommendation 20, as OPC UA has them (OPC 10000-8, 5.6.4.3).

use opcua::types::EUInformation;

/// Whose codes [`CODES`] has.
const NAMESPACE: &str = "http://www.opcfoundation.org/UA/units/un/cefact";
/// Number of a unit that has none in its namespace.
const NO_ID: i32 = -1;

/// Units as plant files write them, their codes in Recommendation 20 and their names there.
const CODES: [(&str, &str, &str); 31] = [
    ("%", "P1", "percent"),
    ("A", "AMP", "ampere"),
    ("Hz", "HTZ", "hertz"),
    ("J", "JOU", "joule"),
    ("K", "KEL", "kelvin"),
    ("L", "LTR", "litre"),
    ("L/min", "L2", "litre per minute"),
    ("L/s", "G51", "litre per second"),
    ("N", "NEW", "newton"),
    ("N.m", "NU", "newton metre"),
    ("Pa", "PAL", "pascal"),
    ("V", "VLT", "volt"),
    ("W", "WTT", "watt"),
    ("bar", "BAR", "bar [unit of pressure]"),
    ("degC", "CEL", "degree Celsius"),
    ("g", "GRM", "gram"),
    ("h", "HUR", "hour"),
    ("kPa", "KPA", "kilopascal"),
    ("kW", "KWT", "kilowatt"),
    ("kg", "KGM", "kilogram"),
    ("m", "MTR", "metre"),
    ("m/s", "MTS", "metre per second"),
    ("m3", "MTQ", "cubic metre"),
    ("m3/h", "MQH", "cubic metre per hour"),
    ("m3/s", "MQS", "cubic metre per second"),
    ("mL", "MLT", "millilitre"),
    ("min", "MIN", "minute [unit of time]"),
    ("mm", "MMT", "millimetre"),
    ("ms", "C26", "millisecond"),
    ("rpm", "RPM", "revolutions per minute"),
    ("s", "SEC", "second [unit of time]"),
];

/// A unit for clients. One that is in no table, such as bottles, belongs to a namespace of the plant and has no number.
pub(crate) fn unit(text: &str, plant_uri: &str) -> EUInformation {
    let known = CODES.iter().find(|(unit, _, _)| *unit == text);
    let (namespace, unit_id, description) = match known {
        Some((_, code, name)) => (NAMESPACE, id_of(code), *name),
        None => (plant_uri, NO_ID, text),
    };
    EUInformation {
        namespace_uri: namespace.into(),
        unit_id,
        display_name: text.into(),
        description: description.into(),
    }
}

/// Number of a code: its characters as digits of base 256.
fn id_of(code: &str) -> i32 {
    code.bytes().fold(0, |id, byte| (id << 8) | i32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the table that the OPC Foundation publishes (UNECE_to_OPCUA.csv).
    #[test]
    fn units_when_known_then_have_the_published_number() {
        for (text, id) in [
            ("m", 5_067_858),
            ("degC", 4_408_652),
            ("%", 20_529),
            ("s", 5_457_219),
            ("bar", 4_342_098),
        ] {
            let unit = unit(text, "urn:p");
            assert_eq!(
                (unit.unit_id, &*unit.namespace_uri.to_string()),
                (id, NAMESPACE)
            );
        }
    }

    #[test]
    fn units_when_unknown_then_are_the_plants_own() {
        let unit = unit("bottles", "urn:p");
        assert_eq!(
            (unit.unit_id, &*unit.namespace_uri.to_string()),
            (-1, "urn:p")
        );
        assert_eq!(unit.display_name.text.to_string(), "bottles");
    }

    #[test]
    fn units_when_listed_then_ascending() {
        assert!(CODES.is_sorted_by(|one, other| one.0 < other.0));
    }
}
