"""Gathers the files that a proxy serves, laid out as in their addresses and compressed beside themselves."""

import gzip
import shutil
import sys
from pathlib import Path

import flask_bootstrap

_COMPRESSED = {".css", ".js", ".svg", ".html"}


def main(folder: Path) -> None:
    bootstrap = Path(flask_bootstrap.__file__).with_name("static") / "bootstrap5"
    gather(bootstrap, folder / "bootstrap" / "static", "bootswatch", "*.map")
    root = Path(__file__).parents[1]
    gather(root / "static", folder / "static")
    gather(root / "deploy" / "errors", folder / "errors")


def gather(source: Path, target: Path, *left_out: str) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*left_out))
    for file in [path for path in target.rglob("*") if path.suffix in _COMPRESSED]:
        compressed = file.with_name(file.name + ".gz")
        compressed.write_bytes(gzip.compress(file.read_bytes(), mtime=0))
        # nginx makes the ETag of a file from its time and size.
        shutil.copystat(file, compressed)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
