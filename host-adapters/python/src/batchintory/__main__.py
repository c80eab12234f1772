"""``python -m batchintory``: see :mod:`batchintory.command_line`."""

import sys

from batchintory.command_line import main

if __name__ == "__main__":
    sys.exit(main())
