# SPDX-License-Identifier: MIT
"""A netversus server and client as two child processes, pinned, for the programs beside it."""

import csv
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LISTENING = re.compile(r"listening on (\S+)/tcp")


def fail(message):
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


def program(build, name):
    """Path of a built program."""
    path = Path(build) / name
    if not os.access(path, os.X_OK):
        fail(f"{path} is not there; build it first: cmake --build --preset release")
    return str(path)


def cores():
    """Two processors that this process may use (the same one twice if there is but one)."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[min(1, len(allowed) - 1)]


def pinned(core):
    """For subprocess: runs in the child before the program."""
    return lambda: os.sched_setaffinity(0, {core})


@dataclass
class Peak:
    """Peak resident set of both ends, in KiB."""

    server_kib: int = 0
    client_kib: int = 0


def resident_kib(pid):
    """Peak so far of a process that lives, else 0. (That of getrusage begins with our own.)"""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found.group(1)) if found else 0


class Pair:
    """`serve` on one core, and one `run` against it from another."""

    def __init__(self, netversus, server_core, client_core):
        self.netversus = netversus
        self.cores = server_core, client_core

    def run(self, options, directory, peak=None):
        """Runs one campaign into the directory; fills the peak if it is given one."""
        server = subprocess.Popen([self.netversus, "serve", "--port", "0"],
                                  stdout=subprocess.PIPE, text=True,
                                  preexec_fn=pinned(self.cores[0]))
        try:
            line = server.stdout.readline()
            match = LISTENING.search(line)
            if not match:
                fail(f"the server said: {line.strip() or 'nothing'}")
            self._run_client(["--server", match.group(1), "--output", str(directory), *options],
                             peak)
            if peak:
                peak.server_kib = resident_kib(server.pid)
        finally:
            server.terminate()
            server.wait()
            server.stdout.close()

    def _run_client(self, options, peak):
        client = subprocess.Popen([self.netversus, "run", "--quiet", *options],
                                  stdout=subprocess.DEVNULL, preexec_fn=pinned(self.cores[1]))
        while peak and client.poll() is None:
            peak.client_kib = max(peak.client_kib, resident_kib(client.pid))
            time.sleep(0.02)
        if client.wait():
            fail(f"netversus run {' '.join(options)}: exit status {client.returncode}")


def rows(directory, file):
    with open(Path(directory) / file, newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
