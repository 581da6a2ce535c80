"""Answer over HTTP with a student from a bundle; it needs the extra `serve`, numpy and onnxruntime, no torch."""

from weaksup.serve.access import Access, read_token
from weaksup.serve.app import make_app
from weaksup.serve.limits import Limits
from weaksup.serve.server import Server, listen, make_server, run

__all__ = ["Access", "Limits", "Server", "listen", "make_app", "make_server", "read_token", "run"]
