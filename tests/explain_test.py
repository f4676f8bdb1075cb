# SPDX-License-Identifier: MIT
# ctest: release
"""What `netversus explain` says: of every column, once, and with examples that are right."""

import ast
import csv
import math
import re
import shutil
import subprocess
from collections import defaultdict
from functools import lru_cache
from pathlib import Path

import pytest

from support import PROGRAM

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "bench" / "course" / "why-is-udp-slower-here.md"
SENTENCE_WORDS_MIN = 6  # shorter ones may be alike by chance
FUNCTIONS = {"ceil": math.ceil, "floor": math.floor, "sqrt": math.sqrt, "ln": math.log,
             "exp": math.exp}
EQUATION = re.compile(r"((?:ceil|floor|sqrt|ln|exp|[\d.()+\-*/,\s])+)=\s(-?\d+(?:\.\d+)?)")


def netversus(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, text=True, encoding="utf-8", timeout=60)


@lru_cache(maxsize=None)
def listed(what):
    done = netversus("list", what, "--format", "csv")
    assert done.returncode == 0, done.stderr
    return tuple(csv.DictReader(done.stdout.splitlines()))


@pytest.fixture(scope="module")
def headers(tmp_path_factory):
    """{file: columns} of a small run that writes every file it can without an emulated path."""
    directory = tmp_path_factory.mktemp("run") / "result"
    done = netversus("run", "--workload", "stream", "--rate", "200/s", "--duration", "100ms",
                     "--warmup", "20ms", "--cooldown", "0s", "--drain", "100ms", "--blocks", "1",
                     "--settle", "0s", "--messages", "5", "--quiet", "--output", directory)
    assert done.returncode == 0, done.stderr
    found = {}
    for path in directory.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            found[path.name] = next(csv.reader(lines))
    return found


def equations(example):
    """(left side, right side) as text; "2, 3 / 4 = 0.75" begins after the comma."""
    for left, right in EQUATION.findall(example):
        depth, start = 0, 0
        for at, letter in enumerate(left):
            depth += (letter == "(") - (letter == ")")
            start = at + 1 if letter == "," and depth == 0 else start
        left = left[start:].strip()
        if re.search(r"[+*/(]|\d\s*-\s*\d", left):
            yield left, right


def test_files_of_a_run_are_those_that_are_listed(headers):
    names = defaultdict(list)
    for row in listed("columns"):
        names[row["file"]].append(row["column"])
    assert {"runs.csv", "quantiles.csv", "messages.csv", "comparisons.csv"} <= set(headers)
    for file, columns in headers.items():
        assert columns == names[file], file


def test_every_column_is_explained(headers):
    pairs = {(row["file"], row["column"]) for row in listed("columns")}
    pairs |= {(file, column) for file, columns in headers.items() for column in columns}
    texts = {}
    for file, column in sorted(pairs):
        if column not in texts:
            done = netversus("explain", column)
            assert done.returncode == 0 and done.stderr == "", column
            assert re.match(rf"{column} \(", done.stdout), column
            texts[column] = re.sub(r"\s+", " ", done.stdout)
        for part in ("Source: ", "Example: ", "mpty"):
            assert part in texts[column], f"{column} lacks {part}"


def test_every_column_has_its_own_words():
    named = defaultdict(set)
    for row in listed("columns"):
        assert len(row["help"]) > 8 and row["source"], row
        assert not re.search(r"\bthe same( of|\.|$)|\blikewise\b|^Its? ", row["help"]), row
        named[row["help"]].add(row["column"])
    assert {text: columns for text, columns in named.items() if len(columns) > 1} == {}


def test_units_follow_from_names():
    ends = {"_ns": "nanoseconds", "_us": "microseconds", "_ms": "milliseconds", "_bytes": "bytes",
            "_bps": "bits a second", "_ratio": "share, from 0 to 1", "_count": "a count"}
    options = {row["column"] for row in listed("columns") if row["topic"] == "inputs"}
    for row in listed("columns"):
        for end, unit in ends.items():
            if row["column"].endswith(end) and row["column"] not in options:
                assert row["unit"] == unit, row["column"]


def test_topics_are_whole_and_explained():
    topics = listed("topics")
    assert len({row["topic"] for row in topics}) == len({row["text"] for row in topics}) \
        == len(topics)
    assert {row["topic"] for row in listed("columns")} == {row["topic"] for row in topics}
    for row in topics:
        assert all(row.values()), row
        said = re.sub(r"\s+", " ", netversus("explain", row["topic"]).stdout)
        for part in ("text", "empty", "source", "example"):
            assert re.sub(r"\s+", " ", row[part]) in said, (row["topic"], part)


@pytest.mark.parametrize("row", listed("topics"), ids=lambda row: row["topic"])
def test_worked_examples_are_right(row):
    found = list(equations(row["example"]))
    assert found, "an example computes something"
    for left, right in found:
        value = eval(left, {"__builtins__": {}}, FUNCTIONS)  # pylint: disable=eval-used
        decimals = len(right.partition(".")[2])
        assert abs(value - float(right)) <= 0.5 * 10 ** -decimals + 1e-9, f"{left} = {value}"


