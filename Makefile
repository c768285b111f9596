PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt

.PHONY: app test check demo clean

app: .venv/app  ## Serve the page on http://localhost:8501
	$(BIN)/python -m streamlit run app.py

test: .venv/test  ## Run the tests
	$(BIN)/python -m pytest

check: .venv/test .venv/check  ## Lint, types and floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

demo: .venv/demo  ## From text to a costed plan: corpus, sweep, fit, plan, cost, advice, report
	$(BIN)/python -m experiments run cpu --out demo-out/sweep
	$(BIN)/python -m experiments export --out demo-out/sweep > demo-out/runs.csv
	$(BIN)/planner fit demo-out/runs.csv
	$(BIN)/planner plan --budget-flops 1e14 --runs demo-out/runs.csv
	$(BIN)/planner plan --budget-usd 2M --cluster "256x h100"
	$(BIN)/planner cost --params 70B --tokens 1.3T --cluster "256x h100"
	$(BIN)/planner advise --set task=general --set wish=pretrain --set budget_usd=2M --set team=infra --set weeks=52
	$(BIN)/planner report --budget-usd 2M --cluster "256x h100" --law besiroglu-2024 --runs demo-out/runs.csv \
		--out demo-out/report.html

clean:  ## Remove the environment and what the demo made
	rm -rf .venv demo-out

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/app: pyproject.toml .ci/constraints.txt | .venv/bin/python
	$(PIP) --editable '.[app]'
	touch $@

# torch by name first: the constraint then holds whatever another package asks for.
.venv/torch: .ci/constraints.txt | .venv/bin/python
	$(PIP) torch
	touch $@

.venv/demo: pyproject.toml .venv/torch
	$(PIP) --editable '.[plot,sweep]'
	touch $@

.venv/test: pyproject.toml .venv/torch
	$(PIP) --editable '.[plot,app,sweep,test]'
	touch $@

.venv/check: pyproject.toml .venv/torch
	$(PIP) --editable '.[check]'
	touch $@
