# Each target calls one script, whose first lines say what it does.
.PHONY: demo demo-down test test-quick test-faults test-destinations lint bench docs build clean

demo:
	@scripts/demo

demo-down:
	@scripts/demo-down

test:
	@scripts/test

test-quick:
	@scripts/test quick

test-faults:
	@scripts/test-faults

test-destinations:
	@scripts/test-destinations

lint:
	@scripts/lint

bench:
	@scripts/bench $(ARGS)

docs:
	@scripts/docs

build:
	@scripts/build

clean:
	@scripts/clean
