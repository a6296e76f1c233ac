"""The process: `python -m <package>` serves, `python -m <package> migrate` prepares the store of threads."""

import os
import signal
import sys

if __name__ == "__main__":
    # The imports take seconds, in which the first process of a container would not hear signals.
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda number, _: os._exit(128 + number))

    from .process import main

    sys.exit(main(sys.argv[1:]))
