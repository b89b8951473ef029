"""Online anomaly detection on the historian's tags, with River.

Speaks version 1 of the lock-step protocol (docs/defense-protocol.md) on standard input and output.

In the clean period it collects, per tag, features of a sliding window of simulated time. At its end it
fits two views: robust limits per tag, and one HalfSpaceTrees over all tags together. Afterwards it alerts

    tag-limit      a tag's windows left what the clean period had, and stay outside
    tag-setpoint   a tag that never changed did
    tag-frozen     a tag that always trembled stands still
    tag-lost       a tag that was always readable is not
    tags-unusual   no tag alone is outside, but their combination is

Nothing is learned after the clean period, so a slow drift is not absorbed. The answer depends on the
messages and the arguments alone: the trees are seeded, and all times are simulated.
"""

import argparse
import json
import math
import re
import sys
from collections import deque
from statistics import median

from river.anomaly import HalfSpaceTrees

PROTOCOL_VERSION = 1
TOOL_VERSION = "0.1.0"
SECOND_NS = 1_000_000_000

WINDOW_NS = 60 * SECOND_NS  # Features describe this much of the past.
STEP_NS = 10 * SECOND_NS  # They are taken this often.
# A finding must hold for so many steps in a row: a stop of the line that is over by then is no finding.
PERSIST_STEPS = 30
# The same for a state that never changed, such as an alarm that nobody clears, and for the joint score.
STATE_STEPS = 90
OUTSIDE_SCALES = 4.0  # How far outside of the clean range is too far.
ANALOG_VALUES = 16  # A tag with fewer values in the clean period is a state, a step or a setpoint.
STILL_NS = 45 * SECOND_NS  # A tag trembles if it never stood still longer in the clean period.
FROZEN_NS = 600 * SECOND_NS  # A trembling tag that stands still this long is frozen: longer than most stops.
LOST_NS = 120 * SECOND_NS  # A tag without a good sample this long is lost.
HOLD_OFF_NS = 600 * SECOND_NS  # First pause between two alerts about the same thing; doubles.
HOLD_OFF_MOST_NS = 6 * 3600 * SECOND_NS
MIN_VECTORS = 30  # Fewer clean windows than this are no basis.
MAX_TAGS = 2_000
MAX_SAMPLES = 4_096  # Per tag and window; beyond it the oldest go.
SEED = 20_260_105

# What a description says about a tag that only a person or an attacker changes.
COUNTER = re.compile(r"total|count(er)?\b", re.IGNORECASE)
SETPOINT = re.compile(
    r"set.?point|\bSP\b|_SP\b|preset|\blimit\b|recipe|\bramp\b|\b(below|above) this\b|\bmode\b", re.IGNORECASE
)


class Tag:
    """One tag: its recent samples, and what the clean period said about it."""

    def __init__(self, name, info):
        self.name = name
        description = info.get("description") or ""
        self.is_setpoint = bool(SETPOINT.search(name) or SETPOINT.search(description))
        self.has_unit = bool(info.get("unit"))
        self.is_counter = bool(COUNTER.search(name))
        self.samples = deque(maxlen=MAX_SAMPLES)
        self.last_good_ns = 0
        self.last_change_ns = 0
        self.last_value = None
        # Learned.
        self.learned = []
        self.falls = 0
        self.rises = 0
        self.values = set()
        self.longest_still_ns = 0
        self.limits = {}
        self.outside_steps = 0
        self.changed_steps = 0

    def sample(self, t_ns, value, learning):
        self.last_good_ns = t_ns
        if value != self.last_value:
            if self.last_value is not None and learning:
                self.rises += value > self.last_value
                self.falls += value < self.last_value
            if learning:
                self.longest_still_ns = max(self.longest_still_ns, t_ns - self.last_change_ns)
                if len(self.values) < ANALOG_VALUES:
                    self.values.add(value)
            self.last_change_ns = t_ns
            self.last_value = value
        self.samples.append((t_ns, value))

    def forget_before(self, t_ns):
        while self.samples and self.samples[0][0] <= t_ns:
            self.samples.popleft()

    def features(self):
        """Mean, span and growth over the window; None without samples."""
        if not self.samples:
            return None
        values = [value for _, value in self.samples]
        growth = sum(max(b - a, 0.0) for a, b in zip(values, values[1:]))
        return {"mean": math.fsum(values) / len(values), "span": max(values) - min(values), "growth": growth}

    def learn(self):
        features = self.features()
        if features is not None:
            self.learned.append(features)

    def fit(self, at_ns):
        """Turns the clean windows into limits."""
        self.longest_still_ns = max(self.longest_still_ns, at_ns - self.last_change_ns)
        # A counter rises, and falls only when it wraps or is reset.
        self.is_counter |= len(self.values) >= 10 and self.falls * 50 <= self.rises
        if len(self.values) < ANALOG_VALUES:
            return
        for feature in ["growth"] if self.is_counter else ["mean", "span"]:
            values = [row[feature] for row in self.learned]
            # What counts rare events has no rate to speak of in a short window.
            if values and (not self.is_counter or median(values) > 0):
                middle = median(values)
                spread = 1.4826 * median(abs(value - middle) for value in values)
                low, high = min(values), max(values)
                # Never finer than a part of the clean range, or a thousandth of the value itself.
                scale = max(spread, 0.25 * (high - low), 0.001 * abs(middle), 1e-9)
                self.limits[feature] = (low, high, scale)

    @property
    def is_constant(self):
        return len(self.values) == 1 and not self.is_counter

    def has_changed(self):
        """Whether a constant tag has had another value for long enough; to be called once a step."""
        changed = self.is_constant and self.last_value not in self.values
        self.changed_steps = self.changed_steps + 1 if changed else 0
        # Without a setpoint's words it may be a measurement that never moved, or a state that comes and goes.
        enough = 1 if self.is_setpoint else PERSIST_STEPS if self.has_unit else STATE_STEPS
        return self.changed_steps >= enough

    @property
    def is_analog(self):
        return len(self.values) >= ANALOG_VALUES and not self.is_counter

    @property
    def trembles(self):
        # Noise goes up as often as down; what only warms up comes to rest by itself.
        both_ways = 2 * min(self.rises, self.falls) >= max(self.rises, self.falls)
        return self.is_analog and both_ways and self.longest_still_ns < STILL_NS

    def outside(self):
        """How far the window lies outside the limits, in scales, with the feature; 0 inside."""
        features = self.features()
        worst = (0.0, "", 0.0, 0.0, 0.0)
        for feature, (low, high, scale) in self.limits.items():
            if features is not None:
                value = features[feature]
                distance = max(low - value, value - high, 0.0) / scale
                worst = max(worst, (distance, feature, value, low, high))
        return worst


