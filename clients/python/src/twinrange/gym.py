"""A Gymnasium environment around the range, in which autonomous defenders are trained.

One episode is one run; one step is one interval of simulated time, during which the simulation stands still. An
observation holds what a lock-step defense is told and nothing of the truth. The sum of an episode's rewards is what
the continuity of the score is made of, see :class:`TwinrangeEnv`.

Needs ``pip install 'twinrange[gym]'``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Optional

import gymnasium
import numpy as np
from numpy.typing import NDArray

from .defense import Defense
from .folder import Run
from .packets import ACK, SYN, parse
from .protocol import ActionResult, End, Hello, Interval, Verb
from .session import RangeError, Session, find_range

__all__ = ["ACTION_COSTS", "Act", "TwinrangeEnv"]

#: What an accepted action costs where the reward is counted in parts.
ACTION_COSTS: Mapping[str, float] = {"deny": 50.0, "contain": 50.0, "restore": 250.0}
#: The counter of good parts that a plant's historian records, by name of the plant.
PROGRESS_TAGS: Mapping[str, str] = {"bottling": "CNV_TotalAccepted"}
#: Bounds of every feature but time; what is beyond is cut.
_BOUND = 1e9

Observation = NDArray[np.float32]
Act = Optional[tuple[Verb, dict[str, Any]]]
Reward = Literal["parts", "worth"]


class TwinrangeEnv(gymnasium.Env[Observation, np.int64]):
    """The range as an environment.

    **Observation**: a vector of ``float32``; :attr:`features` names its entries. ``time`` is the share of the run that
    is over. ``tag:NAME`` is the last good value that the historian recorded, in the tag's unit, 0 before the first.
    The others count in the interval: ``tags_bad`` samples, ``frames``, ``arp``, ``connections`` (TCP SYN),
    ``modbus_requests``, ``modbus_writes``, ``log_lines``, ``alarms`` (of the HMI), ``alerts`` (of ``detector``), and
    for each asset by its hardware address ``frames_from:NAME`` and ``writes_from:NAME``; ``frames_from:?`` is everybody
    who is not in the inventory.

    **Action**: an index into :attr:`acts`. 0 does nothing; the others are what the range offers, on every host and
    controller of the inventory. An action waits for its approval and its execution, as in any run.

    **Reward**: the sum over an episode is

    * ``parts``: the good parts of the run, by the physical truth, less the costs of the accepted actions; so with the
      same seed it is the residual damage of the score, up to a constant that no policy changes;
    * ``worth``: what the run is worth in the scenario's currency, from ``twinrange score``, which counts parts, scrap,
      lost time, unsafe seconds, damage and the price of actions. This simulates the counterfactual runs after every
      episode.

    Until the end, a step is paid by what the historian says of the counter ``progress_tag``, times ``part_value``, less
    ``action_costs``. The last step pays the rest of the sum, which may be negative. So no reward tells the truth before
    the episode is over, and a forged counter, or any other look of success, is taken back.

    The same seed and the same actions give the same observations and rewards.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(
        self,
        scenario: str = "bottling/overflow",
        *,
        duration: str | None = None,
        attack: bool = True,
        interval_s: float = 10.0,
        verbs: Sequence[Verb] = ("contain", "deny", "restore"),
        action_duration_s: float | None = None,
        reward: Reward = "parts",
        action_costs: Mapping[str, float] = ACTION_COSTS,
        progress_tag: str | None = None,
        part_value: float = 1.0,
        detector: Callable[[], Defense] | None = None,
        out: str | os.PathLike[str] | None = None,
        binary: str | os.PathLike[str] | None = None,
        timeout_s: float = 120.0,
        more: Sequence[str] = (),
        render_mode: str | None = None,
    ) -> None:
        """Asks the range once what there is to see and to do.

        Args:
            scenario: a scenario file, or the name of a built-in scenario.
            duration: such as ``90min``; the scenario's own if left out.
            attack: whether the playbook is played.
            interval_s: simulated seconds of a step, 0.01 to 3,600.
            verbs: words of the actions to offer.
            action_duration_s: how long ``deny`` and ``contain`` last; to the end of the run if left out.
            reward: see above.
            action_costs: cost of an accepted action by its word, in parts or in currency.
            progress_tag: the historian's counter that pays steps before the end; known for the built-in plant. Without
                one all is paid in the last step.
            part_value: what one count of it pays in advance.
            detector: makes a lock-step defense for each episode; its alerts are counted and go into the run folder.
                It must not act.
            out: folder for run folders ``episode-1`` and so on, which are kept; the last one alone, in a temporary
                folder, if left out.
            binary, timeout_s, more: see :class:`twinrange.session.Session`.
            render_mode: there is none; the viewer shows run folders.

        Raises:
            RangeError: if the range cannot be started.
            ValueError: for arguments that make no sense.
        """
        if reward not in ("parts", "worth"):
            raise ValueError(f"reward is 'parts' or 'worth', not {reward!r}")
        if render_mode is not None:
            raise ValueError("there is nothing to render: `twinrange view` shows the run folder of an episode")
        missing = sorted(set(verbs) - set(action_costs)) if reward == "parts" else []
        if missing:
            raise ValueError(f"action_costs says nothing of {', '.join(missing)}")
        self.scenario = scenario
        self.reward_of = reward
        self.render_mode = render_mode
        self._duration, self._attack, self._more = duration, attack, list(more)
        self._interval_ms = round(interval_s * 1000)
        self._action_duration_s = action_duration_s
        self._costs = dict(action_costs)
        self._part_value = part_value
        self._detector_factory = detector
        self._binary = find_range(binary)
        self._timeout_s = timeout_s
        self._out = Path(out) if out is not None else None
        self._temporary = Path(tempfile.mkdtemp(prefix="twinrange-env-"))
        self._episodes = 0
        self._session: Session | None = None
        self._seen: Interval | None = None
        #: Run folder of the last episode that ended, until the next begins.
        self.last_run: Run | None = None
        try:
            # The clock stands still at `hello`, so this costs no more than starting the range.
            with self._open(self._temporary / "probe", 0, duration, False) as session:
                #: What the range says of the plant before a run.
                self.hello: Hello = session.hello
            #: What each action does; ``None`` is nothing.
            self.acts: tuple[Act, ...] = (None, *_acts(self.hello, verbs))
            known = {tag.name for tag in self.hello.tags}
            if progress_tag is not None and progress_tag not in known:
                raise ValueError(f"the historian has no tag {progress_tag!r}")
        except BaseException:
            self.close()
            raise
        self._progress_tag = progress_tag or PROGRESS_TAGS.get(self.hello.plant)
        #: Length of an episode, simulated ns.
        self.episode_ns: int = self.hello.duration_ns
        self._features = _Features(self.hello)
        #: Names of the entries of an observation.
        self.features: tuple[str, ...] = self._features.names
        low = np.full(len(self.features), -_BOUND, np.float32)
        high = np.full(len(self.features), _BOUND, np.float32)
        low[0], high[0] = 0.0, 1.0
        self.observation_space = gymnasium.spaces.Box(low, high, dtype=np.float32)
        self.action_space = gymnasium.spaces.Discrete(len(self.acts))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begins a run and lets its first interval pass.

        Args:
            seed: seed of the run; drawn from that of the last ``reset`` with one if left out.
            options: ``attack`` (bool) for this episode.

        Returns:
            The observation, and in ``info`` the ``seed`` of the run.

        Raises:
            RangeError: if the range has failed.
        """
        super().reset(seed=seed)
        run_seed = seed if seed is not None else int(self.np_random.integers(0, 2**63))
        self._end_session()
        self.last_run = None
        attack = bool((options or {}).get("attack", self._attack))
        self._session = self._open(self._next_folder(), run_seed, self._duration, attack)
        self._features.forget()
        self._detector = self._detector_factory() if self._detector_factory is not None else None
        if self._detector is not None:
            self._detector.hello = self._session.hello
            self._detector.start(self._session.hello)
        self._progress: float | None = None
        self._paid = 0.0
        self._charged = 0.0
        self._asked: list[Verb] = []
        first = self._session.next()
        assert isinstance(first, Interval), "a run has at least one interval"
        self._take(first)
        return self._features.vector(), {"seed": run_seed}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Carries out an action and lets an interval pass.

        Returns:
            Observation, reward, whether the run is over, ``False``, and ``info``: ``result`` of the action as
            ``accepted``, ``refused`` or ``none``, and after the end ``good`` (parts), ``action_cost`` and ``total``.

        Raises:
            RangeError: if the range has ended before its run did, with what it said last.
        """
        session, seen = self._session, self._seen
        if session is None or seen is None:
            raise RangeError("there is no run to step: call reset() first")
        if not self.action_space.contains(action):
            raise ValueError(f"there is no action {action!r}; actions are 0 to {len(self.acts) - 1}")
        try:
            session.answer(seen.seq, self._actions(int(action)), self._alerts)
            message = session.next()
            # An action in the last answer is always refused: nothing is charged for it.
            results = message.action_results
            reward = -self._charge(results)
            info: dict[str, Any] = {"result": _word(results)}
            if isinstance(message, End):
                reward += self._settle(session, message, info)
            else:
                reward += self._take(message)
        except RangeError:
            self._end_session()
            raise
        return self._features.vector(), reward, isinstance(message, End), False, info

    def close(self) -> None:
        """Ends a run that goes on, and removes what was not to be kept."""
        self._end_session()
        shutil.rmtree(self._temporary, ignore_errors=True)
        super().close()

    def _open(self, folder: Path, seed: int, duration: str | None, attack: bool) -> Session:
        return Session(
            self.scenario,
            folder,
            seed=seed,
            duration=duration,
            attack=attack,
            interval_ms=self._interval_ms,
            name="twinrange-env",
            binary=self._binary,
            timeout_s=self._timeout_s,
            # Where the plant left its unattacked twin is nothing that an episode needs, and takes four more runs.
            more=["--no-twin", *self._more],
        )

    def _next_folder(self) -> Path:
        self._episodes += 1
        if self._out is None:
            folder = self._temporary / "episode"
            shutil.rmtree(folder, ignore_errors=True)
            return folder
        return self._out / f"episode-{self._episodes}"

    def _end_session(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = self._seen = None

    def _actions(self, index: int) -> list[dict[str, Any]]:
        act = self.acts[index]
        if act is None:
            return []
        verb, target = act
        self._asked.append(verb)
        action: dict[str, Any] = {"command_id": f"c-{len(self._asked)}", "action": verb, "target": target}
        if self._action_duration_s is not None and verb != "restore":
            action["args"] = {"duration_s": self._action_duration_s}
        return [action]

    def _take(self, seen: Interval) -> float:
        """Takes an interval in. Returns what it pays in advance."""
        self._seen = seen
        self._alerts: list[dict[str, Any]] = []
        if self._detector is not None:
            self._detector.now_ns = seen.to_ns
            self._detector.interval(seen)
            answer = self._detector._answer()
            self._alerts, answer.alerts = answer.alerts, []
            if answer.actions:
                raise ValueError("the detector of an environment must not act: the agent does")
        self._features.take(seen, len(self._alerts), self.episode_ns)
        made = self._made(seen) * self._part_value
        self._paid += made
        return made

    def _made(self, seen: Interval) -> float:
        """Parts by the historian's counter, which starts again when its controller is restored."""
        made = 0.0
        for sample in seen.tags:
            if sample.tag == self._progress_tag and sample.quality == "good" and sample.value is not None:
                last, self._progress = self._progress, sample.value
                if last is not None:
                    made += sample.value - last if sample.value >= last else sample.value
        return made

    def _charge(self, results: Sequence[ActionResult]) -> float:
        # At most one action is asked for in a step, so a result is of the last one.
        cost = sum(self._costs.get(self._asked[-1], 0.0) for result in results if result.accepted)
        self._charged += cost
        return cost

    def _settle(self, session: Session, end: End, info: dict[str, Any]) -> float:
        """Ends the run. Returns what is still owed of the sum of all rewards."""
        session.answer(end.seq)
        run = session.finish()
        self._end_session()
        self.last_run = run
        good = float(run.production["good"])
        total = good - self._charged if self.reward_of == "parts" else self._worth(run)
        info.update(good=good, action_cost=self._charged, total=total)
        return total - (self._paid - self._charged)

    def _worth(self, run: Run) -> float:
        command = [self._binary, "score", str(run.path), "--quick", "--json"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise RangeError(f"the run cannot be scored (exit status {done.returncode}):\n{said}")
        runs = {each["run"]: each for each in json.loads(done.stdout)["continuity"]["runs"]}
        return float(runs["AD"]["money"])


class _Features:
    """The vector that is observed."""

    _COUNTS = (
        "tags_bad",
        "frames",
        "arp",
        "connections",
        "modbus_requests",
        "modbus_writes",
        "log_lines",
        "alarms",
        "alerts",
    )

    def __init__(self, hello: Hello) -> None:
        tags = [tag.name for tag in hello.tags]
        hosts = [asset for asset in hello.assets if asset.mac is not None]
        names = ["time", *(f"tag:{name}" for name in tags), *self._COUNTS]
        self._tags = {name: 1 + index for index, name in enumerate(tags)}
        self._counts = {name: 1 + len(tags) + index for index, name in enumerate(self._COUNTS)}
        self._from: dict[bytes, tuple[int, int]] = {}
        for asset in hosts:
            mac = bytes.fromhex((asset.mac or "").replace(":", ""))
            self._from[mac] = (len(names), len(names) + 1)
            names += [f"frames_from:{asset.name}", f"writes_from:{asset.name}"]
        self._stranger = len(names)
        names.append("frames_from:?")
        self.names = tuple(names)
        self._first_count = 1 + len(tags)
        self._values = np.zeros(len(names), np.float64)

    def forget(self) -> None:
        """A new run begins."""
        self._values[:] = 0.0

    def vector(self) -> Observation:
        return np.clip(self._values, -_BOUND, _BOUND).astype(np.float32)

    def take(self, seen: Interval, alerts: int, duration_ns: int) -> None:
        values, counts = self._values, self._counts
        values[self._first_count :] = 0.0
        values[0] = min(seen.to_ns / duration_ns, 1.0)
        for sample in seen.tags:
            if sample.quality == "good" and sample.value is not None and sample.tag in self._tags:
                values[self._tags[sample.tag]] = sample.value
            elif sample.quality == "bad":
                values[counts["tags_bad"]] += 1
        values[counts["frames"]] = len(seen.frames)
        values[counts["log_lines"]] = len(seen.logs)
        # The message id is the sixth word of an RFC 5424 message.
        values[counts["alarms"]] = sum(log.line.split(" ", 6)[5:6] == ["ALARM"] for log in seen.logs)
        values[counts["alerts"]] = alerts
        self._take_frames(seen)

    def _take_frames(self, seen: Interval) -> None:
        values = self._values
        arp = connections = requests = writes = 0
        for frame in seen.frames:
            packet = parse(frame.data)
            if packet is None:
                continue
            places = self._from.get(packet.src_mac)
            values[self._stranger if places is None else places[0]] += 1
            arp += packet.arp_operation is not None
            if packet.tcp_flags is None:
                continue
            connections += packet.tcp_flags & (SYN | ACK) == SYN
            for modbus in packet.modbus():
                requests += modbus.is_request
                if modbus.is_write:
                    writes += 1
                    if places is not None:
                        values[places[1]] += 1
        found = {"arp": arp, "connections": connections, "modbus_requests": requests, "modbus_writes": writes}
        for name, count in found.items():
            values[self._counts[name]] = count


def _acts(hello: Hello, verbs: Sequence[Verb]) -> list[tuple[Verb, dict[str, Any]]]:
    """What may be done in a run, in the order of ``verbs`` and of the inventory."""
    acts: list[tuple[Verb, dict[str, Any]]] = []
    for verb in verbs:
        if verb not in hello.actions:
            raise ValueError(f"the range accepts no action {verb!r}; it accepts: {', '.join(hello.actions)}")
        for asset in hello.assets:
            if verb == "contain" and asset.switch is not None:
                acts.append((verb, {"host": asset.name}))
            elif verb == "deny" and asset.ip is not None:
                acts.append((verb, {"ip": asset.ip}))
            elif verb == "restore" and asset.role == "plc":
                acts.append((verb, {"controller": asset.name}))
    return acts


def _word(results: Sequence[ActionResult]) -> str:
    if not results:
        return "none"
    return "accepted" if results[0].accepted else "refused"


gymnasium.register(id="Twinrange-v0", entry_point="twinrange.gym:TwinrangeEnv")
