"""Build the wheel, install it in a clean environment, and run its console script; run by `make wheel`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Fail with a word on the first thing that a person who installs the wheel would stumble over."""
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        os.chdir(folder)  # or Python would import the checkout it stands in
        _run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
        wheel = next(folder.glob("*.whl"))
        names = zipfile.ZipFile(wheel).namelist()
        tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
        assert tops == {"weaksup"}, f"the wheel's top-level names are {tops}"
        assert not [name for name in names if name.endswith(".pth")], "the wheel holds a .pth file"
        # The clean environment borrows the dependencies that setup installed, never the checkout itself.
        venv.create(folder / "clean", with_pip=True)
        python = folder / "clean" / "bin" / "python"
        _run(python, "-m", "pip", "install", "-q", "--no-deps", wheel)
        site = _out(sys.executable, "-c", "import click; print(click.__path__[0])").rsplit("/", 1)[0]
        target = _out(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        clean = {"PYTHONPATH": _view(Path(site), folder / "deps"), "PATH": "/usr/bin:/bin"}
        where = _out(python, "-c", "import weaksup; print(weaksup.__file__)", env=clean)
        assert where.startswith(target), f"weaksup came from {where}, not from the wheel"
        script = folder / "clean" / "bin" / "weaksup"
        assert "Verbs" in _out(script, "--help", env=clean)
        _run(script, "init", folder / "starter", env=clean)
        print(_out(script, "run", folder / "starter", env=clean))
    print("wheel: ok")


def _view(site: Path, deps: Path) -> str:
    """Link every installed dependency, but not the checkout's own editable install, into one folder."""
    deps.mkdir()
    for item in site.iterdir():
        if "weaksup" not in item.name and item.suffix != ".pth":
            (deps / item.name).symlink_to(item)
    return str(deps)


def _run(*command: object, env: dict[str, str] | None = None) -> None:
    subprocess.run([str(part) for part in command], check=True, env=env)


def _out(*command: object, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([str(part) for part in command], check=True, env=env, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
