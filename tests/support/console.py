"""Asking the console's own application."""

from __future__ import annotations

from collections.abc import Callable

import httpx

Call = Callable[..., httpx.Response]
"""``call(role, method, path)``: as a user of a role, or with None as nobody."""
