"""Where a tier may send to: https anywhere, plain http to this machine alone, and no secrets in the address."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from weaksup.errors import ConfigError

__all__ = ["OPENAI_URL", "checked_url", "is_loopback"]

OPENAI_URL = "https://api.openai.com/v1"


def checked_url(url: str, where: str) -> str:
    """Return the address without a slash at the end, or raise `ConfigError`; `where` names the tier."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f'{where}: expected a base_url like "{OPENAI_URL}", got "{url[:80]}"')
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            f"{where}: base_url must not hold a user, a password or a query; the key is read from api_key_env"
        )
    if parts.scheme == "http" and not is_loopback(url):
        raise ConfigError(f"{where}: plain http goes to this machine only, got {parts.hostname}; use https")
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Say whether an address is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
