//! The points of the bottling line: the one table that controllers are wired from.
//!
//! Names follow the P&ID letters (LT level transmitter, FT flow, PE photoeye, CT counter, QI quality).
//! A controller's program addresses them through the I/O map in the plant file.
//!
//! # Invariants
//!
//! - Names are unique; each motor's eleven points are contiguous and in the same order.
//! - The order is part of recorded runs: new points go to the end.

use crate::point::{Point, PointId, PointKind};

/// All points of the line; a [`PointId`] is a position in here.
#[must_use]
pub fn points() -> &'static [Point] {
    &TABLE
}

/// The point with this name.
#[must_use]
pub fn point(name: &str) -> Option<PointId> {
    let index = TABLE.iter().position(|point| point.name == name)?;
    u16::try_from(index).ok().map(PointId)
}

const fn di(name: &'static str, description: &'static str) -> Point {
    let kind = PointKind::DiscreteSensor;
    Point {
        name,
        kind,
        unit: "",
        low: 0.0,
        high: 1.0,
        initial: 0.0,
        description,
    }
}

const fn ai(
    name: &'static str,
    unit: &'static str,
    low: f64,
    high: f64,
    description: &'static str,
) -> Point {
    Point {
        name,
        kind: PointKind::AnalogSensor,
        unit,
        low,
        high,
        initial: 0.0,
        description,
    }
}

/// A 16-bit counter that wraps.
const fn counter(name: &'static str, unit: &'static str, description: &'static str) -> Point {
    ai(name, unit, 0.0, 65535.0, description)
}

const fn dq(name: &'static str, initial: f64, description: &'static str) -> Point {
    let kind = PointKind::DiscreteActuator;
    Point {
        name,
        kind,
        unit: "",
        low: 0.0,
        high: 1.0,
        initial,
        description,
    }
}

const fn aq(
    name: &'static str,
    unit: &'static str,
    low: f64,
    high: f64,
    initial: f64,
    description: &'static str,
) -> Point {
    Point {
        name,
        kind: PointKind::AnalogActuator,
        unit,
        low,
        high,
        initial,
        description,
    }
}

/// Number of points.
pub(crate) const POINTS: usize = 205;

