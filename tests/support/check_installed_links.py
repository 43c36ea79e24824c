# SPDX-License-Identifier: MIT
"""Every relative link in the guides below a folder leads to something below that folder. tests/rules/docs_code looks at headings.

usage: check_installed_links.py FOLDER
"""
import pathlib
import re
import sys


def links(text):
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [target for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", prose) if not re.match(r"[a-z]+:", target)]


def main(folder):
    top = pathlib.Path(folder).resolve()
    count, wrong = 0, []
    for guide in sorted(top.rglob("*.md")):
        for target in links(guide.read_text()):
            count += 1
            path = (guide.parent / target.partition("#")[0]).resolve() if target[0] != "#" else guide
            if not path.exists() or top not in path.parents:
                wrong.append(f"{guide.relative_to(top)}: {target}")
    if count == 0:
        wrong.append("there is no link at all")
    if wrong:
        sys.exit("\n".join(wrong))


main(*sys.argv[1:])