class Joint:
    """HalfSpaceTrees over the means of all tags, scaled to what the clean period had."""

    def __init__(self):
        self.rows = []
        self.model = None
        self.ranges = {}
        self.threshold = math.inf
        self.high_steps = 0

    def fit(self, names):
        self.ranges = {}
        for name in names:
            values = [row[name] for row in self.rows if name in row]
            if len(values) == len(self.rows) and max(values) > min(values):
                margin = 0.5 * (max(values) - min(values))
                self.ranges[name] = (min(values) - margin, max(values) + margin)
        rows = [self.scale(row) for row in self.rows]
        split = len(rows) * 2 // 3
        if len(rows) < MIN_VECTORS or len(self.ranges) < 2:
            return
        self.model = HalfSpaceTrees(n_trees=25, height=8, window_size=max(split // 2, 10), seed=SEED)
        for row in rows[:split]:
            self.model.learn_one(row)
        # What was not learned from says how high clean windows score.
        scores = [self.model.score_one(row) for row in rows[split:]]
        self.threshold = min(max(scores) + max(0.5 * (max(scores) - median(scores)), 0.02), 0.999)

    def scale(self, row):
        scaled = {}
        for name in sorted(self.ranges):
            low, high = self.ranges[name]
            share = (row.get(name, low) - low) / (high - low)
            scaled[name] = min(max(share, 0.0), 1.0)
        return scaled

    def score(self, row):
        return self.model.score_one(self.scale(row)) if self.model else 0.0


class HoldOff:
    """One alert about the same thing, then a pause that doubles with each repetition."""

    def __init__(self):
        self.held = {}

    def admits(self, key, t_ns):
        until_ns, pause_ns = self.held.get(key, (0, 0))
        if t_ns < until_ns:
            return False
        pause_ns = min(2 * pause_ns, HOLD_OFF_MOST_NS) if pause_ns else HOLD_OFF_NS
        self.held[key] = (t_ns + pause_ns, pause_ns)
        return True


class Detector:
    """Samples in, alerts out."""

    def __init__(self, hello, learn_ns):
        self.learn_ns = learn_ns
        self.info = {tag["name"]: tag for tag in hello.get("tags", [])}
        self.tags = {}
        self.joint = Joint()
        self.hold_off = HoldOff()
        self.next_step_ns = STEP_NS
        self.fitted = False

    def interval(self, message):
        alerts = []
        for sample in message.get("tags", []):
            # Steps that fell due before this sample see only what was before it.
            alerts += self.steps_until(sample["t_ns"])
            self.sample(sample)
        return alerts + self.steps_until(message["to_ns"] + 1)

    def sample(self, sample):
        name, value = sample["tag"], sample["value"]
        if sample["quality"] != "good" or value is None:
            return
        learning = sample["t_ns"] < self.learn_ns
        if name not in self.tags:
            if not learning or len(self.tags) >= MAX_TAGS:
                return
            self.tags[name] = Tag(name, self.info.get(name, {}))
        self.tags[name].sample(sample["t_ns"], float(value), learning)

    def steps_until(self, t_ns):
        alerts = []
        while self.next_step_ns < t_ns:
            alerts += self.step(self.next_step_ns)
            self.next_step_ns += STEP_NS
        return alerts

    def step(self, now_ns):
        names = sorted(self.tags)
        for name in names:
            self.tags[name].forget_before(now_ns - WINDOW_NS)
        if now_ns < self.learn_ns:
            if now_ns >= WINDOW_NS:
                for name in names:
                    self.tags[name].learn()
                self.joint.rows.append(self.means(names))
            return []
        if not self.fitted:
            self.fitted = True
            for name in names:
                self.tags[name].fit(now_ns)
            self.joint.fit([name for name in names if self.tags[name].is_analog])
            return []
        if len(self.joint.rows) < MIN_VECTORS:
            return []
        return [alert for alert in self.findings(names, now_ns) if alert is not None]

    def means(self, names):
        rows = ((name, self.tags[name].features()) for name in names)
        return {name: features["mean"] for name, features in rows if features is not None}

    def findings(self, names, now_ns):
        limit, setpoint, frozen, lost = [], [], [], []
        for name in names:
            tag = self.tags[name]
            distance, feature, value, low, high = tag.outside()
            tag.outside_steps = tag.outside_steps + 1 if distance > OUTSIDE_SCALES else 0
            has_changed = tag.has_changed()
            note = f"{feature} {value:.6g}, clean {low:.6g} to {high:.6g}"
            if now_ns - tag.last_good_ns > LOST_NS:
                lost.append((1.0, name, "no good sample"))
            elif has_changed:
                setpoint.append((distance, name, f"{tag.last_value:.6g}, always was {min(tag.values):.6g}"))
            elif tag.trembles and now_ns - tag.last_change_ns > FROZEN_NS:
                frozen.append((1.0, name, f"{tag.last_value:.6g} since {FROZEN_NS // SECOND_NS} s and more"))
            elif tag.outside_steps >= PERSIST_STEPS and not tag.is_constant:
                limit.append((distance, name, note))
        yield self.alert("tag-setpoint", "Value that never changed did", 7, setpoint, now_ns)
        yield self.alert("tag-frozen", "Measurement stands still", 7, frozen, now_ns)
        yield self.alert("tag-limit", "Outside what was learned", 6, limit, now_ns)
        yield self.alert("tag-lost", "Not readable any more", 5, lost, now_ns)
        score = self.joint.score(self.means(names))
        self.joint.high_steps = self.joint.high_steps + 1 if score > self.joint.threshold else 0
        if self.joint.high_steps >= STATE_STEPS and not (limit or setpoint or frozen or lost):
            found = [(score, "all tags", f"score {score:.3f}, clean up to {self.joint.threshold:.3f}")]
            yield self.alert("tags-unusual", "Unusual combination of values", 4, found, now_ns)

    def alert(self, sig_id, text, severity, found, now_ns):
        """One alert for all tags with the same finding, named after the worst that is not held off."""
        fresh = [item for item in found if self.hold_off.admits((sig_id, item[1]), now_ns)]
        if not fresh:
            return None
        worst = max(fresh, key=lambda item: (item[0], item[1]))
        name = worst[1]
        techniques = self.techniques(sig_id, name, len(found))
        return {
            "t_ns": now_ns,
            "sig_id": sig_id,
            "sig_name": f"{text}: {name}"[:256],
            "sensor": "historian",
            "severity": severity,
            "techniques": techniques,
            "technique_source": "native" if techniques else "none",
            "raw": {"tags": [{"tag": tag, "note": note} for _, tag, note in fresh[:20]], "count": len(found)},
        }

    def techniques(self, sig_id, name, count):
        """Only where the values themselves support one; most anomalies have many causes."""
        if sig_id == "tag-setpoint" and self.tags[name].is_setpoint:
            return ["T0836"]  # Modify Parameter: a parameter has another value.
        if sig_id == "tag-frozen" and count < len(self.tags):
            return ["T0832"]  # Manipulation of View: noise does not stop by itself while others go on.
        return []


def send(message):
    sys.stdout.write(json.dumps(message, separators=(",", ":"), allow_nan=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description="Anomaly detection on tags for Twinrange, with River.")
    parser.add_argument("--learn-s", type=int, help="clean period, simulated s; default: as the range says")
    arguments = parser.parse_args()
    detector = None
    for line in sys.stdin:
        message = json.loads(line)
        kind = message["type"]
        if kind == "hello":
            if PROTOCOL_VERSION not in message["versions"]:
                send({"type": "error", "message": f"speaks protocol version {PROTOCOL_VERSION} only"})
                sys.stdout.flush()
                return 1
            learn_ns = message["learn_ns"] if arguments.learn_s is None else arguments.learn_s * SECOND_NS
            detector = Detector(message, learn_ns)
            send({"type": "ready", "version": PROTOCOL_VERSION, "name": "river-anomaly",
                  "tool_version": TOOL_VERSION, "wants": ["tags"]})
        elif kind == "interval":
            alerts = detector.interval(message)
            if alerts:
                send({"type": "answer", "seq": message["seq"], "alerts": alerts})
            send({"type": "done", "seq": message["seq"]})
        elif kind == "end":
            send({"type": "done", "seq": message["seq"]})
        sys.stdout.flush()
        if kind == "end":
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
