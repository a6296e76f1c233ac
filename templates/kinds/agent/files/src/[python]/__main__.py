"""The command line: `python -m <package>` serves; `migrate` and `prune` maintain the thread store."""

import os
import signal
import sys

if __name__ == "__main__":
    # Imports take seconds, during which PID 1 of a container would ignore signals.
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda number, _: os._exit(128 + number))

    from .process import main

    sys.exit(main(sys.argv[1:]))
