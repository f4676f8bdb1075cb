# SPDX-License-Identifier: MIT
"""Bad usage and bad scenarios: one line that quotes what is wrong, status 2, nothing begun."""

import pytest

from faults import adopt_orphans, fails, leave_nothing_behind
from support import Result, run

__all__ = ["adopt_orphans", "leave_nothing_behind"]  # fixtures


# arguments, what the line says

USAGE = [
    (["run", "--size", "39"], ["size", "39", "40"]),
    (["run", "--size", "65508", "--transport", "udp"], ["size", "65508", "65507"]),
    (["run", "--size", "64,100k"], ["size", "100000", "65507"]),
    (["run", "--size", "64,1k,64"], ["size", "'64'", "twice"]),
    (["run", "--rate", "1k/s,max,1000/s"], ["rate", "'1000/s'", "twice"]),
    (["run", "--reply-size", "12"], ["reply-size", "12", "40"]),
    (["run", "--size", "big"], ["size", "'big'"]),
    (["run", "--size", ""], ["size"]),
    (["run", "--size="], ["size"]),
    (["run", "--siez", "64"], ["unknown option '--siez'", "--size"]),
    (["run", "--blokcs", "6"], ["unknown option '--blokcs'", "--blocks"]),
    (["run", "--no-such-thing-at-all"], ["unknown option '--no-such-thing-at-all'", "--help"]),
    (["run", "--size"], ["--size", "value"]),
    (["run", "--size", "64", "--blocks"], ["--blocks", "value"]),
    (["run", "--rate", "fast"], ["rate", "'fast'", "/s"]),
    (["run", "--rate", "search"], ["rate: search", "stream"]),
    (["run", "--rate", "search", "--workload", "stream", "--direction", "both"],
     ["rate: search", "up or down"]),
    (["run", "--loss-target", "2"], ["loss-target", "'2'", "0.1%"]),
    (["run", "--loss-target", "0.1%,1e-3"], ["loss-target", "twice"]),
    (["run", "--loss-target", "100%"], ["loss-target", "100 %"]),
    (["run", "--trial", "1ms"], ["trial", "'1ms'"]),
    (["run", "--path", "rate=search"], ["rate", "'search'"]),
    (["run", "--rate", "0/s"], ["rate", "'0/s'"]),
    (["run", "--duration", "1 fortnight"], ["duration", "'1 fortnight'"]),
    (["run", "--duration", "0"], ["duration", "'0'"]),
    (["run", "--blocks", "0"], ["blocks", "'0'", "1"]),
    (["run", "--blocks", "-1"], ["blocks", "'-1'"]),
    (["run", "--wait", "doze"], ["wait", "'doze'", "block|spin|busy-poll"]),
    (["run", "--cpus", "0-"], ["cpus", "'0-'", "CLIENT:SERVER"]),
    (["run", "--wait", "spin", "--cpus", "0:0"], ["wait", "2 threads", "1 cores", "--force"]),
    (["run", "--wait", "spin", "--engine", "blocking", "--flows", "200"],
     ["wait", "400 threads", "--force"]),
    (["run", "--batch", "0"], ["batch", "'0'"]),
    (["run", "--flows", "1000"], ["flows", "'1000'", "256"]),
    (["run", "--direction", "sideways"], ["direction", "'sideways'", "up"]),
    (["run", "--workload", "rr", "--direction", "down"], ["direction", "rr"]),
    (["run", "--transport", "tcp,udp,tcp"], ["transport"]),
    (["run", "--transport", "sctp"], ["sctp", "tcp/poll"]),
    (["run", "--workload", "crr2"], ["'crr2'", "rr"]),
    (["run", "--engine", "steam"], ["steam", "tcp/poll"]),
    (["run", "--format", "xml"], ["format", "'xml'", "json"]),
    (["run", "--ipv4", "--ipv6"], ["--ipv4", "--ipv6"]),
    (["run", "--fail-if", "nonsense"], ["fail-if", "'nonsense'"]),
    (["run", "--fail-if", "goodput>nan"], ["fail-if", "'goodput>nan'"]),
    (["run", "--scenario", "../over/there"], ["scenario", "'../over/there'", "'/'"]),
    (["run", "--path", "moon"], ["path", "'moon'"]),
    (["run", "--server", "host:port"], ["server", "'host:port'"]),
    (["run", "--server", "127.0.0.1:70000"], ["server", "70000"]),
    (["run", "--server", "127.0.0.1:0"], ["server", "127.0.0.1:0"]),
    (["run", "--server", "[::1]:"], ["server", "'[::1]:'", "port"]),
    (["run", "--server", "[::1"], ["server", "'[::1'", "[IPV6]"]),
    (["run", "--server", "::1]:5301"], ["server", "'::1]:5301'", "[IPV6]"]),
    (["run", "--server", "[::1]x"], ["server", "'[::1]x'", "[IPV6]"]),
    (["run", "--server", "[]:5301"], ["server", "'[]:5301'", "[IPV6]"]),
    (["run", "--server", ":5301"], ["server", "':5301'"]),
    (["run", "--plot", "nagel"], ["plot", "'nagel'", "there are", "nagle", "goodput"]),
    (["run", "--plot", "goodput,"], ["plot", "''", "there are"]),
    (["run", "missing.ini"], ["missing.ini", "No such file"]),
    (["run", "one.ini", "two.ini"], ["one.ini", "two.ini"]),
    (["serve", "--port", "65535"], ["port", "'65535'", "65534"]),
    (["serve", "--prot", "1"], ["unknown option '--prot'", "--port"]),
    (["serve", "now"], ["'now'"]),
    (["serve", "--bind", "0.0.0.0"], ["--open"]),
    (["list", "everything"], ["'everything'"]),
    (["explain", "the_meaning_of_life"], ["the_meaning_of_life"]),
    (["rnu"], ["'rnu'", "run"]),
]


