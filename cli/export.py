"""`weaksup export`: a distilled classifier in the forms that other programs read."""

from __future__ import annotations

import click

from weaksup.cli.options import as_json

__all__ = ["command"]

FORMATS = ["onnx", "safetensors", "sklearn-free", "hf"]
EPILOG = """\b
Examples:
  weaksup export student --format onnx -o spam.onnx
  weaksup export student --format safetensors -o spam.safetensors
  weaksup export student --format sklearn-free -o spam && python spam/predict.py texts.txt
  weaksup export student --format hf -o spam-on-the-hub
"""


@click.command("export", epilog=EPILOG)
@click.argument("bundle")
@click.option("-o", "--output", metavar="OUT", required=True, help="A new folder; for one file NAME.onnx/.safetensors.")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="What to write.")
@as_json
def command(*, bundle: str, output: str, form: str, as_json: bool) -> None:
    """Write BUNDLE, the folder that `weaksup distill` wrote, in another form.

    onnx: the model file, raw text in, for any onnxruntime. safetensors: weights and vocabulary. sklearn-free: a folder
    with one Python file that predicts the same with numpy alone. hf: a folder for the Hugging Face Hub. Every byte of
    the bundle is checked first; a folder with other files is never written to.
    """
    from weaksup.cli import render
    from weaksup.distill import export_bundle

    done = export_bundle(bundle, output, format=form)
    if as_json:
        render.emit_json({"output": output, "format": form, "files": done.files})
        return
    size = sum(done.files.values())
    shown = f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"
    render.line(f"{bundle} as {form} -> {output} ({', '.join(done.files)}; {shown})")
