"""What the scripts of figures share: asking the program, and putting a table into docs/results/classify*.md."""

import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PAGES = [HERE.parent / "docs/results" / name for name in ("classify.md", "classify.zh-CN.md")]


def ask(program, *words):
    """The JSON that the program prints, of training the report at its end."""
    command = [str(word) for word in (program, *words, "--quiet", "--json")]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout.splitlines()[-1])


def pictures(program, folder, count, *words):
    """A set of drawn shapes, made unless it is there."""
    if not folder.is_dir():
        ask(program, "data", "make", "pictures", folder, "--count", count, *words)
    return folder


def markdown(heads, rows):
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)


def write(name, texts):
    """Puts the English and the Chinese text between `<!-- table NAME -->` and `<!-- end NAME -->`."""
    begin, end = f"<!-- table {name} -->\n", f"<!-- end {name} -->"
    for page, text in zip(PAGES, texts, strict=True):
        before, rest = page.read_text("utf-8").split(begin)
        _, after = rest.split(end)
        page.write_text(before + begin + text + end + after, "utf-8")
