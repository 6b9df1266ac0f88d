"""HTTP's edge: the one place that knows Flask."""

from mockserver.web.app import create_app

__all__ = ["create_app"]
