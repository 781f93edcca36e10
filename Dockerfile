# The image of this project's programs in docker-compose.yml: Airflow, MLflow, Spark, and the `nightjar` command.
# Three lock files with hashes pin its packages; the build tools are not in the image.

FROM python:3.11.15-slim-bookworm AS build

RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /build
COPY requirements.lock requirements.image.lock requirements.build.lock ./
RUN python -m venv --without-pip /opt/venv \
    && awk '/^uv==/ {found = 1} found {print; if ($0 !~ /\\$/) exit}' requirements.lock > uv.lock \
    && python -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r uv.lock

# By default both are compiled for the processor of the build; the image must run on others, too.
ENV LIGHTFM_NO_CFLAGS=1 HNSWLIB_NO_NATIVE=1
RUN /opt/uv/bin/uv pip sync --python /opt/venv/bin/python --no-cache --compile-bytecode \
        --require-hashes --preview-features build-dependency-hashes \
        --build-constraints requirements.build.lock --require-build-hashes requirements.image.lock

COPY pyproject.toml README.md LICENSE /opt/nightjar/
COPY dags /opt/nightjar/dags
COPY dbt_project /opt/nightjar/dbt_project
COPY ml /opt/nightjar/ml
COPY spark_jobs /opt/nightjar/spark_jobs
COPY nightjar /opt/nightjar/nightjar
RUN /opt/uv/bin/uv pip install --python /opt/venv/bin/python --no-cache --no-deps \
        --preview-features build-dependency-hashes \
        --build-constraints requirements.build.lock --require-build-hashes --editable /opt/nightjar \
    && /opt/venv/bin/python -m compileall -q /opt/nightjar


FROM python:3.11.15-slim-bookworm

# Spark needs Java and ps, LightFM and implicit need OpenMP. Debian's man pages folder is missing in slim images.
RUN mkdir -p /usr/share/man/man1 \
    && apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless libgomp1 procps \
    && rm -rf /var/lib/apt/lists/*

# A new volume gets the owner of the folder that it is mounted on.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin nightjar \
    && install -d -o nightjar -g nightjar \
        /var/lib/nightjar /var/lib/nightjar/lake /var/lib/nightjar/airflow /var/lib/mlflow /var/lib/spark

COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/nightjar /opt/nightjar

ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NIGHTJAR_HOME=/var/lib/nightjar

WORKDIR /opt/nightjar
USER 10001:10001

# No HEALTHCHECK: the image runs many programs; docker-compose.yml has a check for each.
CMD ["nightjar", "--help"]
