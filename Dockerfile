# The sandbox as a service container. Everything is set by MOCKSERVER_* variables; see docs/ci.md.
# It needs no shell, no capability, no writable root and no network but its own port.

FROM python:3.12-slim-bookworm AS build
WORKDIR /src
# A venv without pip: the final image gets what runs, and nothing that installs.
RUN python -m venv --without-pip /app
# The pins change seldom, so their layers come before the code's.
COPY requirements/build.txt requirements/image.txt requirements/
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore \
      --require-hashes -r requirements/build.txt \
 && pip --python /app/bin/python install --no-cache-dir --disable-pip-version-check --no-compile \
      --require-hashes -r requirements/image.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY fixtures fixtures
COPY mockserver mockserver
# The bytecode is made here, since a read-only root cannot keep any; "unchecked-hash" leaves out the look at each
# source file, whose times do not survive every way that an image is copied.
RUN python -m hatchling build -t wheel -d /dist \
 && pip --python /app/bin/python install --no-cache-dir --disable-pip-version-check --no-compile --no-deps /dist/*.whl \
 && /app/bin/python -m compileall -q --invalidation-mode unchecked-hash /app/lib

FROM python:3.12-slim-bookworm
ARG VERSION=dev
LABEL org.opencontainers.image.title="flagright-mockserver" \
      org.opencontainers.image.description="An unofficial sandbox of the Flagright user API: no network, no real data." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
ENV PATH=/app/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MOCKSERVER_HOST=0.0.0.0 \
    MOCKSERVER_PORT=4080
COPY --from=build /app /app
# By number, so that an orchestrator can see that it is not root.
USER 65532:65532
EXPOSE 4080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=3s --timeout=3s --start-period=15s --retries=5 CMD ["mockserver", "healthcheck"]
ENTRYPOINT ["mockserver"]
CMD ["serve"]
