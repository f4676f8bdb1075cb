# SPDX-License-Identifier: MIT
"""What the words mean: the program's own texts, as `netversus list` gives them to programs."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Words:
    """Empty where the program is not at hand: a page without explanations."""

    columns: dict = field(default_factory=dict)  # {(file, column): (help, topic)}
    topics: dict = field(default_factory=dict)  # {name: (title, text)}

    def column(self, name, file="runs.csv"):
        """Of a column, or a metric: that is a column's name without its unit."""
        return self._find(name, file)[0]

    def column_at_length(self, name):
        """The same, and what it shares with others."""
        text, topic = self._find(name, "runs.csv")
        return f"{text} {self.topic(topic)}".strip()

    def _find(self, name, file):
        return next((self.columns[file, name + unit] for unit in ("", "_ns", "_bps")
                     if (file, name + unit) in self.columns), ("", ""))

    def topic(self, name):
        return self.topics.get(name, ("", ""))[1]


def load():
    program = _program()
    if not program:
        return Words()
    return Words({(row["file"], row["column"]): (row["help"], row["topic"])
                  for row in _listed(program, "columns")},
                 {row["topic"]: (row["title"], row["text"]) for row in _listed(program, "topics")})


def _program():
    """`netversus report` names itself; else the one of this tree, or of the PATH."""
    for program in (os.environ.get("NETVERSUS"), _ROOT / "build" / "release" / "netversus",
                    "netversus"):
        found = shutil.which(program) if program else None
        if found:
            return found
    return None


def _listed(program, what):
    """Nothing of an older program, which has no such list."""
    done = subprocess.run([program, "list", what, "--format", "csv"], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, text=True, encoding="utf-8", timeout=60)
    return list(csv.DictReader(done.stdout.splitlines())) if done.returncode == 0 else []
