# syntax=docker/dockerfile:1
ARG BASE_IMAGE=python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /build
COPY requirements.lock ./
# The secret is only for builds behind a private certificate authority; without it nothing changes.
RUN --mount=type=secret,id=ca_bundle,target=/run/secrets/ca_bundle \
    if [ -s /run/secrets/ca_bundle ]; then export PIP_CERT=/run/secrets/ca_bundle; fi; \
    python3 -m venv /opt/cwproxy && \
    /opt/cwproxy/bin/python -m pip install --no-cache-dir --quiet --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN /opt/cwproxy/bin/python -m pip install --no-cache-dir --quiet --no-build-isolation --no-deps . && \
    /opt/cwproxy/bin/python -m pip uninstall --quiet --yes pip hatchling editables && \
    /opt/cwproxy/bin/python -m compileall -q /opt/cwproxy/lib

FROM ${BASE_IMAGE}
RUN groupadd --gid 10001 cwproxy && \
    useradd --uid 10001 --gid cwproxy --no-create-home --home-dir /data --shell /usr/sbin/nologin cwproxy && \
    install -d -o cwproxy -g cwproxy -m 0700 /data
COPY --from=build /opt/cwproxy /opt/cwproxy
ENV PATH=/opt/cwproxy/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CWPROXY_HOME=/data \
    CWPROXY_HOST=0.0.0.0 \
    CWPROXY_PORT=3000 \
    CWPROXY_DRAIN=25
USER cwproxy
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["python3", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['CWPROXY_PORT'] + '/health', timeout=4)"]
ENTRYPOINT ["cwproxy"]
CMD ["serve"]
