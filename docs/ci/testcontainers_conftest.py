"""conftest.py: one sandbox a test run, one world a test; `pip install 'testcontainers>=4.13'`."""

import uuid
from collections.abc import Iterator

import pytest
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import HealthcheckWaitStrategy


@pytest.fixture(scope="session")
def flagright_url() -> Iterator[str]:
    """The sandbox's base URL, once the image says that it is healthy."""
    sandbox = (
        DockerContainer("ghcr.io/OWNER/flagright-mockserver:0.1")
        .with_env("MOCKSERVER_OUTCOME", "clean")
        .with_exposed_ports(4080)
        .waiting_for(HealthcheckWaitStrategy())
    )
    with sandbox:
        yield f"http://{sandbox.get_container_host_ip()}:{sandbox.get_exposed_port(4080)}"


@pytest.fixture
def flagright_key() -> str:
    """A key of its own for each test: a key world-NAME has its own users, so no test sees another's."""
    return f"world-{uuid.uuid4().hex}"
