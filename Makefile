# `make` or `make help` lists what there is. PYTHON=… chooses the Python to build with.
PYTHON ?= python3
VENV := .venv/bin
BOOTSTRAP := $(PYTHON) deploy/bootstrap.py

.PHONY: python help run demo test check format pictures bench soak homeassistant djangoca lock

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Run: sudo apt install python3 python3-venv"; exit 1; }

run: python ## install what is missing and start everything
	@$(BOOTSTRAP) up

demo: python ## the same with a throw-away data folder, people, and requests in every state
	@LATCHKEY_DATA=var/demo $(BOOTSTRAP) demo

test: python ## install what the tests need and run all of them
	@$(BOOTSTRAP) --dev --packages
	$(VENV)/python -m pytest -n 3

check: python ## formatting, lint, types, import walls, the fast tests
	@$(BOOTSTRAP) --dev
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/python -m pytest -n 2 -m "not slow"

format: python ## put the code into its format
	@$(BOOTSTRAP) --dev
	$(VENV)/ruff format .
	$(VENV)/ruff check --fix .

pictures: python ## take the pictures of README and docs anew
	@$(BOOTSTRAP) --dev --packages
	DJANGO_SETTINGS_MODULE=tests.settings $(VENV)/python -m tests.browser.docs_pictures

bench: python ## measure, as ratios in one run
	@$(BOOTSTRAP) --dev --packages
	$(VENV)/python -m bench

soak: python ## run hard: kills, damaged input, full disks, wrong clocks; ONLY=name SCALE=0.01 for a part
	@$(BOOTSTRAP) --dev --packages
	$(VENV)/python -m tests.soak $(if $(ONLY),--only $(ONLY)) $(if $(SCALE),--scale $(SCALE))

homeassistant: python ## install Home Assistant beside, and let it find and open doors
	@$(BOOTSTRAP) --dev --packages
	@test -d var/home-assistant || $(VENV)/uv venv --quiet --python 3.11 var/home-assistant
	@$(VENV)/uv pip install --quiet --python var/home-assistant/bin/python -r tests/door/home-assistant.txt
	HOME_ASSISTANT=$(CURDIR)/var/home-assistant $(VENV)/python -m pytest tests/door/test_home_assistant.py

djangoca: python ## install django-ca beside, and measure OCSP and lists beside its own
	@$(BOOTSTRAP) --dev --packages
	@test -d var/django-ca || $(VENV)/uv venv --quiet --python 3.11 var/django-ca
	@$(VENV)/uv pip install --quiet --python var/django-ca/bin/python --require-hashes -r bench/django_ca_site/requirements.txt
	$(VENV)/python -m bench django_ca

lock: python ## pin the newest fitting versions in requirements*.txt
	@$(BOOTSTRAP) --dev
	$(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --upgrade requirements.in --output-file requirements.txt
	$(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --upgrade requirements-postgresql.in --output-file requirements-postgresql.txt
	$(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --upgrade requirements-dev.in --output-file requirements-dev.txt
