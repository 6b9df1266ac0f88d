"""The way of a request, read top to bottom: each step goes on or answers."""

from mockserver.engine.call import Call, Reply, error_reply
from mockserver.engine.line import Engine
from mockserver.engine.trail import Dials

__all__ = ["Call", "Dials", "Engine", "Reply", "error_reply"]