#[rustfmt::skip]
static TABLE: [Point; POINTS] = [
    // M1: infeed belt.
    dq("M1_RUN", 0.0, "Run command to the drive of the infeed belt"),
    aq("M1_HZ", "Hz", 0.0, 80.0, 50.0, "Frequency reference; 50 Hz is 0.3665 m/s"),
    aq("M1_RAMP", "s", 0.05, 10.0, 0.5, "Ramp time between standstill and 50 Hz"),
    aq("M1_ILIM", "xIn", 0.5, 2.0, 1.5, "Current limit of the drive"),
    dq("M1_OLEN", 1.0, "Overload relay in the circuit; 0 bypasses it"),
    dq("M1_DOL", 0.0, "Bypass contactor: motor direct on line"),
    dq("M1_RST", 0.0, "Rising edge resets a cooled overload relay"),
    di("M1_TRIP", "Overload relay has tripped, or the motor is burnt"),
    ai("M1_SPD", "m/s", 0.0, 1.0, "Speed of the infeed belt"),
    ai("M1_I", "A", 0.0, 8.0, "Motor current"),
    ai("M1_TW", "degC", 0.0, 250.0, "Winding temperature"),
    // M2: filler belt.
    dq("M2_RUN", 0.0, "Run command to the drive of the filler belt"),
    aq("M2_HZ", "Hz", 0.0, 80.0, 50.0, "Frequency reference; 50 Hz is 0.3665 m/s"),
    aq("M2_RAMP", "s", 0.05, 10.0, 0.5, "Ramp time between standstill and 50 Hz"),
    aq("M2_ILIM", "xIn", 0.5, 2.0, 1.5, "Current limit of the drive"),
    dq("M2_OLEN", 1.0, "Overload relay in the circuit; 0 bypasses it"),
    dq("M2_DOL", 0.0, "Bypass contactor: motor direct on line"),
    dq("M2_RST", 0.0, "Rising edge resets a cooled overload relay"),
    di("M2_TRIP", "Overload relay has tripped, or the motor is burnt"),
    ai("M2_SPD", "m/s", 0.0, 1.0, "Speed of the filler belt"),
    ai("M2_I", "A", 0.0, 8.0, "Motor current"),
    ai("M2_TW", "degC", 0.0, 250.0, "Winding temperature"),
    // M3: discharge belt.
    dq("M3_RUN", 0.0, "Run command to the drive of the discharge belt"),
    aq("M3_HZ", "Hz", 0.0, 80.0, 50.0, "Frequency reference; 50 Hz is 0.3665 m/s"),
    aq("M3_RAMP", "s", 0.05, 10.0, 0.5, "Ramp time between standstill and 50 Hz"),
    aq("M3_ILIM", "xIn", 0.5, 2.0, 1.5, "Current limit of the drive"),
    dq("M3_OLEN", 1.0, "Overload relay in the circuit; 0 bypasses it"),
    dq("M3_DOL", 0.0, "Bypass contactor: motor direct on line"),
    dq("M3_RST", 0.0, "Rising edge resets a cooled overload relay"),
    di("M3_TRIP", "Overload relay has tripped, or the motor is burnt"),
    ai("M3_SPD", "m/s", 0.0, 1.0, "Speed of the discharge belt"),
    ai("M3_I", "A", 0.0, 8.0, "Motor current"),
    ai("M3_TW", "degC", 0.0, 250.0, "Winding temperature"),
    // M4: accumulation table.
    dq("M4_RUN", 0.0, "Run command to the drive of the accumulation table"),
    aq("M4_HZ", "Hz", 0.0, 80.0, 50.0, "Frequency reference; 50 Hz is 0.3665 m/s"),
    aq("M4_RAMP", "s", 0.05, 10.0, 0.5, "Ramp time between standstill and 50 Hz"),
    aq("M4_ILIM", "xIn", 0.5, 2.0, 1.5, "Current limit of the drive"),
    dq("M4_OLEN", 1.0, "Overload relay in the circuit; 0 bypasses it"),
    dq("M4_DOL", 0.0, "Bypass contactor: motor direct on line"),
    dq("M4_RST", 0.0, "Rising edge resets a cooled overload relay"),
    di("M4_TRIP", "Overload relay has tripped, or the motor is burnt"),
    ai("M4_SPD", "m/s", 0.0, 1.0, "Speed of the accumulation table"),
    ai("M4_I", "A", 0.0, 8.0, "Motor current"),
    ai("M4_TW", "degC", 0.0, 250.0, "Winding temperature"),
    // plc-filler.
    dq("GATE1", 1.0, "Exit gate of the filler; 1 closes"),
    dq("GATE2", 1.0, "Entry gate of the filler; 1 closes"),
    di("GATE1_CL", "Exit gate is closed"),
    di("GATE2_CL", "Entry gate is closed"),
    dq("DIVE", 0.0, "Nozzle bar; 1 lowers it into the necks"),
    di("DIVE_DN", "Nozzle bar is down"),
    di("DIVE_UP", "Nozzle bar is up"),
    dq("NOZ01", 0.0, "Fill valve of nozzle 1; 1 opens"),
    dq("NOZ02", 0.0, "Fill valve of nozzle 2; 1 opens"),
    dq("NOZ03", 0.0, "Fill valve of nozzle 3; 1 opens"),
    dq("NOZ04", 0.0, "Fill valve of nozzle 4; 1 opens"),
    dq("NOZ05", 0.0, "Fill valve of nozzle 5; 1 opens"),
    dq("NOZ06", 0.0, "Fill valve of nozzle 6; 1 opens"),
    dq("NOZ07", 0.0, "Fill valve of nozzle 7; 1 opens"),
    dq("NOZ08", 0.0, "Fill valve of nozzle 8; 1 opens"),
    dq("NOZ09", 0.0, "Fill valve of nozzle 9; 1 opens"),
    dq("NOZ10", 0.0, "Fill valve of nozzle 10; 1 opens"),
    dq("NOZ11", 0.0, "Fill valve of nozzle 11; 1 opens"),
    dq("NOZ12", 0.0, "Fill valve of nozzle 12; 1 opens"),
    di("LP01", "Level probe of nozzle 1: bar down and bottle at 525 mL or more"),
    di("LP02", "Level probe of nozzle 2: bar down and bottle at 525 mL or more"),
    di("LP03", "Level probe of nozzle 3: bar down and bottle at 525 mL or more"),
    di("LP04", "Level probe of nozzle 4: bar down and bottle at 525 mL or more"),
    di("LP05", "Level probe of nozzle 5: bar down and bottle at 525 mL or more"),
    di("LP06", "Level probe of nozzle 6: bar down and bottle at 525 mL or more"),
    di("LP07", "Level probe of nozzle 7: bar down and bottle at 525 mL or more"),
    di("LP08", "Level probe of nozzle 8: bar down and bottle at 525 mL or more"),
    di("LP09", "Level probe of nozzle 9: bar down and bottle at 525 mL or more"),
    di("LP10", "Level probe of nozzle 10: bar down and bottle at 525 mL or more"),
    di("LP11", "Level probe of nozzle 11: bar down and bottle at 525 mL or more"),
    di("LP12", "Level probe of nozzle 12: bar down and bottle at 525 mL or more"),
    ai("FT21", "mL", 0.0, 2000.0, "Volume through nozzle 1 since its valve last opened"),
    ai("FT22", "mL", 0.0, 2000.0, "Volume through nozzle 2 since its valve last opened"),
    ai("FT23", "mL", 0.0, 2000.0, "Volume through nozzle 3 since its valve last opened"),
    ai("FT24", "mL", 0.0, 2000.0, "Volume through nozzle 4 since its valve last opened"),
    ai("FT25", "mL", 0.0, 2000.0, "Volume through nozzle 5 since its valve last opened"),
    ai("FT26", "mL", 0.0, 2000.0, "Volume through nozzle 6 since its valve last opened"),
    ai("FT27", "mL", 0.0, 2000.0, "Volume through nozzle 7 since its valve last opened"),
    ai("FT28", "mL", 0.0, 2000.0, "Volume through nozzle 8 since its valve last opened"),
    ai("FT29", "mL", 0.0, 2000.0, "Volume through nozzle 9 since its valve last opened"),
    ai("FT30", "mL", 0.0, 2000.0, "Volume through nozzle 10 since its valve last opened"),
    ai("FT31", "mL", 0.0, 2000.0, "Volume through nozzle 11 since its valve last opened"),
    ai("FT32", "mL", 0.0, 2000.0, "Volume through nozzle 12 since its valve last opened"),
    aq("V20", "%", 0.0, 100.0, 0.0, "Bowl inlet valve; 100 % is 1.5 L/s"),
    ai("LT20", "m", 0.0, 0.6, "Bowl level; nominal 0.30, overflow at 0.55"),
    di("LSH20", "Bowl level above 0.52 m"),
    di("LSL20", "Bowl level below 0.08 m"),
    ai("FT20", "L/s", 0.0, 2.0, "Bowl inlet flow"),
    di("PE10", "Photoeye at nozzle 1; blocked while the row is full"),
    counter("CT10", "count", "Bottles counted into the filler"),
    di("PE11", "Photoeye behind the exit gate"),
    counter("CT11", "count", "Bottles counted out of the filler"),
    di("PE12", "Photoeye for the queue in front of the capper"),
    di("FIL_RDY", "Filler is able to work"),
    di("FIL_FLT", "Filler fault or jam; needs a person"),
    // plc-conveyor.
    dq("SCREW", 0.0, "Infeed screw runs"),
    di("PE02", "Supply is backed up behind the screw"),
    di("PE01", "Photoeye behind the screw; blocked when the infeed queue is full"),
    di("INF_RDY", "Infeed is able to work"),
    di("INF_FLT", "Infeed fault or jam; needs a person"),
    di("PE30", "Bottle at the capper"),
    di("PE31", "Cap chute holds more than 120 caps"),
    di("LS31", "Cap hopper holds more than 900 caps"),
    dq("CAP_RUN", 0.0, "Capper runs"),
    aq("CAP_TQ", "N.m", 0.0, 4.0, 1.8, "Capping torque setpoint"),
    ai("TT31", "N.m", 0.0, 5.0, "Torque of chuck 1 in its last cycle"),
    ai("TT32", "N.m", 0.0, 5.0, "Torque of chuck 2 in its last cycle"),
    counter("CT30", "count", "Bottles released by the capper"),
    di("CAP_RDY", "Capper is able to work"),
    di("CAP_FLT", "Capper fault; needs a person"),
    di("PE40", "Bottle at the inspection"),
    counter("CT40", "count", "Bottles inspected"),
    ai("QI40", "mL", 0.0, 600.0, "Fill level of the inspected bottle as a volume"),
    di("QI41", "Inspected bottle has a cap"),
    di("QI42", "Cap of the inspected bottle sits askew"),
    ai("WT42", "g", 0.0, 700.0, "Net weight of the inspected bottle"),
    ai("TT40", "N.m", 0.0, 5.0, "Torque record of the inspected bottle"),
    counter("ENC50", "mm", "Discharge belt encoder, 1 pulse/mm"),
    counter("EN40", "mm", "Encoder when the inspected bottle broke the beam"),
    dq("SOL50", 0.0, "Reject pusher; a rising edge fires one stroke"),
    di("PE51", "A bottle dropped into the reject chute within the last 200 ms"),
    counter("CT51", "count", "Bottles counted into the reject chute"),
    di("PE52", "Photoeye behind the reject station"),
    counter("CT52", "count", "Bottles accepted"),
    di("DIS_RDY", "Discharge belt is able to work"),
    di("DIS_FLT", "Discharge fault or jam; needs a person"),
    // plc-packaging.
    di("PE60", "Accumulation table above its low mark"),
    di("PE61", "Accumulation table above its high mark"),
    di("PE62", "Accumulation table full"),
    di("PE70", "Bottle waits at the packer infeed"),
    dq("PK_GATE", 0.0, "Packer infeed; 1 opens"),
    ai("CNT12", "count", 0.0, 12.0, "Bottles in the packer grid"),
    dq("SV71", 0.0, "Packer ram; 1 extends"),
    di("PK_OUT", "Packer ram is extended"),
    di("PK_HOME", "Packer ram is home"),
    counter("CT71", "count", "Cases made"),
    di("PE79", "Case queue to the palletiser is full"),
    di("PK_RDY", "Packer is able to work"),
    di("PK_FLT", "Packer fault; needs a person"),
    di("PE80", "A row of four cases waits at the row pusher"),
    dq("ROW", 0.0, "Row pusher; 1 extends"),
    di("ROW_OUT", "Row pusher is extended"),
    di("ROW_HOME", "Row pusher is home"),
    ai("CT82", "count", 0.0, 16.0, "Cases on the layer plate"),
    dq("HST_UP", 0.0, "Hoist up"),
    dq("HST_DN", 0.0, "Hoist down"),
    aq("HST_SPD", "m/s", 0.0, 1.2, 0.4, "Hoist speed"),
    ai("ENC81", "m", 0.0, 1.5, "Height of the layer plate above the pallet deck"),
    di("LS_TOP", "Hoist at its upper end"),
    di("LS_BOT", "Hoist at its lower end"),
    dq("PLATE", 0.0, "Layer plate; 1 opens it"),
    di("PLATE_OP", "Layer plate is open"),
    di("PLATE_CL", "Layer plate is closed"),
    ai("LT86", "m", 0.0, 2.0, "Height of the stack on the pallet"),
    di("PE85", "A pallet stands in place"),
    dq("PCV", 0.0, "Pallet conveyor runs"),
    di("MUT83", "First muting sensor"),
    di("MUT84", "Second muting sensor"),
    di("LC82", "Light curtain is clear"),
    di("MUTED", "Light curtain is muted"),
    di("ESTOP", "Emergency stop circuit is healthy"),
    di("SAF_OK", "Safety relay is closed"),
    dq("SAF_RST", 0.0, "Rising edge resets the safety relay"),
    dq("MUT_OVR", 0.0, "Muting override of the safety relay"),
    aq("STO_DLY", "s", 0.0, 2.0, 0.0, "Extra delay of safe torque off"),
    di("PAL_RDY", "Palletiser is able to work"),
    di("PAL_FLT", "Palletiser fault; needs a person"),
    // Hard-wired relays between the controllers.
    dq("KQ01", 0.0, "Coil of relay 1"),
    dq("KQ02", 0.0, "Coil of relay 2"),
    dq("KQ03", 0.0, "Coil of relay 3"),
    dq("KQ04", 0.0, "Coil of relay 4"),
    dq("KQ05", 0.0, "Coil of relay 5"),
    dq("KQ06", 0.0, "Coil of relay 6"),
    dq("KQ07", 0.0, "Coil of relay 7"),
    dq("KQ08", 0.0, "Coil of relay 8"),
    dq("KQ09", 0.0, "Coil of relay 9"),
    dq("KQ10", 0.0, "Coil of relay 10"),
    dq("KQ11", 0.0, "Coil of relay 11"),
    dq("KQ12", 0.0, "Coil of relay 12"),
    di("KI01", "Contact of relay 1"),
    di("KI02", "Contact of relay 2"),
    di("KI03", "Contact of relay 3"),
    di("KI04", "Contact of relay 4"),
    di("KI05", "Contact of relay 5"),
    di("KI06", "Contact of relay 6"),
    di("KI07", "Contact of relay 7"),
    di("KI08", "Contact of relay 8"),
    di("KI09", "Contact of relay 9"),
    di("KI10", "Contact of relay 10"),
    di("KI11", "Contact of relay 11"),
    di("KI12", "Contact of relay 12"),
    // Safety instrumented system.
    dq("XV20", 1.0, "Shut-off valve in the supply of the bowl; 0 closes it by its spring"),
    di("ZSC20", "Shut-off valve is closed"),
    di("ZSO20", "Shut-off valve is open"),
    ai("LT21A", "m", -0.05, 0.65, "Bowl level, safety channel A; measuring range 0 to 0.6"),
    ai("LT21B", "m", -0.05, 0.65, "Bowl level, safety channel B; measuring range 0 to 0.6"),
    ai("LT21C", "m", -0.05, 0.65, "Bowl level, safety channel C; measuring range 0 to 0.6"),
    dq("K22", 1.0, "Contactor in front of the drive of M2; 0 opens it"),
    di("K22_CL", "Contactor of M2 is closed"),
    ai("TS22", "degC", -20.0, 230.0, "Winding temperature of M2, safety channel; measuring range 0 to 200"),
    di("HS20", "Key switch for bypasses and proof tests is turned"),
];

