"""README's examples, run as they stand.

A fenced `sh` block counts when the line before its fence is `<!-- ci: run -->`. All such blocks run in order in one
bash session in an empty folder beside a server; where a `text` or `json` block follows, what was printed has to have
its structure: the same keys in JSON, the same words in text. Values that change from run to run may differ.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from desk import BINARY, Desk, check, clean_environment, usual_port

MARKER = "<!-- ci: run -->"
FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.M | re.S)
# What is another at each run: ids, tokens, codes, times, numbers, and what the README leaves out.
VOLATILE = re.compile(r"…|\.{3}|[A-Za-z0-9_-]*\d[A-Za-z0-9_-]*(?:[.:][A-Za-z0-9_-]+)*|[A-Za-z0-9_-]{32,}")


class Example:
    """A block of commands, and the block that shows what they print, if there is one."""

    def __init__(self, line, commands):
        self.line = line
        self.commands = commands
        self.shown = None


def extract(markdown):
    """The marked blocks in order."""
    examples, pending, end = [], None, 0
    for block in FENCE.finditer(markdown):
        between = markdown[end : block.start()]
        end = block.end()
        language = block["language"]
        if pending and language in ("text", "json"):
            pending.shown = block["body"]
        pending = None
        if language == "sh" and between.rstrip(" \t\n").splitlines()[-1:] == [MARKER] and not between.endswith("\n\n"):
            pending = Example(markdown.count("\n", 0, block.start()) + 1, block["body"])
            examples.append(pending)
    return examples


def documents(text):
    """The JSON values in a text that holds nothing else; None when it holds anything else."""
    decoder, values, rest = json.JSONDecoder(), [], text.strip()
    while rest:
        try:
            value, used = decoder.raw_decode(rest)
        except json.JSONDecodeError:
            return None
        values.append(value)
        rest = rest[used:].strip()
    return values


def keys(value):
    """A JSON value with its keys alone; of a list, the first item stands for all."""
    if isinstance(value, dict):
        return {key: keys(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [keys(item) for item in value[:1]]
    return None


def mismatch(shown, printed):
    """Why the output is not of the shown structure; empty when it is."""
    wanted = documents(shown)
    if wanted:
        got = documents(printed)
        if got is None:
            return f"JSON was promised, and this was printed:\n{printed}"
        wanted, got = [keys(value) for value in wanted], [keys(value) for value in got]
        return "" if wanted == got else f"promised: {json.dumps(wanted)}\nprinted:  {json.dumps(got)}"
    lines = [squeeze(line) for line in printed.splitlines()]
    for line in filter(None, map(squeeze, shown.splitlines())):
        pattern = ".*".join(re.escape(part) for part in VOLATILE.split(line))
        if not any(re.fullmatch(pattern, printed_line) for printed_line in lines):
            return f"no line like {line!r} in:\n{printed}"
    return ""


def squeeze(line):
    return " ".join(line.split())


def check_self():
    """The extractor on a README of its own."""
    marked = f"{MARKER}\n```sh\n"
    text = f"```sh\nno\n```\n{marked}one\n```\n\nIt prints:\n\n```json\n{{}}\n```\n{MARKER}\n\n```sh\nno\n```\n{marked}two\n```\n"
    found = [(example.commands, example.shown) for example in extract(text)]
    check(found == [("one\n", "{}\n"), ("two\n", None)], "only marked blocks are extracted, with what they print", found)
    rows = [
        ('{"id":"1","user":{"name":"a"}}', '{"user":{"name":"b"},"id":"2"}', True),
        ('{"id":"1"}', '{"id":"1","more":2}', False),
        ('[{"id":"1"}]', '[{"id":"2"},{"id":"3"}]', True),
        ('[{"id":"1"}]', "[]", False),
        ('{"id":"1"}', "curl: (7) refused", False),
        ("letter 5f3c… is due now", "letter 65a0b1 is due now", True),
        ("letter 5f3c… is due now", "letter 65a0b1 is delivered", False),
        ("NUMBER  EMAIL\n1  a@b.de", "NUMBER     EMAIL\n7     a@b.de", True),
    ]
    for shown, printed, same in rows:
        check((mismatch(shown, printed) == "") == same, f"{shown!r} is {'' if same else 'not '}{printed!r}")


def run(examples, desk):
    """Runs all blocks in one session; tells what each printed."""
    parts = ["set -eu"]
    for number, example in enumerate(examples):
        parts += [f"printf '\\n@@ {number}\\n'", f": README.md, line {example.line}", example.commands]
    script = desk.folder / "readme.sh"
    script.write_text("\n".join([*parts, "printf '\\n@@ end\\n'"]).replace(":8080", f":{desk.port}"))
    path = f"{BINARY.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", script], cwd=desk.folder, env=clean_environment(desk.settings) | {"PATH": path},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    check(done.returncode == 0, f"all {len(examples)} blocks run", done.stdout[-3000:] + done.stderr[-3000:])
    printed = re.split(r"^@@ \w+\n", done.stdout, flags=re.M)[1:]
    return [text.strip("\n") for text in printed[:-1]]


def main():
    check_self()
    examples = extract(Path(sys.argv[1] if len(sys.argv) > 1 else "README.md").read_text(encoding="utf-8"))
    check(bool(examples), f"README.md has blocks marked {MARKER}")
    settings = {} if usual_port() else {"LATCHKEY_LISTEN": "127.0.0.1:0"}
    with tempfile.TemporaryDirectory() as folder:
        # The README names the program as it lies after a build.
        release = Path(folder) / "target" / "release"
        release.mkdir(parents=True)
        (release / "latchkey").symlink_to(BINARY)
        with Desk(folder, settings) as desk:
            for example, printed in zip(examples, run(examples, desk), strict=True):
                if example.shown is not None:
                    why = mismatch(example.shown.replace(":8080", f":{desk.port}"), printed)
                    check(why == "", f"line {example.line}: what it prints has the shown structure", why)
                else:
                    check(True, f"line {example.line}: runs; nothing is shown to compare")


if __name__ == "__main__":
    main()
