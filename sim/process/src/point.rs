//! Points: the named signals between the process and the controllers' I/O cards.

/// What a point is, seen from the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointKind {
    /// An on/off signal the controller reads.
    DiscreteSensor,
    /// A measured value the controller reads.
    AnalogSensor,
    /// An on/off command the controller drives.
    DiscreteActuator,
    /// A set value the controller drives.
    AnalogActuator,
}

impl PointKind {
    /// Whether a controller drives this point.
    #[must_use]
    pub const fn is_actuator(self) -> bool {
        matches!(self, Self::DiscreteActuator | Self::AnalogActuator)
    }

    /// Whether the point is on or off only.
    #[must_use]
    pub const fn is_discrete(self) -> bool {
        matches!(self, Self::DiscreteSensor | Self::DiscreteActuator)
    }
}

/// A point's index in its plant's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointId(pub u16);

impl PointId {
    /// The index as a table position.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One signal: its name on the drawings, its range and its meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Tag name, unique in the plant.
    pub name: &'static str,
    /// Direction and type.
    pub kind: PointKind,
    /// Engineering unit; empty for discrete points.
    pub unit: &'static str,
    /// Lowest value of the range.
    pub low: f64,
    /// Highest value of the range.
    pub high: f64,
    /// For an actuator, the command in force until somebody drives it.
    pub initial: f64,
    /// What it is, in one sentence.
    pub description: &'static str,
}

/// A broken sensor, as an instructor or an aging plant sets it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SensorFault {
    /// The signal stands still at this value, in the point's unit.
    Stuck(f64),
    /// This is added to the value, in the point's unit.
    Bias(f64),
    /// The value is multiplied by this.
    Gain(f64),
}

impl SensorFault {
    /// What the sensor shows instead of `value`.
    #[must_use]
    pub fn apply(self, value: f64) -> f64 {
        match self {
            Self::Stuck(shown) => shown,
            Self::Bias(offset) => value + offset,
            Self::Gain(gain) => value * gain,
        }
    }
}
