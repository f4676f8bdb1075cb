# SPDX-License-Identifier: MIT
"""Checks that the source tree keeps its rules; prints one line per breach.

    structure.py ROOT         exit 0: clean; 1: breaches; 2: nothing to check

Rules: includes point inward only; sockets and the event loop stay in the outer folders; no function
over 70 lines, no file over 500; no banned call; licence line, header guard.
"""

import ast
import re
import sys
from pathlib import Path

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
LICENCE = "SPDX-License-Identifier: MIT"

# A folder of src/ may include itself and any folder of an earlier row; a row's folders may not
# include each other.
RINGS = (
    ("base",),
    ("wire", "measure", "schedule"),
    ("spec",),
    ("workload", "session", "path"),
    ("transport", "campaign"),
    ("output",),
    ("cli",),
)
RANK = {folder: rank for rank, ring in enumerate(RINGS) for folder in ring}

# The rest is testable without a network: no sockets, no event loop.
SOCKET_FOLDERS = {"transport", "session", "path", "measure", "cli"}
SOCKET_HEADER = re.compile(
    r"uv\.h|poll\.h|sys/(socket|epoll|un)\.h|netinet/.*|arpa/inet\.h|netdb\.h"
)

# Call: what to do instead. exit() is allowed in src/cli alone.
BANNED_CALLS = {
    "atoi": "parse with base/units.h",
    "atol": "parse with base/units.h",
    "atoll": "parse with base/units.h",
    "atof": "parse with base/units.h",
    "sprintf": "use snprintf",
    "vsprintf": "use vsnprintf",
    "strcpy": "use snprintf or memcpy",
    "strcat": "use snprintf",
    "gets": "use fgets",
    "exit": "return an error; only src/cli may exit",
}
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED_CALLS) + r")\s*\(")

SKIPPED_DIRECTORIES = {".git", "build", "results", "__pycache__"}


def blank(match):
    """As many line breaks as the text had, so that line numbers stay."""
    return "\n" * match.group().count("\n") or " "