def test_a_wrong_example_would_be_found():
    assert list(equations("rank ceil(0.5 * 10) = 5, and 2, (1 + 6) / 2 = 3.5; p = 0.01")) == \
        [("ceil(0.5 * 10)", "5"), ("(1 + 6) / 2", "3.5")]


def sentences(text):
    for sentence in re.split(r"(?<=[.;:])\s+", re.sub(r"\s+", " ", text)):
        if len(sentence.split()) >= SENTENCE_WORDS_MIN:
            yield sentence.strip(" .;:").lower()


def python_texts():
    for path in (ROOT / "scripts" / "netversus_report").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_nothing_is_said_twice():
    """Neither in two topics, nor in a topic and a column, nor here and in the report's program."""
    places = defaultdict(set)
    for row in listed("topics"):
        for sentence in (*sentences(row["text"]), *sentences(row["example"])):
            places[sentence].add("topic " + row["topic"])
    for row in listed("columns"):
        for sentence in sentences(row["help"]):
            places[sentence].add("a column")
    for text in python_texts():
        for sentence in sentences(text):
            places[sentence].add("the report")
    assert {"a column"} in places.values() and {"the report"} in places.values()
    assert {sentence: where for sentence, where in places.items() if len(where) > 1} == {}


@pytest.mark.parametrize("name, near", [
    ("resp_p9_ns", "'resp_p99_ns'"), ("jiter", "'jitter'"), ("los", "'loss'"),
    ("run.csv", "'runs.csv'"), ("gilbert", "'gilbert_p', 'gilbert_r' or 'gilbert_h'"),
    ("elephants", "netversus explain lists topics")])
def test_unknown_names_get_one_line(name, near):
    done = netversus("explain", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and near in done.stderr and f"'{name}'" in done.stderr


def test_topics_and_files_are_listed():
    done = netversus("explain")
    assert done.returncode == 0
    for row in listed("topics"):
        assert re.search(rf"^{row['topic']}\s+{re.escape(row['title'])}$", done.stdout,
                         re.MULTILINE)
    for file in {row["file"] for row in listed("columns")}:
        assert file in done.stdout
        said = netversus("explain", file).stdout
        for row in listed("columns"):
            assert row["file"] != file or f"\n{row['column']} (" in said
    assert netversus("explain", "block", "slot").returncode == 2
    assert netversus("list", "paths", "--format", "csv").returncode == 2


def test_metrics_are_explained_by_their_columns():
    done = netversus("explain", "resp_p99")
    assert "metric of comparisons.csv" in done.stdout and "\nresp_p99_ns (runs.csv" in done.stdout
    helps = {row["column"]: row["help"] for row in listed("columns") if row["file"] == "runs.csv"}
    assert helps["loss_ratio"] in re.sub(r"\s+", " ", netversus("list", "metrics").stdout)


def lint(page):
    if shutil.which("mandoc"):
        return subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True,
                              check=False, text=True).stdout
    return subprocess.run(["groff", "-man", "-ww", "-z", page], capture_output=True, check=False,
                          text=True).stderr


def test_manual_is_whole_and_clean(tmp_path):
    page = tmp_path / "netversus.1"
    page.write_text(netversus("--manual").stdout, encoding="ascii")
    assert lint(page) == ""
    text = page.read_text("ascii").replace("\\-", "-")
    for command in re.findall(r"^  netversus (\w+)", netversus("--help").stdout, re.MULTILINE):
        assert f".SS netversus {command} " in text
        for option in re.findall(r"^  --([a-z0-9-]+)", netversus(command, "--help").stdout,
                                 re.MULTILINE):
            assert re.search(rf"^\\fB--{option}\b", text, re.MULTILINE), option
    for row in listed("topics"):
        assert f"\n\\fB{row['topic']}\\fR\n" in text
    page.write_text(".TH X 1\n.SH NAME\n.XX \\fQ\n", encoding="ascii")
    assert lint(page) != "", "the linter sees what is wrong"


# --- the page that answers by pointing at what shows it ---

def anchors(path):
    """Of its headings, as they are made for links."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
            for heading in headings}


def test_page_points_at_what_shows_it():
    _, *parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    statements = [statement for part in parts for statement in re.findall(
        r"^- (.*(?:\n  .*)*)", re.sub(r"```.*?```", "", part, flags=re.DOTALL), re.MULTILINE)]
    assert len(parts) >= 8 and len(statements) >= 16
    for statement in statements:
        targets = re.findall(r"\]\(([^)#]+)#?([^)]*)\)", statement)
        assert targets, f"shown nowhere: {statement}"
        for target, anchor in targets:
            path = PAGE.parent / target
            assert path.exists(), target
            assert not anchor or anchor in anchors(path), (target, anchor)


def test_page_names_words_that_are_explained():
    words = set(re.findall(r"`explain ([a-z-]+)`", PAGE.read_text(encoding="utf-8")))
    assert len(words) > 8
    assert words <= {row["topic"] for row in listed("topics")}


def test_page_gives_commands_that_run():
    known = set(re.findall(r"--([a-z0-9-]+)", netversus("run", "--help").stdout))
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for option in re.findall(r"--([a-z][a-z0-9-]*)", block):
            assert option in known, option
