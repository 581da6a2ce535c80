"""`weaksup demo`: the whole path on the embedded corpus."""

from __future__ import annotations

import click

from weaksup.cli.options import as_json

EPILOG = """\b
Example:
  weaksup demo my-demo         then look at my-demo/out/report.html, edit my-demo/lfs.py, and `weaksup run my-demo`
"""


@click.command("demo", epilog=EPILOG)
@click.argument("folder", type=click.Path(), default="weaksup-demo")
@click.option("--force", is_flag=True, help="Write over files of an earlier project.")
@as_json
@click.pass_context
def command(ctx: click.Context, folder: str, force: bool, as_json: bool) -> None:
    """Label 5,587 support tickets, offline: labeling functions, label model, a SIMULATED model, a student.

    Leaves the whole project in FOLDER, to play with. The true labels are used to score, and by the SIMULATED model.
    """
    from weaksup.cli import render
    from weaksup.cli.run import command as run
    from weaksup.demo import write_demo

    write_demo(folder, force=force)
    render.note(f"the project is in {folder}; the model in it is SIMULATED")
    ctx.invoke(run, folder=folder, as_json=as_json)