@pytest.mark.parametrize("arguments, parts", USAGE, ids=[" ".join(row[0]) for row in USAGE])
def test_bad_usage(tmp_path, arguments, parts):
    done = fails(2, *arguments, cwd=tmp_path, parts=parts)
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []  # nothing was begun


# scenario file, the line that is wrong, what is said of it
SCENARIOS = [
    ("size = 64\nsise = 128\n", 2, ["'sise'", "size"]),
    ("; comment\n\n[campaign]\nrate = fast\n", 4, ["rate", "'fast'"]),
    ("size = 64\nduration = 1s\njust words\n", 3, []),
    ("[campaign\nsize = 64\n", 1, []),
    ("size = 64,39\n", 1, ["size", "'39'"]),
    ("blocks = many\n", 1, ["blocks", "'many'"]),
    # The first mistake is told, with the line that it is on, whatever comes after it.
    ("transport = tcp,udp\nrate = 1000/s\nflows = 0\nsise = 1\n", 3, ["flows", "'0'"]),
    ("just words\nsise = 1\n", 1, ["key = value"]),
]


@pytest.mark.parametrize("text, line, parts", SCENARIOS)
def test_bad_scenario(tmp_path, text, line, parts):
    (tmp_path / "bad.ini").write_text(text, encoding="utf-8")
    fails(2, "run", "bad.ini", cwd=tmp_path, parts=[f"bad.ini:{line}: ", *parts])


# What editors make of a scenario, and what needs no section.
TEXT = ("transport = tcp\nworkload = stream\nsize = 100\nduration = 50ms\nwarmup = 0\n"
        "cooldown = 0\ndrain = 50ms\nblocks = 1\nwarmup-round = no\nquiet = yes\n")
FORMS = {
    "no section": TEXT,
    "one section": "[campaign]\n" + TEXT,
    "empty section": "[nothing]\n" + "[campaign]\n" + TEXT + "[nothing]\n",
    "nameless section": "[]\n" + TEXT,
    "byte order mark": "\ufeff" + TEXT,
    "carriage returns": TEXT.replace("\n", "\r\n"),
    "both, and a section": "\ufeff[campaign]\r\n" + TEXT.replace("\n", "\r\n"),
    "no last newline": TEXT.rstrip("\n"),
    "comments": "; one\n# two\n" + TEXT.replace("100\n", "100 ; bytes\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_scenario_form(tmp_path, form):
    (tmp_path / "form.ini").write_text(FORMS[form], encoding="utf-8", newline="")
    done = run("run", "form.ini", "--output", "out", cwd=tmp_path)
    assert done.stderr == ""
    (row,) = Result(tmp_path / "out").runs
    assert (row["transport"], row["msg_size"], row["duration"]) == ("tcp", "100", "50ms")


def test_scenario_that_cannot_be_read(tmp_path):
    (tmp_path / "folder.ini").mkdir()
    fails(2, "run", "folder.ini", cwd=tmp_path, parts=["folder.ini"])


@pytest.mark.parametrize("arguments", [["--help"], ["help"], ["-h"], ["--version"],
                                       *[[command, "--help"] for command in
                                         ("run", "serve", "list", "explain", "plot", "report")],
                                       ["run", "--size", "64", "-h"]], ids=" ".join)
def test_help(tmp_path, arguments):
    done = run(*arguments, cwd=tmp_path)
    assert done.stderr == ""
    assert "netversus" in done.stdout
    assert list(tmp_path.iterdir()) == []
