"""`weaksup serve`: answer over HTTP with a distilled classifier."""

from __future__ import annotations

import click

from weaksup.cli.options import abstaining, as_json, find_threshold

__all__ = ["command"]


EPILOG = """\b
Examples:
  weaksup serve student/
  curl -s localhost:8000/predict -H 'content-type: application/json' -d '{"text": "call now to win"}'
  weaksup serve student/ --host 0.0.0.0 --token-file token --abstain-below 0.8
"""


@click.command("serve", epilog=EPILOG)
@click.argument("model")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others need a token.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--token-file", metavar="FILE", help="Clients must send its token; else from $WEAKSUP_SERVE_TOKEN.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name that clients call the server by; repeatable.")
@abstaining
@click.option("--max-batch", default=1_000, show_default=True, help="Texts in a request.")
@click.option("--max-body", default=4 << 20, show_default=True, metavar="BYTES", help="Of a request.")
@click.option("--max-text", default=100_000, show_default=True, metavar="BYTES", help="Of one text.")
@click.option("--max-concurrent", default=64, show_default=True, help="Requests that may wait for an answer.")
@click.option("--max-connections", default=512, show_default=True, help="Connections that may be open.")
@click.option("--timeout", default=30.0, show_default=True, metavar="SECONDS", help="For each step of a request.")
@as_json
def command(
    *,
    model: str,
    host: str,
    port: int,
    token_file: str | None,
    allow_host: tuple[str, ...],
    abstain_below: float | None,
    precision: float | None,
    max_batch: int,
    max_body: int,
    max_text: int,
    max_concurrent: int,
    max_connections: int,
    timeout: float,
    as_json: bool,
) -> int:
    """Answer POST /predict with MODEL, the folder that `weaksup distill` wrote; also GET /labels, /healthz, /metrics.

    It listens on this machine alone unless --host says otherwise; then clients must send a token. Ctrl-C finishes the
    requests that were begun (exit code 130, and 143 after SIGTERM).
    """
    from weaksup.cli import render
    from weaksup.distill import load_bundle
    from weaksup.errors import MissingExtra

    try:
        from weaksup.serve import Access, Limits, listen, make_app, make_server, read_token, run
    except ModuleNotFoundError as error:
        raise MissingExtra(f"serve needs {error.name}, which is not installed; pip install 'weaksup[serve]'") from None
    limits = Limits(max_batch, max_body, max_text, timeout, max_concurrent, max_connections)
    access = Access(read_token(token_file), allow_host)
    student = load_bundle(model)
    abstain_below = find_threshold(student, abstain_below, precision)
    app = make_app(student, limits=limits, access=access, abstain_below=abstain_below)
    listening = listen(host, port, access)
    address, found = listening.getsockname()[:2]
    url = f"http://[{address}]:{found}" if ":" in address else f"http://{address}:{found}"
    if as_json:
        render.emit_json({"model": model, "labels": student.classes, "url": url})
    else:
        render.line(f"{model} ({len(student.classes)} labels) answers on {url}; Ctrl-C stops it")
    code = run(make_server(app, limits), listening)
    render.note("stopped; requests that were begun are answered")
    return code
