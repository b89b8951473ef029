"""Does anything, now and then: how little that is worth.

    python clients/python/examples/random_agent.py [SCENARIO] [EPISODES] [DURATION]
"""

import sys

import numpy as np

from twinrange.gym import TwinrangeEnv


def main(scenario: str = "bottling/overflow", episodes: str = "2", duration: str = "") -> None:
    env = TwinrangeEnv(scenario, duration=duration or None, interval_s=30.0)
    # Bound to do something once in a hundred steps.
    chances = np.random.default_rng(1)
    env.action_space.seed(1)
    for seed in range(1, int(episodes) + 1):
        env.reset(seed=seed)
        total, over, did = 0.0, False, 0
        while not over:
            action = env.action_space.sample() if chances.random() < 0.01 else np.int64(0)
            did += int(action != 0)
            _, reward, over, _, info = env.step(action)
            total += reward
        print(f"seed {seed}: {did} actions, {info['good']:.0f} good parts, reward {total:.0f}")
    env.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