/// Positions of the points the physics itself touches, found by name when the crate is compiled.
pub(crate) mod id {
    use super::TABLE;

    /// Points per motor.
    pub(crate) const MOTOR_POINTS: u16 = 11;
    /// First point of the first motor.
    pub(crate) const MOTORS: u16 = find("M1_RUN");
    /// First point behind the last motor.
    pub(crate) const MOTORS_END: u16 = MOTORS + 4 * MOTOR_POINTS;

    const fn find(name: &str) -> u16 {
        let mut index = 0;
        while index < TABLE.len() {
            if same(TABLE[index].name.as_bytes(), name.as_bytes()) {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the table is far below 65536"
                )]
                return index as u16;
            }
            index += 1;
        }
        panic!("no point has this name")
    }

    const fn same(a: &[u8], b: &[u8]) -> bool {
        if a.len() != b.len() {
            return false;
        }
        let mut index = 0;
        while index < a.len() {
            if a[index] != b[index] {
                return false;
            }
            index += 1;
        }
        true
    }

    pub(crate) const GATE1: u16 = find("GATE1");
    pub(crate) const GATE2: u16 = find("GATE2");
    pub(crate) const GATE1_CL: u16 = find("GATE1_CL");
    pub(crate) const GATE2_CL: u16 = find("GATE2_CL");
    pub(crate) const DIVE: u16 = find("DIVE");
    pub(crate) const DIVE_DN: u16 = find("DIVE_DN");
    pub(crate) const DIVE_UP: u16 = find("DIVE_UP");
    pub(crate) const NOZ01: u16 = find("NOZ01");
    pub(crate) const LP01: u16 = find("LP01");
    pub(crate) const FT21: u16 = find("FT21");
    pub(crate) const V20: u16 = find("V20");
    pub(crate) const LT20: u16 = find("LT20");
    pub(crate) const LSH20: u16 = find("LSH20");
    pub(crate) const LSL20: u16 = find("LSL20");
    pub(crate) const FT20: u16 = find("FT20");
    pub(crate) const PE10: u16 = find("PE10");
    pub(crate) const CT10: u16 = find("CT10");
    pub(crate) const PE11: u16 = find("PE11");
    pub(crate) const CT11: u16 = find("CT11");
    pub(crate) const PE12: u16 = find("PE12");
    pub(crate) const FIL_RDY: u16 = find("FIL_RDY");
    pub(crate) const FIL_FLT: u16 = find("FIL_FLT");
    pub(crate) const SCREW: u16 = find("SCREW");
    pub(crate) const PE02: u16 = find("PE02");
    pub(crate) const PE01: u16 = find("PE01");
    pub(crate) const INF_RDY: u16 = find("INF_RDY");
    pub(crate) const INF_FLT: u16 = find("INF_FLT");
    pub(crate) const PE30: u16 = find("PE30");
    pub(crate) const PE31: u16 = find("PE31");
    pub(crate) const LS31: u16 = find("LS31");
    pub(crate) const CAP_RUN: u16 = find("CAP_RUN");
    pub(crate) const CAP_TQ: u16 = find("CAP_TQ");
    pub(crate) const TT31: u16 = find("TT31");
    pub(crate) const TT32: u16 = find("TT32");
    pub(crate) const CT30: u16 = find("CT30");
    pub(crate) const CAP_RDY: u16 = find("CAP_RDY");
    pub(crate) const CAP_FLT: u16 = find("CAP_FLT");
    pub(crate) const PE40: u16 = find("PE40");
    pub(crate) const CT40: u16 = find("CT40");
    pub(crate) const QI40: u16 = find("QI40");
    pub(crate) const QI41: u16 = find("QI41");
    pub(crate) const QI42: u16 = find("QI42");
    pub(crate) const WT42: u16 = find("WT42");
    pub(crate) const TT40: u16 = find("TT40");
    pub(crate) const ENC50: u16 = find("ENC50");
    pub(crate) const EN40: u16 = find("EN40");
    pub(crate) const SOL50: u16 = find("SOL50");
    pub(crate) const PE51: u16 = find("PE51");
    pub(crate) const CT51: u16 = find("CT51");
    pub(crate) const PE52: u16 = find("PE52");
    pub(crate) const CT52: u16 = find("CT52");
    pub(crate) const DIS_RDY: u16 = find("DIS_RDY");
    pub(crate) const DIS_FLT: u16 = find("DIS_FLT");
    pub(crate) const PE60: u16 = find("PE60");
    pub(crate) const PE61: u16 = find("PE61");
    pub(crate) const PE62: u16 = find("PE62");
    pub(crate) const PE70: u16 = find("PE70");
    pub(crate) const PK_GATE: u16 = find("PK_GATE");
    pub(crate) const CNT12: u16 = find("CNT12");
    pub(crate) const SV71: u16 = find("SV71");
    pub(crate) const PK_OUT: u16 = find("PK_OUT");
    pub(crate) const PK_HOME: u16 = find("PK_HOME");
    pub(crate) const CT71: u16 = find("CT71");
    pub(crate) const PE79: u16 = find("PE79");
    pub(crate) const PK_RDY: u16 = find("PK_RDY");
    pub(crate) const PK_FLT: u16 = find("PK_FLT");
    pub(crate) const PE80: u16 = find("PE80");
    pub(crate) const ROW: u16 = find("ROW");
    pub(crate) const ROW_OUT: u16 = find("ROW_OUT");
    pub(crate) const ROW_HOME: u16 = find("ROW_HOME");
    pub(crate) const CT82: u16 = find("CT82");
    pub(crate) const HST_UP: u16 = find("HST_UP");
    pub(crate) const HST_DN: u16 = find("HST_DN");
    pub(crate) const HST_SPD: u16 = find("HST_SPD");
    pub(crate) const ENC81: u16 = find("ENC81");
    pub(crate) const LS_TOP: u16 = find("LS_TOP");
    pub(crate) const LS_BOT: u16 = find("LS_BOT");
    pub(crate) const PLATE: u16 = find("PLATE");
    pub(crate) const PLATE_OP: u16 = find("PLATE_OP");
    pub(crate) const PLATE_CL: u16 = find("PLATE_CL");
    pub(crate) const LT86: u16 = find("LT86");
    pub(crate) const PE85: u16 = find("PE85");
    pub(crate) const PCV: u16 = find("PCV");
    pub(crate) const MUT83: u16 = find("MUT83");
    pub(crate) const MUT84: u16 = find("MUT84");
    pub(crate) const LC82: u16 = find("LC82");
    pub(crate) const MUTED: u16 = find("MUTED");
    pub(crate) const ESTOP: u16 = find("ESTOP");
    pub(crate) const SAF_OK: u16 = find("SAF_OK");
    pub(crate) const SAF_RST: u16 = find("SAF_RST");
    pub(crate) const MUT_OVR: u16 = find("MUT_OVR");
    pub(crate) const STO_DLY: u16 = find("STO_DLY");
    pub(crate) const PAL_RDY: u16 = find("PAL_RDY");
    pub(crate) const PAL_FLT: u16 = find("PAL_FLT");
    pub(crate) const KQ01: u16 = find("KQ01");
    pub(crate) const KI01: u16 = find("KI01");
    pub(crate) const KI12: u16 = find("KI12");
    pub(crate) const XV20: u16 = find("XV20");
    pub(crate) const ZSC20: u16 = find("ZSC20");
    pub(crate) const ZSO20: u16 = find("ZSO20");
    pub(crate) const LT21A: u16 = find("LT21A");
    pub(crate) const LT21C: u16 = find("LT21C");
    pub(crate) const K22: u16 = find("K22");
    pub(crate) const K22_CL: u16 = find("K22_CL");
    pub(crate) const TS22: u16 = find("TS22");
    pub(crate) const HS20: u16 = find("HS20");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_ranges_hold_their_initial_value() {
        let names: BTreeSet<&str> = points().iter().map(|point| point.name).collect();
        assert_eq!(names.len(), points().len());
        for point in points() {
            assert!(point.low < point.high, "{}", point.name);
            if point.kind.is_actuator() {
                assert!(
                    (point.low..=point.high).contains(&point.initial),
                    "{}",
                    point.name
                );
            }
            assert!(!point.description.is_empty(), "{}", point.name);
        }
    }

    #[test]
    fn motors_are_contiguous_and_alike() {
        for motor in 0..4_usize {
            let first = usize::from(id::MOTORS) + motor * usize::from(id::MOTOR_POINTS);
            for offset in 0..usize::from(id::MOTOR_POINTS) {
                let name = points()[first + offset].name;
                assert_eq!(name[..1], *"M");
                assert_eq!(name[1..2].parse::<usize>(), Ok(motor + 1));
                assert_eq!(
                    name[2..],
                    points()[usize::from(id::MOTORS) + offset].name[2..]
                );
            }
        }
    }
}
