# The image of every pipeline step, of the MLflow server in infra/ and of the commands: make image
ARG BASE_IMAGE=python:3.11.13-slim-bookworm@sha256:86adf8dbadc3d6e82ee5dd2c74bec2e1c2467cdad47886280501df722372d2e1

# Dependencies: a change of the code leaves this stage and its layer as they are.
FROM ${BASE_IMAGE} AS dependencies
# cuda: PyPI's torch, which runs on processors too. cpu: the smaller one, from CPU_INDEX.
ARG VARIANT=cuda
ARG CPU_INDEX=
# A package index of one's own, without credentials; and a certificate file in the build context.
ARG PIP_INDEX_URL=
ARG EXTRA_CERTIFICATE=
ENV PATH=/opt/mtlser/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY LICENSE ${EXTRA_CERTIFICATE} /certificates/
COPY pyproject.toml constraints.txt ./
# hadolint ignore=SC2102
RUN set -eu; \
    certificate="/certificates/$(basename "${EXTRA_CERTIFICATE:-LICENSE}")"; \
    if [ -n "$EXTRA_CERTIFICATE" ]; then export PIP_CERT="$certificate"; fi; \
    if [ -n "$PIP_INDEX_URL" ]; then export PIP_INDEX_URL; else unset PIP_INDEX_URL; fi; \
    python3 -m venv /opt/mtlser; \
    python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > requirements.txt; \
    case "$VARIANT" in \
      cuda) ;; \
      cpu) test -n "$CPU_INDEX" || { echo "VARIANT=cpu needs CPU_INDEX, the index of torch for processors" >&2; exit 1; }; \
        PIP_INDEX_URL="$CPU_INDEX" pip install -c constraints.txt torch torchaudio ;; \
      *) echo "VARIANT=$VARIANT: expected cuda or cpu" >&2; exit 1 ;; \
    esac; \
    pip install -c constraints.txt -r requirements.txt; \
    python3 -m venv /opt/build; \
    /opt/build/bin/pip install -c constraints.txt hatchling

# What the image holds, package by package with its licence, as CycloneDX.
FROM dependencies AS materials
ARG SBOM_TOOL=cyclonedx-bom==7.5.0
RUN set -eu; \
    certificate="/certificates/$(basename "${EXTRA_CERTIFICATE:-LICENSE}")"; \
    if [ -n "$EXTRA_CERTIFICATE" ]; then export PIP_CERT="$certificate"; fi; \
    if [ -n "$PIP_INDEX_URL" ]; then export PIP_INDEX_URL; else unset PIP_INDEX_URL; fi; \
    python3 -m venv /opt/sbom; \
    /opt/sbom/bin/pip install "$SBOM_TOOL"; \
    /opt/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml \
      --output-reproducible --of JSON -o /sbom.json /opt/mtlser/bin/python

# The code alone, to be laid over the dependencies.
FROM dependencies AS code
COPY README.md LICENSE ./
COPY mtlser mtlser
COPY components components
COPY pipeline pipeline
COPY infra/profiles infra/profiles
# A component's source imports `components`: /opt/mtlser/kubeflow, whatever Python the base has.
RUN PATH=/opt/build/bin:$PATH pip wheel --no-deps --no-build-isolation -w /wheels . \
    && python3 -m pip install --no-deps --prefix /opt/code /wheels/*.whl \
    && ln -s "$(python3 -c 'import sysconfig as s; print(s.get_path("purelib", vars={"base": "."}))')/mtlser/_kubeflow" /opt/code/kubeflow

FROM ${BASE_IMAGE}
# An init as the first process: it hands SIGTERM on, where a program without a handler would ignore it.
# hadolint ignore=DL3008
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/cache/debconf/*
# /data and /work: a volume mounted there belongs to the user from the start.
RUN useradd --create-home --uid 10001 mtlser && install -d -o mtlser /data /work
COPY --from=dependencies /opt/mtlser /opt/mtlser
COPY --from=materials /sbom.json /opt/mtlser/share/sbom.json
COPY --from=code /opt/code /opt/mtlser
ENV PATH=/opt/mtlser/bin:$PATH \
    HOME=/home/mtlser \
    GIT_PYTHON_REFRESH=quiet \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/mtlser/kubeflow \
    PYTHONUNBUFFERED=1
ARG COMMIT=
ENV MTLSER_COMMIT=$COMMIT
ARG BASE_IMAGE
# licenses: of mtlser itself; those of each package it holds are in the file that `sbom` names.
LABEL org.opencontainers.image.title="mtlser" \
      org.opencontainers.image.description="Multi-task speech emotion recognition: steps, commands, server" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$COMMIT" \
      org.opencontainers.image.base.name="$BASE_IMAGE" \
      io.mtlser.sbom="/opt/mtlser/share/sbom.json"
USER 10001
WORKDIR /home/mtlser
# Of the MLflow server; a step is over before it is asked.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/health', timeout=4)"]
ENTRYPOINT ["tini", "--"]
CMD ["mtlser", "--help"]
