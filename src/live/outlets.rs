//! Where what is observed goes outside while it happens, beside the run folder.
//!
//! **Invariant:** an outlet that is slow or gone costs what it does not take, which is counted and said, and never plant
//! time.

use sim_plant::observe::Observations;
use twinrange_bridge::live::mqtt::PASSWORD;
use twinrange_bridge::live::{
    Broker, Interface, MqttError, MqttOut, OpcuaOut, PlantTags, SyslogOut,
};
use twinrange_range::outside::Outside;
use twinrange_range::problem::Problem;
use twinrange_range::session;

use super::capture::CaptureStream;
use super::desk::seen_tag;
use super::drive::HandedOn;
use super::interfaces::{self, plug_in};
use super::{Args, opcua, tags};
use crate::support::recording::Recording;
use crate::support::scenario::Ready;

/// All outlets of a session that were asked for.
pub(super) struct Outlets {
    /// Name of the SPAN port that is mirrored, if the network has one.
    span: Option<String>,
    /// Its place in the session.
    span_at: Option<u16>,
    mirror: Option<Interface>,
    /// Who reads the SPAN port's frames from a pipe.
    capture: Option<CaptureStream>,
    syslog: Option<SyslogOut>,
    mqtt: Option<MqttOut>,
    opcua: Option<OpcuaOut>,
    told: PlantTags,
}

impl Outlets {
    /// Opens what was asked for.
    ///
    /// # Errors
    ///
    /// `TR0601` to `TR0603`, `TR0605` and `TR0606`: who is to take something is not there.
    pub(super) fn open(args: &Args, ready: &Ready, outside: &Outside) -> Result<Self, Problem> {
        let span = outside.span(&ready.prepared.plant);
        if (args.mirror.is_some() || args.capture.is_some()) && span.is_none() {
            let message = format!(
                "network `{}` has no SPAN port to be mirrored",
                outside.network
            );
            return Err(Problem::new("TR0601", message));
        }
        let mirror = args.mirror.as_deref().map(plug_in).transpose()?;
        let capture = args.capture.as_deref().zip(span);
        let capture = capture.map(|(to, span)| CaptureStream::begin(to, span));
        let capture = capture.transpose()?;
        let syslog = args.syslog.map(SyslogOut::to).transpose();
        let syslog = syslog.map_err(|error| {
            Problem::new("TR0602", format!("nobody takes the log lines: {error}"))
                .hint("start the receiver before the plant, or use udp://")
        })?;
        let told = tags::of(ready);
        let opcua = args.opcua.map(|address| opcua::serve(address, &told));
        let opcua = opcua.transpose()?;
        // Last: from here on the broker keeps what is said of the session.
        let mqtt = args.mqtt.as_ref().map(|broker| publish_to(broker, &told));
        let mqtt = mqtt.transpose()?;
        Ok(Self {
            span: span.map(str::to_owned),
            span_at: None,
            mirror,
            capture,
            syslog,
            mqtt,
            opcua,
            told,
        })
    }

    /// Gets to know the session whose observations are handed on.
    pub(super) fn attend(&mut self, recording: &Recording<'_>) {
        tags::assert_same(&self.told, recording);
        let mut spans = recording.session.world().spans().iter();
        let at = self
            .span
            .as_ref()
            .and_then(|span| spans.position(|known| known == span));
        self.span_at = at.map(|at| u16::try_from(at).expect("networks are few"));
    }

    /// URL of the OPC UA server.
    pub(super) fn opcua_endpoint(&self) -> Option<&str> {
        self.opcua.as_ref().map(OpcuaOut::endpoint)
    }

    /// Hands on what was observed since the last time: frames of the SPAN port, log lines, samples.
    ///
    /// # Arguments
    ///
    /// * `had` — how much of it was handed on before.
    pub(super) fn hand_on(&mut self, observed: &Observations, had: HandedOn) {
        for frame in &observed.frames[had.frames..] {
            if Some(frame.span) != self.span_at {
                continue;
            }
            let bytes = observed.bytes(frame);
            if let Some(mirror) = &mut self.mirror {
                mirror.send(bytes);
            }
            if let Some(capture) = &mut self.capture {
                capture.send(frame.at.as_nanos(), bytes);
            }
        }
        if let Some(syslog) = &mut self.syslog {
            for line in &observed.logs[had.logs..] {
                syslog.send(session::syslog(line));
            }
        }
        for sample in &observed.tags[had.tags..] {
            if let Some(mqtt) = &mut self.mqtt {
                mqtt.send(seen_tag(sample));
            }
            if let Some(opcua) = &mut self.opcua {
                opcua.send(seen_tag(sample));
            }
        }
    }

    /// Tells those who get samples that the session is over, and says what they did not take.
    pub(super) fn say_over(&mut self) {
        if let Some(published) = self.mqtt.take().map(MqttOut::finish)
            && published.lost > 0
        {
            let why = published
                .trouble
                .map_or_else(String::new, |why| format!(": {why}"));
            let lost = published.lost;
            eprintln!("note: the MQTT broker did not take {lost} samples{why}");
        }
        if let Some(served) = self.opcua.take().map(OpcuaOut::finish) {
            opcua::note(&served);
        }
    }

    /// Waits for those who still take frames and lines, and says what they did not take.
    pub(super) fn close(self) {
        let lost = self.syslog.map_or(0, SyslogOut::finish);
        if lost > 0 {
            eprintln!("note: the syslog receiver did not take {lost} lines");
        }
        let untaken = self.capture.map_or(0, CaptureStream::finish);
        if untaken > 0 {
            eprintln!(
                "note: {untaken} frames are not in the capture stream, whose reader was away or slow; the run folder has \
                 them"
            );
        }
        if let Some(mirror) = &self.mirror {
            interfaces::note(mirror);
        }
    }
}

/// Begins to publish samples.
fn publish_to(broker: &Broker, plant: &PlantTags) -> Result<MqttOut, Problem> {
    let password = std::env::var(PASSWORD).ok();
    MqttOut::open(broker, plant, password.as_deref()).map_err(|error| {
        let hint = match error {
            MqttError::Broker(_) => {
                "start the broker before the plant (`mosquitto -p 1883` is one for this machine alone), with the user and password \
                 that it wants; docs/live.md"
            }
            MqttError::Name(_) => "name it otherwise in the plant file",
        };
        Problem::new("TR0602", format!("{broker} gets no samples: {error}")).hint(hint)
    })
}
