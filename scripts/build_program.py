"""Build the one-folder program for this system, try it, and pack it: for people without Python.

Run it with: python3 scripts/build_program.py [--out FOLDER] [--deb] [--no-try]

It needs Python 3.11 or newer and binutils (Linux), and makes an environment of its own in build/program. The archive,
with --deb the Debian package too, and SHA256SUMS end up in FOLDER (dist/program). It runs where the C library is not
older than here, so build on the oldest system that is to be served.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from scripts.distribution import packing

sys.exit(packing.main(sys.argv[1:]))
