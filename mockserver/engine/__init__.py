"""The way of a request, read top to bottom: each step goes on or answers."""

from mockserver.engine.call import Call, Reply, error_reply
from mockserver.engine.line import VALIDATION, Engine
from mockserver.engine.render import ANSWERS
from mockserver.engine.trail import Dials

__all__ = ["ANSWERS", "VALIDATION", "Call", "Dials", "Engine", "Reply", "error_reply"]