C_NOISE = re.compile(
    r"""/\*.*?\*/ | //(?:\\\n|[^\n])* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
    re.DOTALL | re.VERBOSE,
)
C_DIRECTIVE = re.compile(r"^[ \t]*\#(?:\\\n|[^\n])*", re.MULTILINE)


def strip_c(text):
    """C without comments and the contents of literals."""

    def replace(match):
        return "0" if match.group()[0] in "\"'" else blank(match)

    return C_NOISE.sub(replace, text)


def c_functions(code):
    """Yields (name, first line, last line) of function definitions in stripped code; raises
    ValueError when braces do not balance. A definition is `name(...) {` at depth 0, perhaps with
    attributes; an initialiser or a type is `= {` or `struct x {`."""
    code = C_DIRECTIVE.sub(blank, code)
    depth = 0
    line = 1
    head = ""
    head_line = 1
    function = None
    for char in code:
        if char == "\n":
            line += 1
        if depth == 0 and char not in "{};":
            if not head.strip():
                head_line = line
            head += char
        elif char == "{":
            if depth == 0:
                function = c_function_name(head)
            depth += 1
        elif char == "}":
            depth -= 1
            if depth < 0:
                raise ValueError(f"line {line}: '}}' without '{{'")
            if depth == 0 and function:
                yield function, head_line, line
        if depth == 0 and char in "};":
            head = ""
    if depth:
        raise ValueError("'{' without '}' at the end of the file")


def c_function_name(head):
    """Name of the function that this text before a `{` declares, or None."""
    if "=" in head or not head.rstrip().endswith(")"):
        return None
    head = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head, flags=re.DOTALL)
    match = re.search(r"(\w+)\s*\(", head)
    return match.group(1) if match else None


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


def shell_functions(text):
    name = None
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"(?:function +)?([\w-]+) *\(\) *[{(]$", line)
        if match:
            name, first = match.group(1), number
        elif line in ("}", ")") and name:
            yield name, first, number
            name = None


def check_functions(functions):
    try:
        for name, first, last in functions:
            lines = last - first + 1
            if lines > FUNCTION_LINES_MAX:
                yield first, f"function {name} has {lines} lines, over {FUNCTION_LINES_MAX}"
    except (ValueError, SyntaxError) as error:
        yield 1, f"cannot be read: {error}"


def folder_of(path):
    """Folder inside src/ of a file, or None for a file elsewhere."""
    parts = Path(path).parts
    return parts[1] if len(parts) == 3 and parts[0] == "src" else None


def check_include(folder, header):
    """What is wrong with a file of this folder including this project header, or None."""
    target, slash, _ = header.partition("/")
    if not slash:
        return f'include "{header}" names no folder: write "folder/file.h"'
    if target not in RANK:
        return f'include "{header}": {target} is not in the table of rings'
    if target != folder and RANK[target] >= RANK[folder]:
        return f'include "{header}" points outward: {folder} may not use {target}'
    return None


def check_rings(path, text):
    folder = folder_of(path)
    if folder is None:
        return
    if folder not in RANK:
        yield 1, f"src/{folder} is not in the table of rings"
        return
    for number, line in enumerate(strip_comments(text).split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not match:
            continue
        quote, header = match.groups()
        problem = check_include(folder, header) if quote == '"' else None
        if quote == "<" and folder not in SOCKET_FOLDERS and SOCKET_HEADER.fullmatch(header):
            problem = f"include <{header}>: {folder} knows nothing of sockets or the event loop"
        if problem:
            yield number, problem


def strip_comments(text):
    return C_NOISE.sub(lambda m: m.group() if m.group()[0] in "\"'" else blank(m), text)


def check_banned_calls(path, code):
    for match in BANNED_CALL.finditer(code):
        name = match.group(1)
        if name == "exit" and path.startswith("src/cli/"):
            continue
        yield code.count("\n", 0, match.start()) + 1, f"{name}(): {BANNED_CALLS[name]}"


def check_header(path, text):
    """Licence line of a C file; guard of a header of src/."""
    if text.partition("\n")[0] != f"/* {LICENCE} */":
        yield 1, f"the first line is not /* {LICENCE} */"
    if path.endswith(".h") and folder_of(path):
        guard = "NV_" + re.sub(r"\W", "_", "_".join(Path(path).parts[1:])).upper()
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            yield 1, f"the header guard is not {guard}"


def check_c(path, text):
    code = strip_c(text)
    yield from check_header(path, text)
    yield from check_rings(path, text)
    yield from check_functions(c_functions(code))
    yield from check_banned_calls(path, code)


def check_python(_path, text):
    yield from check_functions(python_functions(text))


def check_shell(_path, text):
    yield from check_functions(shell_functions(text))


def checker_of(path, text):
    """The check for a file's language by name or first line, or None."""
    suffix = Path(path).suffix
    first = text.partition("\n")[0] if text.startswith("#!") else ""
    if suffix in (".c", ".h"):
        return check_c
    if suffix == ".py" or "python" in first:
        return check_python
    if suffix in (".sh", ".bash") or re.search(r"\b(ba|da)?sh\b", first):
        return check_shell
    return None


def check_file(path, text):
    """Yields (line, problem)."""
    checker = checker_of(path, text)
    if checker is None:
        return
    lines = len(text.splitlines())
    if lines > FILE_LINES_MAX:
        yield FILE_LINES_MAX + 1, f"the file has {lines} lines, over {FILE_LINES_MAX}"
    yield from checker(path, text)


def source_paths(root):
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and not SKIPPED_DIRECTORIES.intersection(relative.parts):
            yield relative.as_posix()


def check_tree(root):
    """Returns (number of files checked, list of "path:line: problem")."""
    checked = 0
    problems = []
    for path in source_paths(root):
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        checked += checker_of(path, text) is not None
        problems += [f"{path}:{line}: {what}" for line, what in check_file(path, text)]
    return checked, problems


def main(arguments):
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print(__doc__.strip(), file=sys.stderr)
        return 2
    checked, problems = check_tree(Path(arguments[0]))
    print("\n".join([*problems, f"{checked} files, {len(problems)} breaches"]))
    if not checked:
        return 2
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
