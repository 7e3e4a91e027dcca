# Thin: each target calls one script, which says what it does.
.PHONY: demo demo-down test test-unit test-integration test-web test-restore test-fleet test-matrix lint sanity bench docs build clean

demo:
	@scripts/demo

demo-down:
	@scripts/demo-down

test:
	@scripts/test

test-unit:
	@scripts/test unit

test-integration:
	@scripts/test integration

test-web:
	@scripts/test web

test-restore:
	@scripts/test restore

test-fleet:
	@scripts/test fleet

test-matrix:
	@scripts/matrix

lint:
	@scripts/lint

sanity:
	@scripts/sanity

bench:
	@scripts/bench

docs:
	@scripts/docs

build:
	@scripts/build

clean:
	@scripts/clean
