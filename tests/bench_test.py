# SPDX-License-Identifier: MIT
# ctest: release
"""The programs of bench/micro: their tables, and that what they run still answers.

    /usr/bin/python3 tests/bench_test.py

writes the tables of bench/README.md anew, from the files in bench/micro/results.
"""

import collections
import contextlib
import importlib.machinery
import importlib.util
import io
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from support import PROGRAM

ROOT = Path(__file__).resolve().parent.parent
MICRO = ROOT / "bench" / "micro"
BUILD = Path(PROGRAM).resolve().parent
README = ROOT / "bench" / "README.md"
TABLE = re.compile(r"(?<=^```console\n)\$ (bench/micro/.*)\n((?:(?!```).*\n)*)(?=```)",
                   re.MULTILINE)
PROGRAMS = sorted(path.name for path in MICRO.iterdir()
                  if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env python3"))

sys.dont_write_bytecode = True
sys.path[:0] = [str(MICRO), str(ROOT / "bench" / "lib")]
import rounds  # noqa: E402
import tools  # noqa: E402

Case = collections.namedtuple("Case", "placement transport size_bytes")


def bench_of(name):
    """What a program of bench/micro runs."""
    loader = importlib.machinery.SourceFileLoader(f"micro_{name}", str(MICRO / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    (found,) = [value for value in vars(module).values() if isinstance(value, type)
                and issubclass(value, rounds.Bench) and value is not rounds.Bench]
    return found()


def ask(name, *arguments, status=0):
    """What the program prints."""
    with mock.patch.object(sys, "argv", [name]), \
            contextlib.redirect_stdout(io.StringIO()) as out:
        assert bench_of(name).main([str(argument) for argument in arguments]) == status
    return out.getvalue()


def complaint(name, *arguments):
    """The line that the program ends with, of exit status 1."""
    with pytest.raises(SystemExit) as end:
        ask(name, *arguments)
    assert isinstance(end.value.code, str)
    return end.value.code


def with_tables(text):
    def renew(match):
        program, option, file = match[1].split()
        return f"$ {match[1]}\n{ask(Path(program).name, option, ROOT / file)}"

    return TABLE.sub(renew, text)


def test_tables_are_those_of_the_files():
    text = README.read_text(encoding="utf-8")
    assert text == with_tables(text), "renew them: /usr/bin/python3 tests/bench_test.py"


def test_every_program_shows_its_file():
    shown = [match[1] for match in TABLE.finditer(README.read_text(encoding="utf-8"))]
    assert sorted(shown) == [f"bench/micro/{name} --from bench/micro/results/{name}.csv"
                             for name in PROGRAMS]


def round_trips(tmp_path):
    """Five rounds of three tries; by hand: medians of the tries, us: epoll 10 20 40 10 10,
    netversus 11 23 46 12 10; their ratios 1.1 1.15 1.15 1.2 1.0."""
    path = tmp_path / "run.csv"
    lines = ["round,placement,engine,wait,transport,size_bytes,tool,p50_ns"]
    for number, pair in enumerate(((10, 11), (20, 23), (40, 46), (10, 12), (10, 10)), 1):
        for tool, us in zip(("epoll", "netversus"), pair):
            lines += [f"{number},one core,poll,block,udp,64,{tool},{ns}"
                      for ns in (us * 1000, us * 1000 - 5, us * 9999)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_ratios_are_of_one_round(tmp_path):
    table = ask("run", "--from", round_trips(tmp_path))
    assert table.splitlines()[-1].split() == [
        "one", "core", "poll", "block", "udp", "64", "epoll", "10.00", "12.00", "1.150",
        "[1.000,", "1.200]", "1.05"]


@pytest.mark.parametrize("limit, status", ((["1.16"], 0), (["1.14"], 1), ([], 1)))
def test_limit(tmp_path, limit, status):
    ask("run", "--from", round_trips(tmp_path), "--limit", *limit, status=status)


def test_rounds_have_every_case_and_tool():
    found = list(rounds.turns(50, {"a": ("x", "y"), "b": ("y", "z")}, 2))
    assert collections.Counter(found) == {
        (number, *of): 2 for number in range(1, 51)
        for of in (("a", "x"), ("a", "y"), ("b", "y"), ("b", "z"))}
    orders = {tuple(of for number, *of in found if number == this)[0][0] for this in range(1, 51)}
    assert orders == {"a", "b"}  # the same one first in 50 rounds: once in 2^49


@pytest.mark.parametrize("content, reason", ((None, "No such file"), ("", "no measurement"),
                                             ("a,b\n1,2\n", "column")))
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_file_that_is_none(tmp_path, name, content, reason):
    path = tmp_path / "x.csv"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    error = complaint(name, "--from", path)
    assert error.startswith(f"{name}: {path}: ") and reason in error and "\n" not in error


@pytest.mark.parametrize("transport", ("tcp", "udp"))
@pytest.mark.parametrize("way", ("blocking", "epoll", "libuv", "spin"))
def test_floor_of_a_round_trip(transport, way):
    p50, p99, count = tools.floor_round_trip(BUILD, Case("two cores" if len(tools.placements()) > 1
                                                         else "one core", transport, 64), way, 20)
    assert 0 < p50 <= p99 and count > 0


def test_io_uring_answers_or_says_why_not():
    cpu = tools.cores()[0]
    done = subprocess.run([BUILD / "bench" / "floor_pingpong", "tcp", "uring", str(cpu), str(cpu),
                           "64", "20"], capture_output=True, text=True, timeout=60)
    if done.returncode:
        assert re.match(r"floor_pingpong: .*(io_uring|liburing)", done.stderr)
    else:
        assert int(done.stdout.split(",")[0]) > 0


@pytest.mark.parametrize("transport", ("tcp", "udp"))
def test_netversus_is_understood(transport):
    case = Case("one core", transport, 64)
    p50, _, count = tools.netversus_round_trip(BUILD, case, "poll", 50)
    rate, loss = tools.netversus_stream(BUILD, case, (), 50)
    assert int(p50 or 1) > 0 and int(count) > 0 and rate > 0 and 0 <= loss <= 1


def test_cost_of_a_record(tmp_path):
    path = tmp_path / "scaling.csv"
    done = subprocess.run([MICRO / "scaling", "--build", BUILD, "--most", "4", "--rounds", "1",
                           "--csv", path], capture_output=True, text=True, timeout=60, check=True)
    rows = rounds.read(path)
    assert len(rows) == 4 and all(int(row["peak_kib"]) > 0 for row in rows)
    assert done.stdout == ask("scaling", "--from", path) + f"every measurement: {path}\n"


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
