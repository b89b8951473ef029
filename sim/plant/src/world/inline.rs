//! How frames go through a device that stands in their cable.

use sim_kernel::queue::Phase;
use sim_kernel::time::{SimDuration, SimTime};

use super::{Event, World};
use crate::frame::Frame;
use crate::inline::{Decision, InlineCounts, InlineFrame, Judged, OnCable, Towards, Verdict};
use crate::respond::InputError;

impl World {
    /// The frame that waits for its verdict, if the world has paused for one.
    #[must_use]
    pub fn inline_frame(&self) -> Option<InlineFrame<'_>> {
        let device = self.inline.as_ref()?;
        let waiting = device.waiting.as_ref()?;
        Some(InlineFrame {
            number: device.counts.frames,
            at: self.now(),
            host: &self.hosts[usize::from(waiting.host)].config.name,
            towards: waiting.towards,
            bytes: &waiting.frame.bytes,
        })
    }

    /// What has gone through the device so far; `None` in a plant without one.
    #[must_use]
    pub fn inline_counts(&self) -> Option<InlineCounts> {
        self.inline.as_ref().map(|device| device.counts)
    }

    /// Answers for the frame of [`World::inline_frame`], which goes on or is lost.
    ///
    /// # Errors
    ///
    /// [`InputError::BadDelay`]; the frame goes on waiting then.
    ///
    /// # Panics
    ///
    /// If no frame waits: that is our bug.
    pub fn decide(&mut self, decision: Decision) -> Result<(), InputError> {
        decision.check()?;
        let device = self.inline.as_mut();
        let waiting = device.and_then(|device| device.waiting.take());
        let waiting = waiting.expect("the world has paused for a verdict");
        self.pass_or_drop(self.now(), waiting, decision);
        Ok(())
    }

    pub(super) fn tell_verdict(&mut self, verdict: Verdict) -> Result<(), InputError> {
        let device = self.inline.as_mut().ok_or(InputError::NoInline)?;
        device.tell(verdict)
    }

    /// A frame has come over a cable to its switch.
    pub(super) fn on_cable_to_switch(
        &mut self,
        now: SimTime,
        switch: u16,
        port: u16,
        frame: Frame,
    ) {
        let host = self.switches[usize::from(switch)].ports[usize::from(port)].host;
        if !self.is_guarded(host) {
            return self.on_switch(now, switch, port, frame);
        }
        let host = u16::try_from(host).expect("hosts are few");
        let towards = Towards::Switch;
        self.at_device(
            now,
            OnCable {
                switch,
                port,
                host,
                towards,
                frame,
            },
        );
    }

    /// A frame has come over a cable to its host.
    pub(super) fn on_cable_to_host(&mut self, now: SimTime, host: u16, frame: Frame) {
        if !self.is_guarded(usize::from(host)) {
            return self.on_host(now, usize::from(host), frame);
        }
        let roles = self.roles[usize::from(host)];
        self.at_device(
            now,
            OnCable {
                switch: roles.switch,
                port: roles.port,
                host,
                towards: Towards::Host,
                frame,
            },
        );
    }

    /// Whether a frame waits for its verdict.
    pub(super) fn is_waiting(&self) -> bool {
        let device = self.inline.as_ref();
        device.is_some_and(|device| device.waiting.is_some())
    }

    fn is_guarded(&self, host: usize) -> bool {
        let device = self.inline.as_ref();
        device.is_some_and(|device| device.guards(host))
    }

    fn at_device(&mut self, now: SimTime, on_cable: OnCable) {
        let device = self.inline.as_mut().expect("a guarded host has a device");
        match device.count_in() {
            Some(decision) => self.pass_or_drop(now, on_cable, decision),
            None => device.waiting = Some(on_cable),
        }
    }

    fn pass_or_drop(&mut self, now: SimTime, on_cable: OnCable, decision: Decision) {
        if decision != Decision::PASS {
            self.note_verdict(now, &on_cable, decision);
        }
        let device = self.inline.as_mut().expect("a device has decided");
        let host = usize::from(on_cable.host);
        let held = match decision {
            Decision::Drop => {
                device.counts.dropped += 1;
                return self.hosts[host].nic.recycle(on_cable.frame.bytes);
            }
            Decision::Pass { delay_ns } => {
                device.counts.delayed += u64::from(delay_ns > 0);
                device.latency + SimDuration::from_nanos(delay_ns)
            }
        };
        if held == SimDuration::ZERO {
            return self.past_device(now, on_cable);
        }
        let host_id = self.ids.hosts[host];
        let switch_id = self.ids.switches[usize::from(on_cable.switch)];
        let ends = match on_cable.towards {
            Towards::Switch => (host_id, switch_id),
            Towards::Host => (switch_id, host_id),
        };
        self.schedule(
            now + held,
            Phase::FrameArrival,
            ends,
            Event::PastDevice(Box::new(on_cable)),
        );
    }

    /// A frame has gone through the device.
    pub(super) fn past_device(&mut self, now: SimTime, on_cable: OnCable) {
        let OnCable {
            switch,
            port,
            host,
            towards,
            frame,
        } = on_cable;
        match towards {
            Towards::Switch => self.on_switch(now, switch, port, frame),
            Towards::Host => self.on_host(now, usize::from(host), frame),
        }
    }

    fn note_verdict(&mut self, at: SimTime, on_cable: &OnCable, decision: Decision) {
        if !self.keep.frames {
            return;
        }
        let (label, relation) = self.relation(&on_cable.frame);
        let device = self.inline.as_ref().expect("a device has decided");
        let judged = Judged {
            at,
            verdict: Verdict {
                frame: device.counts.frames,
                decision,
            },
            host: on_cable.host,
            towards: on_cable.towards,
            len: u32::try_from(on_cable.frame.bytes.len()).expect("frames are short"),
            label,
            relation,
        };
        self.observations.inline.push(judged);
    }
}
