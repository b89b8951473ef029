"""An autonomous defender that learns, from episodes alone, what to do about a host that begins to talk.

What it sees is cut down to one question: which hosts of the inventory were silent in the clean period and talk now?
What it does about the first of them is what it learns: nothing, `contain` or `deny` it, or `restore` the controllers.
It tries each once, by seed, and then does what paid best (a bandit with four arms; a table in the sense of tabular
learning). At the end its greedy policy is played against doing nothing on seeds it has not seen.

    python clients/python/examples/guard_agent.py [SCENARIO] [DURATION]
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from twinrange.gym import TwinrangeEnv

CHOICES = ("nothing", "contain", "deny", "restore")


class Guard:
    """The policy: which host begins to talk, and one choice of what to do then."""

    def __init__(self, env: TwinrangeEnv, choice: str) -> None:
        self.choice = choice
        self.learn_share = env.hello.learn_ns / env.episode_ns
        self.frames = {
            name.removeprefix("frames_from:"): index
            for index, name in enumerate(env.features)
            if name.startswith("frames_from:") and not name.endswith("?")
        }
        self.ip = {asset.name: asset.ip for asset in env.hello.assets}
        self.acts = {repr(act): np.int64(index) for index, act in enumerate(env.acts)}
        self.restores = [index for act, index in self.acts.items() if act.startswith("('restore'")]
        self.talked: set[str] = set()
        self.queue: list[np.int64] = []

    def act(self, seen: NDArray[np.float32]) -> np.int64:
        talking = {host for host, index in self.frames.items() if seen[index] > 0}
        if seen[0] <= self.learn_share:
            self.talked |= talking
        for host in sorted(talking - self.talked):
            self.talked.add(host)
            if self.choice == "contain":
                self.queue.append(self.acts[repr(("contain", {"host": host}))])
            elif self.choice == "deny":
                self.queue.append(self.acts[repr(("deny", {"ip": self.ip[host]}))])
            elif self.choice == "restore":
                self.queue.extend(self.restores)
        return self.queue.pop(0) if self.queue else np.int64(0)


def play(env: TwinrangeEnv, policy: Callable[[NDArray[np.float32]], np.int64], seed: int) -> float:
    """The sum of the rewards of one episode."""
    seen, _ = env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        seen, reward, over, _, _ = env.step(policy(seen))
        total += reward
    return total


def main(scenario: str = "bottling/overflow", duration: str = "") -> None:
    env = TwinrangeEnv(scenario, duration=duration or None, interval_s=10.0)
    paid = {choice: play(env, Guard(env, choice).act, seed=11) for choice in CHOICES}
    for choice, total in paid.items():
        print(f"learning  {choice:8} {total:8.0f}")
    best = max(CHOICES, key=lambda choice: paid[choice])
    for seed in (1, 2):
        guarded = play(env, Guard(env, best).act, seed)
        nothing = play(env, Guard(env, "nothing").act, seed)
        print(f"seed {seed}    {best:8} {guarded:8.0f}   nothing {nothing:8.0f}   won {guarded - nothing:+.0f}")
    env.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
