# SPDX-License-Identifier: MIT
# ctest: serial release timeout=300
"""`netversus check`: it passes here, and each check fails when what it checks is broken on purpose."""

import csv
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import PROGRAM, SANITIZED, run

# Those that need no time, or little, and are the same under a sanitizer.
CHEAP = {"histogram", "schedules", "clock"}
# They take longer than --quick allows.
LONG = {"wait", "mathis"}
COLUMNS = ["check", "observed", "expected", "tolerance", "unit", "pass", "note"]


def names():
    text = run("list", "checks", cwd="/").stdout
    return re.findall(r"^([a-z]+) ", text, re.MULTILINE)


NAMES = names()


def check(directory, *arguments, prefix=()):
    """`netversus check ARGUMENTS`: the rows of check.csv, and what was said."""
    command = [*prefix, PROGRAM, "check", "--csv", "check.csv", *arguments]
    done = subprocess.run(command, cwd=directory, timeout=200, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, encoding="utf-8")
    with open(directory / "check.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, strict=True))
    assert rows and list(rows[0]) == COLUMNS, done.stderr
    check_rows(rows)
    failed = [row["check"] for row in rows if row["pass"] == "no"]
    assert done.returncode == (1 if failed else 0), done.stdout + done.stderr
    assert all(name in done.stderr for name in failed[:3])
    return rows, done


def is_no_path_here():
    return not os.access("/dev/net/tun", os.R_OK | os.W_OK)


def check_rows(rows):
    """Each row by its own rule."""
    for row in rows:
        assert row["pass"] in ("yes", "no", "skipped", ""), row
        if row["pass"] in ("yes", "no") and row["observed"]:
            distance = abs(float(row["observed"]) - float(row["expected"]))
            # Nine digits are in the file.
            slack = 1e-8 * max(abs(float(row["observed"])), abs(float(row["expected"])))
            if row["pass"] == "yes":
                assert distance <= float(row["tolerance"]) + slack, row
            else:
                assert distance >= float(row["tolerance"]) - slack, row
        if row["pass"] == "skipped":
            assert row["note"], row
        if row["pass"] == "":
            assert row["observed"] and not row["expected"] and not row["tolerance"], row


@pytest.mark.skipif(SANITIZED, reason="it would measure the sanitizer")
def test_the_instrument_passes(tmp_path):
    rows, done = check(tmp_path, "--quick")
    assert {row["check"].partition(".")[0] for row in rows} == set(NAMES)
    assert [row["check"] for row in rows if row["pass"] == "no"] == []
    skipped = {row["check"] for row in rows
               if row["pass"] == "skipped" and "too busy" not in row["note"]}
    if not is_no_path_here() and os.cpu_count() > 1:
        assert skipped == {f"{name}.all" for name in LONG} | {"null.ties"}
    counts = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped, (\d+) noted", done.stdout)
    assert [int(n) for n in counts.groups()] == \
        [sum(row["pass"] == word for row in rows) for word in ("yes", "no", "skipped", "")]


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A check's name: the future of check(). Several at a time: what is broken may be disturbed."""

    def break_one(name):
        return check(tmp_path_factory.mktemp(name), *([] if name in LONG else ["--quick"]),
                     "--break", name, name)

    with ThreadPoolExecutor(3) as pool:
        yield {name: pool.submit(break_one, name) for name in [*LONG, *set(NAMES) - LONG]
               if not SANITIZED or name in CHEAP}


@pytest.mark.parametrize("name", NAMES)
def test_broken_on_purpose_it_fails(name, broken):
    if name not in broken:
        pytest.skip("takes minutes under a sanitizer")
    rows, done = broken[name].result()
    if all(row["pass"] == "skipped" for row in rows):
        pytest.skip(rows[0]["note"])
    assert done.stderr.startswith("netversus check: failed: ")


@pytest.mark.skipif(SANITIZED, reason="the same in the release build")
def test_without_an_emulated_path_nothing_of_it_passes(tmp_path):
    prefix = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "-")
    if is_no_path_here() or subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("/dev/net/tun cannot be hidden here")
    rows, done = check(tmp_path, "--quick", "drops", "overflow", "histogram", prefix=prefix)
    drops = [row for row in rows if row["check"].startswith("drops.")]
    assert [row["pass"] for row in drops] == ["skipped"]
    assert "/dev/net/tun" in drops[0]["note"]
    assert all(row["pass"] == "yes" for row in rows if row not in drops)
    assert "1 skipped" in done.stdout


def test_usage(tmp_path):
    for arguments, words in ((["moon"], ["'moon'", "list checks"]),
                             (["--break", "moon"], ["'moon'"]),
                             (["--output", "a", "--csv", "b"], ["--output", "--csv"]),
                             (["--qick"], ["--quick"])):
        done = run("check", *arguments, cwd=tmp_path, status=2)
        assert all(word in done.stderr for word in words), done.stderr
        assert not done.stdout
    text = run("check", "--help", cwd=tmp_path).stdout
    assert "--quick" in text and "--break" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_output_is_a_directory(tmp_path):
    run("check", "--quick", "--output", "out", "schedules", cwd=tmp_path)
    assert (tmp_path / "out" / "check.csv").exists()
    run("check", "--output", "no/such/place", "schedules", cwd=tmp_path, status=1)
