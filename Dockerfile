# Build: docker build -t recuento .
# Run with nginx: deploy/compose.yaml. Alone, with whatever proxy has the address 172.17.0.1:
#        docker run --detach --name recuento --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#          --env RECUENTO_TRUSTED_PROXIES=172.17.0.1 --env RECUENTO_COUNTRY=VE --env RECUENTO_RELEASED_FROM=2026-01-08 \
#          -p 127.0.0.1:8000:8000 -v recuento:/data recuento

# By digest: what is built is what was looked at. A newer one comes by a change of this line.
ARG PYTHON=python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/recuento
WORKDIR /src
# The dependencies are a layer of their own, so that a change of our code does not fetch them again.
COPY requirements.txt .
RUN /opt/recuento/bin/pip install --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY migrations migrations
RUN /opt/recuento/bin/pip install --no-deps --no-build-isolation . \
    && /opt/recuento/bin/pip uninstall --yes setuptools pip

FROM ${PYTHON}
RUN useradd --system --user-group --uid 10001 --home-dir /data --shell /usr/sbin/nologin recuento \
    && install --directory --owner recuento --group recuento --mode 0700 /data
COPY --from=build /opt/recuento /opt/recuento
ENV PATH=/opt/recuento/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RECUENTO_DATABASE_URL=sqlite:////data/recuento.db
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"RECUENTO_PORT\", \"8000\")}/healthz', timeout=4)"]
CMD ["recuento", "serve", "--host", "0.0.0.0"]
