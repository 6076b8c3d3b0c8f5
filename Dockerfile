# syntax=docker/dockerfile:1
# The image of the agent. Any base with Python 3.11 or newer and its venv module will do; pin one by digest for a release:
#   --build-arg BASE=python:3.11-slim@sha256:...
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /build
RUN python3 -m venv tools && python3 -m venv --without-pip /opt/reachd
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_QUIET=1
COPY requirements.lock requirements-build.lock ./
RUN tools/bin/pip install --require-hashes --only-binary=:all: -r requirements-build.lock \
    && tools/bin/pip wheel --require-hashes --no-build-isolation --wheel-dir wheels -r requirements.lock
COPY pyproject.toml README.md ./
COPY agent agent
# The byte code is never compared with its source: quick to start, and right on a read-only root file system.
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && tools/bin/pip --python /opt/reachd/bin/python install --no-deps --no-index --no-compile wheels/*.whl \
    && /opt/reachd/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/reachd/lib

FROM ${BASE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="reachd" \
      org.opencontainers.image.description="Watches every connection a service-management platform depends on" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/reachd/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=build /opt/reachd /opt/reachd
USER 65532:65532
EXPOSE 9886
ENTRYPOINT ["/opt/reachd/bin/reachd"]
CMD ["run", "--config", "/etc/reachd"]
