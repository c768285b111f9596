# The app for a team, by the commands of the README. docs/hosting.md says what belongs in front of it.
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home planner

WORKDIR /home/planner/app
COPY --chown=planner pyproject.toml README.md LICENSE Makefile app.py ./
COPY --chown=planner .ci .ci
COPY --chown=planner .streamlit .streamlit
COPY --chown=planner planner planner
COPY --chown=planner data data
RUN chown planner .

USER planner
RUN make .venv/app

EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD [".venv/bin/python", "-c", "import urllib.request as r; r.urlopen('http://localhost:8501/healthz', timeout=4)"]
CMD [".venv/bin/python", "-m", "streamlit", "run", "app.py", "--server.address", "0.0.0.0"]
