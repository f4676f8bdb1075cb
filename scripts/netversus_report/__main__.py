# SPDX-License-Identifier: MIT
"""Run as a directory: python3 netversus_report plot|report ARGUMENTS."""

import sys
from pathlib import Path

# In place of this directory: the package must be found, and nothing in the user's directory.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from netversus_report import cli  # noqa: E402

sys.exit(cli.main(sys.argv[1:]))
