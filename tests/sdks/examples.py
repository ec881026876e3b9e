"""Writes the examples of a page to files, with the address of a running server.

Usage: examples.py PAGE ADDRESS FOLDER
"""

import re
import sys
from pathlib import Path

page, address, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
names = {"python": "python.py", "js": "node.js", "sh": "curl.sh"}
folder.mkdir()
for language, code in re.findall(r"```(\w+)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
    if language in names and "/v1" in code:
        (folder / names[language]).write_text(code.replace("http://127.0.0.1:5000", address), encoding="utf-8")
