"""Gathers the files that a proxy serves, laid out as in their addresses and compressed beside themselves."""

import gzip
import shutil
import sys
from pathlib import Path

from routes.files import lasting_name, read_all

_COMPRESSED = {".css", ".js", ".svg", ".html"}
_ERRORS = Path(__file__).with_name("errors")


def main(folder: Path) -> None:
    for name, content in read_all().items():
        keep(content, folder / "static" / name)
        keep(content, folder / "static" / lasting_name(name, content))
    for page in _ERRORS.iterdir():
        keep(page.read_bytes(), folder / "errors" / page.name)


def keep(content: bytes, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    if file.suffix in _COMPRESSED:
        compressed = file.with_name(file.name + ".gz")
        compressed.write_bytes(gzip.compress(content, mtime=0))
        # nginx makes the ETag of a file from its time and size.
        shutil.copystat(file, compressed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
