"""The program that the range starts as the defense of an environment, and nothing else.

It hands its standard input and output over to the environment, through a socket that it inherited, and waits until
the environment is done with them. It copies nothing and knows nothing of the protocol.

A confined defense is left no inherited file (docs/defense-protocol.md, section 12), so this works only in a run
that says of itself that its defense was not confined.
"""

import socket
import sys


def main() -> int:
    try:
        link = socket.socket(fileno=int(sys.argv[1]))
        socket.send_fds(link, [b"+"], [0, 1])
    except (IndexError, OSError, ValueError) as error:
        print(f"twinrange: this program is started by TwinrangeEnv, in a run with --sandbox off: {error}", file=sys.stderr)
        return 1
    # The other end is closed when the environment has had the end of the run, or is gone itself.
    return 0 if link.recv(1) == b"-" else 1


if __name__ == "__main__":
    sys.exit(main())
