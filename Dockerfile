# The image of every pipeline step, of the MLflow server in infra/ and of the commands.
# docker build -t mtlser:0.1.0 .
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
RUN python3 -m venv /opt/mtlser
ENV PATH=/opt/mtlser/bin:$PATH
# Dependencies first: a change of the code leaves this layer as it is.
COPY pyproject.toml constraints.txt ./
RUN python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > requirements.txt \
    && pip install --no-cache-dir -c constraints.txt -r requirements.txt
COPY README.md LICENSE ./
COPY mtlser mtlser
COPY components components
COPY pipeline pipeline
RUN pip install --no-cache-dir --no-deps .

FROM ${BASE_IMAGE}
# /data: a volume mounted there belongs to the user from the start.
RUN useradd --create-home --uid 10001 mtlser && install -d -o mtlser /data
COPY --from=build /opt/mtlser /opt/mtlser
ENV PATH=/opt/mtlser/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /home/mtlser
CMD ["mtlser", "--help"]
