# The words a contributor needs; CI uses the same script. Without make: python3 scripts/test.py WORD
PYTHON ?= python3

.PHONY: help setup lint types floors test slow wheel docs check demo
help:
	@echo "make setup | lint | types | floors | test | slow | wheel | docs | check (all but wheel and docs) | demo"
setup lint types floors wheel docs:
	@$(PYTHON) scripts/test.py $@
test:
	@$(PYTHON) scripts/test.py tests --quick
slow:
	@$(PYTHON) scripts/test.py tests -- -m slow
check:
	@$(PYTHON) scripts/test.py
demo:
	@$(PYTHON) scripts/demo.py
