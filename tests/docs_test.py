# SPDX-License-Identifier: MIT
"""The documents say what the program does: columns, options, scenario keys, links.

    NETVERSUS=build/release/netversus /usr/bin/python3 tests/docs_test.py

writes the column tables of results/README.md anew.
"""

import configparser
import re
import shlex
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest

from support import PROGRAM

ROOT = Path(__file__).resolve().parent.parent
COURSE = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "bench/course").glob("*.md"))
DOCUMENTS = ("README.md", "src/README.md", "bench/README.md", "results/README.md", *COURSE)
SCENARIOS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "bench").rglob("*.ini"))
RESULTS = ROOT / "results" / "README.md"
BEGIN = "<!-- columns: begin -->\n"
END = "<!-- columns: end -->"
OPTION = re.compile(r"--([a-z][a-z0-9-]*)")


def read(document):
    return (ROOT / document).read_text(encoding="utf-8")


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                          check=True, text=True, encoding="utf-8", timeout=60).stdout


def with_columns(text):
    """The text of results/README.md with the column tables of this program."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, "results/README.md has lost its markers"
    return before + begin + output_of(PROGRAM, "list", "columns") + end + after


@lru_cache(maxsize=None)
def options_of(*command):
    """Names that the command's help lists, without dashes."""
    return frozenset(OPTION.findall(output_of(*command, "--help"))) | {"help"}


def commands_in(text):
    """Each command of the fenced blocks, as words. Output, comments and pictures are not."""
    for block in re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        prompted = re.search(r"^\$ ", block, re.MULTILINE)
        for line in block.replace("\\\n", " ").splitlines():
            if not prompted or line.startswith("$ "):
                words = shlex.split(line.removeprefix("$ "), comments=True)
                if words:
                    yield words


def command_with_help(words):
    """What to ask for the options of this command, or None when it is not ours."""
    name = Path(words[0]).name
    if name == "netversus":
        return (PROGRAM, words[1]) if len(words) > 1 and not words[1].startswith("-") else (PROGRAM,)
    if words[0].startswith(("scripts/", "bench/")):
        return (str(ROOT / words[0]),)
    return None


def keys_of(scenario):
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string("[scenario]\n" + read(scenario))
    return dict(parser["scenario"])


def is_known(option, known):
    return option in known or option.removeprefix("no-") in known


def test_columns_are_those_of_the_program():
    assert read("results/README.md") == with_columns(read("results/README.md")), \
        "renew it: NETVERSUS=build/release/netversus /usr/bin/python3 tests/docs_test.py"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_name_options_that_exist(document):
    for words in commands_in(read(document)):
        command = command_with_help(words)
        if command is None:
            continue
        for word in words:
            match = OPTION.match(word)
            if match:
                assert is_known(match.group(1), options_of(*command)), f"{word} in {words}"


def test_readme_has_commands():
    names = {Path(words[0]).name for words in commands_in(read("README.md"))}
    assert {"netversus", "quickstart", "test"} <= names


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenarios_name_options_that_exist(scenario):
    keys = keys_of(scenario)
    assert keys
    for key in keys:
        assert key in options_of(PROGRAM, "run"), key


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)", read(document)):
        if not target.startswith(("http://", "https://")):
            assert ((ROOT / document).parent / target).exists(), target


def test_quick_scenario_is_the_built_in_one():
    source = read("src/campaign/settings.c")
    table = re.search(r"quick\[\]\[2\] = \{(.*?)\};", source, re.DOTALL).group(1)
    built_in = dict(re.findall(r'\{"([^"]+)",\s*"([^"]+)"\}', table))
    assert built_in.pop("scenario") == "quick"
    assert built_in == keys_of("bench/quick.ini")


def options_in(text):
    """{name: (what is on its line before the explanation, the explanation)} of a help."""
    entries = re.findall(r"^  (--\S.*(?:\n {20,}\S.*)*)", text, re.MULTILINE)
    split = [re.split(r"\s{2,}|\n\s*", entry, maxsplit=1) for entry in entries]
    return {OPTION.match(left).group(1): (left, re.sub(r"\s+", " ", right))
            for left, right in split}


@pytest.mark.parametrize("command", [("run", "--help"), ("serve", "--help"), ("list", "options")],
                         ids=" ".join)
def test_help_fits_a_terminal(command):
    text = output_of(PROGRAM, *command)
    assert [line for line in text.splitlines() if len(line) > 100] == []
    assert text.startswith("usage: netversus ") and "[options]" in text.splitlines()[0]
    options = options_in(text)
    assert set(options) == set(re.findall(r"^  --([a-z0-9-]+)", text, re.MULTILINE))
    for name, (_, explanation) in options.items():
        assert explanation, name
    indents = {len(indent) for indent in re.findall(r"^( {20,})\S", text, re.MULTILINE)}
    assert len(indents) <= 1, "explanations begin in one column"


def test_help_of_run_says_what_happens_without_an_option():
    options = options_in(output_of(PROGRAM, "run", "--help"))
    assert options["transport"][1].endswith("[tcp,udp]")
    assert options["size"] == ("--size SIZE,...", options["size"][1])
    assert options["size"][1].endswith("(weighted mix) [64]")
    assert options["arrival"][0] == "--arrival constant|poisson|burst,..."
    assert options["engine"][1].endswith("poll, blocking, batch or uv [poll]")
    assert "udp.loss_ratio>0.001" in options["fail-if"][1]
    assert options["quiet"] == ("--quiet", "no progress line")  # off is what a switch is


def test_examples_of_help_name_options_that_exist():
    for command in ("run", "serve"):
        _, _, examples = output_of(PROGRAM, command, "--help").partition("\nExamples\n")
        lines = examples.splitlines()
        assert lines and all(line.startswith(f"  netversus {command}") for line in lines)
        known = options_in(output_of(PROGRAM, command, "--help"))
        assert set(OPTION.findall(examples)) <= set(known)


def test_every_scenario_is_described():
    for scenario in SCENARIOS:
        assert Path(scenario).name in read(f"{Path(scenario).parent}/README.md"), scenario


if __name__ == "__main__":
    RESULTS.write_text(with_columns(read("results/README.md")), encoding="utf-8")
