# The gateway, without anything of its development. Build: docker build -t parley .

FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/parley
COPY requirements-run.lock ./
# Only what the lock names, by its hash; the build backend is among it.
RUN /opt/parley/bin/pip install --require-hashes --only-binary :all: --requirement requirements-run.lock
COPY . .
RUN /opt/parley/bin/pip install --no-deps --no-index --no-build-isolation . \
    && /opt/parley/bin/pip uninstall --yes hatchling pathspec pluggy trove-classifiers pip

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --home-dir /var/lib/parley --create-home --shell /usr/sbin/nologin parley \
    && chmod 0700 /var/lib/parley && mkdir /etc/parley
COPY --from=build /opt/parley /opt/parley
ENV PATH=/opt/parley/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PARLEY_DATA_DIR=/var/lib/parley/data \
    PARLEY_HOST=0.0.0.0 \
    PARLEY_LOG_FORMAT=json
# parley.toml is looked for here
WORKDIR /etc/parley
USER 10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.getenv(\"PARLEY_PORT\", \"8080\")}/readyz', timeout=2)"]
ENTRYPOINT ["parley"]
CMD ["serve"]
