"""`weaksup init`: a small project to edit."""

from __future__ import annotations

import click

from weaksup.cli.options import as_json

EPILOG = """\b
Example:
  weaksup init tickets && cd tickets && weaksup run
"""


@click.command("init", epilog=EPILOG)
@click.argument("folder", type=click.Path())
@click.option("--force", is_flag=True, help="Write over files of an earlier project.")
@as_json
def command(folder: str, force: bool, as_json: bool) -> None:
    """Write a small project into FOLDER: weaksup.toml, lfs.py, prompts.py and a corpus. It runs as it is."""
    from weaksup.cli import render
    from weaksup.demo import write_starter

    files = write_starter(folder, force=force)
    if as_json:
        render.emit_json({"files": [str(path) for path in files]})
        return
    for path in files:
        render.line(str(path))
    render.note(f"next: cd {folder} && weaksup run")
