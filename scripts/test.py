"""Check everything, as CI does.

Run it with: python3 scripts/test.py [WORD...] [--quick] [-- PYTEST ARGUMENT...]

Words: setup, lint, types, floors, tests, wheel. Without one: lint, types, floors and tests, in this
order. --quick leaves the slow tests out. What comes after -- goes to pytest, which runs in several
processes unless told otherwise there (-n 0).

This file may hold nothing that an old Python cannot parse: it is here to refuse one politely.
"""

import os.path
import sys

if sys.version_info < (3, 11):  # noqa: UP036  # an old Python is exactly the one to be told
    sys.exit(
        "pixian-batch needs Python 3.11 or newer; this is Python %d.%d (%s).\n"  # noqa: UP031  # Python 2 reads it too
        "Install a newer one (https://www.python.org/downloads/, `apt install python3`,\n"
        "`brew install python`), then run, for example:  python3.13 scripts/test.py"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scripts import _test  # only after the version is known to be right

sys.exit(_test.main(sys.argv[1:]))
