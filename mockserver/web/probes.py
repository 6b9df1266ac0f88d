"""Whether it lives, whether it is ready, and its figures: what an orchestrator and Prometheus ask for. No key."""

from __future__ import annotations

from flask import Blueprint, Response

from mockserver.contract.parse import json_bytes
from mockserver.engine import Engine
from mockserver.errors import Unavailable


def probes_blueprint(engine: Engine) -> Blueprint:
    """/livez, /readyz and /metrics."""
    blueprint = Blueprint("probes", __name__)

    @blueprint.get("/livez")
    def livez() -> Response:
        return Response(b'{"status":"alive"}', 200, content_type="application/json")

    @blueprint.get("/readyz")
    def readyz() -> Response:
        try:
            engine.store.ping()
            body = {"status": "ready", "worlds": len(engine.store.worlds())}
        except Unavailable as error:
            waiting = {"status": "not ready", "message": error.message}
            return Response(json_bytes(waiting), 503, dict(error.headers), content_type="application/json")
        return Response(json_bytes(body), 200, content_type="application/json")

    @blueprint.get("/metrics")
    def metrics() -> Response:
        try:
            from mockserver.web.metrics import exposition
        except ImportError:
            message = "prometheus-client is not installed: pip install 'flagright-mockserver[metrics]'"
            return Response(json_bytes({"message": message}), 501, content_type="application/json")
        body, content_type = exposition(engine.store)
        return Response(body, 200, content_type=content_type)

    return blueprint
