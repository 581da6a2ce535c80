"""`weaksup serve`, as a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from weaksup.cli import main

TOKEN = "a-token-of-more-than-22-characters"
# Refused, not only absent from sys.modules: some libraries import others where they find them.
WITHOUT = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in 'torch sklearn pandas scipy pyarrow onnx snorkel spacy rich openai'.split():
            raise ImportError(name)
sys.meta_path.insert(0, Without())
from weaksup.cli import main
try:
    main(['serve', *sys.argv[1:]])
finally:
    allowed = set(sys.stdlib_module_names) | set('''__main__ __mp_main__ _distutils_hack weaksup numpy onnxruntime click
        fastapi starlette pydantic pydantic_core uvicorn h11 anyio sniffio idna prometheus_client opentelemetry
        annotated_types annotated_doc typing_extensions typing_inspection'''.split())
    names = {name.partition('.')[0] for name in sys.modules}
    print('loaded:', *sorted(name for name in names - allowed if not name.startswith(('_', 'sitecustomize'))))
    print('exporters:', 'opentelemetry.sdk' in sys.modules)
"""


@pytest.fixture
def here(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(packed, "student")
    return tmp_path


@contextmanager
def started(
    *args: str, code: str | None = None, env: dict[str, str] | None = None
) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Start a server on a free port and wait until it says where it listens."""
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "weaksup", "serve"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*command, "student", "--port", "0", *args],
        stdout=pipe,
        stderr=pipe,
        text=True,
        env={**os.environ, **(env or {})},
    )
    try:
        assert process.stdout
        said = process.stdout.readline()
        port = re.search(r"http://[\w.\[\]:]+:(\d+);", said)
        assert port, said + (process.stderr.read() if process.stderr and not said else "")
        yield int(port[1]), process
    finally:
        process.kill()
        process.communicate()


def ask(port: int, text: str, **headers: str) -> dict[str, object]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("POST", "/predict", json.dumps({"text": text}), {"Content-Type": "application/json", **headers})
    reply = line.getresponse()
    found: dict[str, object] = {"status": reply.status, **json.loads(reply.read())}
    line.close()
    return found


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except ConnectionError:
        return False
    return True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_answers_until_it_is_told_to_stop(here: Path, number: signal.Signals, code: int) -> None:
    with started("--abstain-below", "0.5") as (port, process):
        assert ask(port, "the invoice")["predictions"][0]["label"] == "billing"  # type: ignore[index]
        idle = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        idle.request("GET", "/healthz")
        assert idle.getresponse().read() == b'{"status":"ok"}'
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        idle.close()
    assert (process.returncode, out) == (code, "")
    assert err == "stopped; requests that were begun are answered\n"


def test_it_says_in_json_where_it_answers(here: Path) -> None:
    command = [sys.executable, "-m", "weaksup", "serve", "student", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = ""
        while not said.endswith("}\n"):
            said += process.stdout.readline()
        found = json.loads(said)
        assert (found["model"], found["labels"]) == ("student", ["billing", "bug", "how"])
        assert ask(int(found["url"].removeprefix("http://127.0.0.1:")), "crash")["status"] == 200
        process.terminate()


def test_a_request_that_was_begun_is_answered_after_the_signal(here: Path) -> None:
    body = b'{"text": "crash"}'
    with started() as (port, process):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        line.putrequest("POST", "/predict")
        line.putheader("Content-Type", "application/json")
        line.putheader("Content-Length", str(len(body)))
        line.endheaders(body[:5])
        assert ask(port, "crash")["status"] == 200  # so the first one has arrived, too
        process.send_signal(signal.SIGTERM)
        line.send(body[5:])
        reply = line.getresponse()
        assert json.loads(reply.read())["predictions"][0]["label"] == "bug"
        line.close()
        assert process.wait(60) == 143


def test_a_second_signal_stops_at_once(here: Path) -> None:
    with started("--timeout", "500") as (port, process):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        line.putrequest("POST", "/predict")
        line.putheader("Content-Type", "application/json")
        line.putheader("Content-Length", "100")
        line.endheaders(b"{")
        assert ask(port, "crash")["status"] == 200
        process.send_signal(signal.SIGINT)
        while is_listening(port):
            continue
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        line.close()


def test_the_server_loads_onnxruntime_numpy_and_fastapi_alone(here: Path) -> None:
    env = {"LC_ALL": "C", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "FASTAPI_OTEL_AUTO_CONFIGURE": "true"}
    with started(code=WITHOUT, env=env) as (port, process):
        assert ask(port, "the invoice")["status"] == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert out == "loaded:\nexporters: False\n", err


def test_a_token_from_a_file_or_the_environment_is_needed_and_never_shown(here: Path) -> None:
    Path("token").write_text(TOKEN)
    Path("token").chmod(0o600)
    for args, env in ((["--token-file", "token"], {}), (["--host", "0.0.0.0"], {"WEAKSUP_SERVE_TOKEN": TOKEN})):
        with started(*args, env=env) as (port, process):
            assert ask(port, "a")["status"] == 401
            assert ask(port, "a", Authorization=f"Bearer {TOKEN}")["status"] == 200
            assert TOKEN not in Path(f"/proc/{process.pid}/cmdline").read_text()
            process.terminate()
            assert TOKEN not in "".join(process.communicate(timeout=60))


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["nope"], "but there is no folder nope"),
        (["student", "--host", "0.0.0.0"], "expected a token for 0.0.0.0, which others can reach"),
        (["student", "--host", "nowhere.invalid"], "expected an address of this machine"),
        (["student", "--token-file", "no"], "cannot read the token file no"),
        (["student", "--token-file", "open"], "chmod 600 open"),
        (["student", "--abstain-below", "1.5"], "expected a probability from 0 to 1, got 1.5"),
        (["student", "--abstain-below", "nan"], "expected a probability from 0 to 1, got nan"),
        (["student", "--max-batch", "0"], "limit batch: expected at least 1"),
        (["student", "--timeout", "inf"], "limit timeout: expected seconds above 0"),
        (["student", "--allow-host", "a/b"], "--allow-host: expected a name"),
    ],
)
def test_bad_options_are_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, args: list[str], expected: str
) -> None:
    monkeypatch.delenv("WEAKSUP_SERVE_TOKEN", raising=False)
    Path("open").write_text(TOKEN)
    Path("open").chmod(0o644)
    with pytest.raises(SystemExit) as done:
        main(["serve", *args])
    told = capsys.readouterr()
    assert done.value.code == 2
    assert expected in told.err
    assert (told.err.count("\n"), told.out) == (1, "")


def test_without_the_extra_the_line_that_installs_it_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("weaksup.serve")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette.exceptions", None)
    with pytest.raises(SystemExit) as done:
        main(["serve", "student"])
    assert done.value.code == 2
    assert "pip install 'weaksup[serve]'" in capsys.readouterr().err
