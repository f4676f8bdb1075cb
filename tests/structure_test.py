# SPDX-License-Identifier: MIT
"""structure.py must fail on each breach it exists for, and on nothing else."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import structure

LICENCE = "/* SPDX-License-Identifier: MIT */\n"


def function(lines):
    """A C function of that many lines in all, the braces and the signature included."""
    return "int f(void)\n{\n" + "    g();\n" * (lines - 3) + "}\n"


def problems_in(path, text):
    return [what for _line, what in structure.check_file(path, text)]


# path, text, part of the one problem expected
BREACHES = [
    ("src/base/x.c", LICENCE + '#include "wire/y.h"\n', "points outward"),
    ("src/wire/x.c", LICENCE + '#include "measure/y.h"\n', "wire may not use measure"),
    ("src/schedule/x.h", LICENCE + "#ifndef NV_SCHEDULE_X_H\n#define NV_SCHEDULE_X_H\n"
     '#include "spec/y.h"\n#endif\n', "points outward"),
    ("src/transport/x_test.c", LICENCE + ' # include "campaign/y.h"\n', "points outward"),
    ("src/output/x.c", LICENCE + '#include "cli/y.h"\n', "points outward"),
    ("src/base/x.c", LICENCE + '#include "error.h"\n', "names no folder"),
    ("src/base/x.c", LICENCE + '#include "misc/y.h"\n', "misc is not in the table"),
    ("src/misc/x.c", LICENCE, "src/misc is not in the table"),
    ("src/workload/x.c", LICENCE + "#include <uv.h>\n", "sockets"),
    ("src/wire/x.c", LICENCE + "#include <sys/socket.h>\n", "sockets"),
    ("src/base/x.c", LICENCE + function(71), "function f has 71 lines"),
    ("src/base/x.c", LICENCE + "static int\nf(int a,\n  int b) __attribute__((cold))\n"
     + function(69)[len("int f(void)\n"):], "function f has 71 lines"),
    ("src/base/x.c", LICENCE + "/* f */\n" * 500, "the file has 501 lines"),
    ("src/base/x.c", LICENCE + "int f(void)\n{\n    if (x) {\n}\n", "cannot be read"),
    ("src/base/x.c", LICENCE + "int f(void)\n{\n}}\n", "cannot be read"),
    ("src/base/x.c", "int x;\n", "first line"),
    ("src/base/x.h", LICENCE + "#ifndef X_H\n#define X_H\n#endif\n", "NV_BASE_X_H"),
    ("bench/micro/x.c", LICENCE + "int f(void)\n{\n    exit(1);\n}\n", "only src/cli may exit"),
    ("scripts/x.py", "x = 1\n" * 501, "the file has 501 lines"),
    ("scripts/x.py", "def f():\n" + "    g()\n" * 70, "function f has 71 lines"),
    ("scripts/x", "#!/usr/bin/env python3\ndef f(:\n", "cannot be read"),
    ("scripts/x", "#!/usr/bin/env bash\n" + "true\n" * 500, "the file has 501 lines"),
    ("scripts/x.sh", "f() {\n" + "    true\n" * 69 + "}\n", "function f has 71 lines"),
] + [
    ("src/base/x.c", LICENCE + f"int f(void)\n{{\n    return {call} (a);\n}}\n", f"{call}()")
    for call in structure.BANNED_CALLS
]

CLEAN_C = LICENCE + r"""
#include "base/x.h"

#include <stdio.h>

#include "base/error.h"
#include "wire/message.h"

/* sprintf(a) { in a comment; "exit(1)" too */
#define OPEN(x) \
    do {        \
        f(x)
static const char *const words[] = {"}", "{ atoi(", "\"{", "/* no comment {"};
static int (*const table[])(void) = {f, g};
struct __attribute__((packed)) pair {
    int a; // { strcpy(a, b)
    char open;
};
enum { A = '{', B = '\'', C = '"' };

int f(struct pair *p, const struct ops *ops)
{
    my_exit(p->open);
    ops->exit(1);
    nv_sprintf(p);
    _exit(0);
    return snprintf(0, 0, "{%d", (int)(struct pair){.a = 1}.a);
}
"""

CLEAN = [
    ("src/transport/x.c", CLEAN_C),
    ("src/transport/x.c", LICENCE + "#include <uv.h>\n#include <sys/socket.h>\n"),
    ("src/base/x.c", LICENCE + function(70) + function(70) + function(70)),
    ("src/base/x.c", LICENCE + '/*\n#include "cli/y.h"\n*/\n'),
    ("src/base/x.c", LICENCE + "/* f */\n" * 499),
    ("src/base/x.c", LICENCE + "struct a x = (struct a) {\n" + "    1,\n" * 90 + "};\n"),
    ("src/cli/main.c", LICENCE + "int main(void)\n{\n    exit(0);\n}\n"),
    ("src/cli/main.c", LICENCE + '#include "output/y.h"\n#include "cli/z.h"\n'),
    ("src/base/x.h", LICENCE + "#ifndef NV_BASE_X_H\n#define NV_BASE_X_H\n#endif\n"),
    ("scripts/x.sh", "f() {\n" + "    true\n" * 68 + "}\n"),
    ("scripts/x.py", "def f():\n" + "    g()\n" * 69),
    ("results/README.md", "x\n" * 900),
]


class StructureTest(unittest.TestCase):
    def test_each_breach_is_found_once(self):
        for path, text, expected in BREACHES:
            with self.subTest(path=path, expected=expected):
                problems = problems_in(path, text)
                self.assertEqual(len(problems), 1, problems)
                self.assertIn(expected, problems[0])

    def test_clean_files_pass(self):
        for path, text in CLEAN:
            with self.subTest(path=path, text=text[:200]):
                self.assertEqual(problems_in(path, text), [])

    def test_line_numbers_survive_stripping(self):
        text = LICENCE + '/* a\n b */\nconst char *s = "x";\nint f(void)\n{\n    exit(1);\n}\n'
        self.assertEqual([line for line, _ in structure.check_file("src/base/x.c", text)], [7])

    def test_exit_status_of_a_tree(self):
        with tempfile.TemporaryDirectory() as directory:
            root = Path(directory)
            self.assertEqual(self.status_of(root), 2)
            (root / "src/base").mkdir(parents=True)
            source = root / "src/base/x.c"
            source.write_text(LICENCE + function(70))
            self.assertEqual(self.status_of(root), 0)
            source.write_text(LICENCE + function(71))
            self.assertEqual(self.status_of(root), 1)

    @staticmethod
    def status_of(root):
        with contextlib.redirect_stdout(io.StringIO()):
            return structure.main([str(root)])


if __name__ == "__main__":
    unittest.main()
