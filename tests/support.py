# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: run the program, keep a server, read a result directory."""

import csv
import json
import os
import random
import selectors
import shutil
import signal
import socket
import subprocess
import time
from collections import defaultdict
from functools import cached_property, lru_cache
from pathlib import Path

PROGRAM = os.environ.get(
    "NETVERSUS", str(Path(__file__).resolve().parent.parent / "build" / "dev" / "netversus"))
SANITIZER = os.environ.get("NETVERSUS_SANITIZE", "")
SANITIZED = bool(SANITIZER)

KEY = ("run_id", "flow", "dir")
LISTENING = "listening on "


def run(*arguments, cwd, timeout=60, status=0, prefix=()):
    """`netversus ARGUMENTS` to its end, in the directory cwd; its exit status must be `status`."""
    command = [*prefix, PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, timeout=timeout, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == status, \
        f"{' '.join(command)}: exit {done.returncode}, not {status}\n{done.stderr[-4000:]}"
    return done


def campaign(*arguments, cwd, output="out", timeout=60, status=0, prefix=()):
    """`netversus run ARGUMENTS`, and what it left behind."""
    done = run("run", "--quiet", "--output", output, *arguments, cwd=cwd, timeout=timeout,
               status=status, prefix=prefix)
    result = Result(Path(cwd) / output)
    result.stdout = done.stdout
    result.stderr = done.stderr
    return result


class Process:
    """`netversus ARGUMENTS` in the background; on leaving the with block it is gone."""

    def __init__(self, *arguments, cwd, prefix=()):
        self.command = [*prefix, PROGRAM, *map(str, arguments)]
        self.child = subprocess.Popen(self.command, cwd=cwd, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.kill()
        self.child.communicate(timeout=10)

    @property
    def pid(self):
        return self.child.pid

    def signal(self, number):
        self.child.send_signal(number)

    def first_line(self, timeout=15):
        """Of standard output; what is before a newline when the time is up."""
        deadline = time.monotonic() + timeout
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.child.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n") and selector.select(deadline - time.monotonic()):
                byte = os.read(self.child.stdout.fileno(), 1)
                if not byte:
                    break
                line += byte
        return line.decode("utf-8")

    def finish(self, timeout=60):
        """Waits for its end; exit status, standard output and error."""
        out, err = self.child.communicate(timeout=timeout)
        return self.child.returncode, out.decode("utf-8"), err.decode("utf-8")


class Serve(Process):
    """A server that listens when the with block begins; .address is what --server takes. It must
    end well, too: a leak or a race that its sanitizer found is a failure."""

    def __init__(self, *arguments, cwd, prefix=()):
        if "--port" not in arguments:
            arguments = ("--port", "0", *arguments)
        super().__init__("serve", *arguments, cwd=cwd, prefix=prefix)
        line = self.first_line()
        if LISTENING not in line:
            self.child.kill()
            _, error = self.child.communicate(timeout=10)
            raise AssertionError(f"serve did not listen: {line!r} {error.decode()[-4000:]}")
        self.address = line.split(LISTENING, 1)[1].split("/tcp", 1)[0]

    def __exit__(self, kind, value, trace):
        ended_already = self.child.poll() is not None
        try:
            if not ended_already:
                self.child.send_signal(signal.SIGCONT)
                self.child.terminate()
            _, error = self.child.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            _, error = self.child.communicate(timeout=10)
        if kind is None and not ended_already:
            assert self.child.returncode == 0, \
                f"serve: exit {self.child.returncode}\n{error.decode()[-4000:]}"


def free_ports(host="127.0.0.1"):
    """A port that is free, and the next one, over TCP and UDP; until someone else takes them. Below
    those that the kernel hands out: of these, closed connections may hold every other."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    for port in random.sample(range(max(first // 2, 1024), max(first, 4096) - 1), 50):
        if all(_is_free(family, kind, host, port + leg)
               for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM) for leg in (0, 1)):
            return port
    raise AssertionError("no two free ports in a row")


def _is_free(family, kind, host, port):
    with socket.socket(family, kind) as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def has_ipv6():
    return _is_free(socket.AF_INET6, socket.SOCK_STREAM, "::1", 0) if socket.has_ipv6 else False


@lru_cache(maxsize=None)
def path_obstacle():
    """Why there can be no emulated path here, found out without the program; "" if there can."""
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        return f"/dev/net/tun: {error.strerror}"
    if not shutil.which("unshare"):
        return "no unshare command (util-linux)"
    kinds = ("--net",) if os.geteuid() == 0 else ("--user", "--net")
    done = subprocess.run(("unshare", *kinds, "true"), capture_output=True, text=True, timeout=20)
    return done.stderr.strip()


def number(text):
    """A field as an exact integer if it is one, else as a float; "" is None."""
    if text == "":
        return None
    return int(text) if text.lstrip("-").isdigit() else float(text)


def nanoseconds(text):
    """A time as the program writes it: a number and one unit."""
    units = {"ns": 1, "us": 1000, "ms": 1000000, "s": 1000000000, "m": 60000000000}
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    whole, _, fraction = digits.partition(".")
    unit = units[text[len(digits):] or "s"]
    return int(whole) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)


class Result:
    """A result directory. Files are lists of dicts of text; by_key() has them by run, flow, dir."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self._files = {}
        self._grouped = {}

    def file(self, name):
        """The rows of NAME.csv; none when there is no such file."""
        if name not in self._files:
            path = self.directory / f"{name}.csv"
            rows = []
            if path.exists():
                with open(path, newline="", encoding="utf-8") as stream:
                    rows = list(csv.DictReader(stream, strict=True))
            assert all(None not in row and None not in row.values() for row in rows), \
                f"{path}: rows of other lengths than the header"
            self._files[name] = rows
        return self._files[name]

    def by_key(self, name):
        if name not in self._grouped:
            groups = defaultdict(list)
            for row in self.file(name):
                groups[tuple(row[k] for k in KEY)].append(row)
            self._grouped[name] = groups
        return self._grouped[name]

    @property
    def runs(self):
        return self.file("runs")

    @property
    def comparisons(self):
        return self.file("comparisons")

    @cached_property
    def manifest(self):
        with open(self.directory / "campaign.json", encoding="utf-8") as stream:
            return json.load(stream)

    def where(self, **values):
        """Rows of runs.csv whose columns have these values."""
        return [row for row in self.runs if all(row[k] == str(v) for k, v in values.items())]
