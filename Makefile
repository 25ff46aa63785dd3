# What a developer types. `make help` lists it.

.DEFAULT_GOAL := help
.PHONY: help demo test bench static fmt lint servers clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: servers ## back up a sample application, restore it, prove the copy equal
	@echo "building pgstow; optimized across crates, that takes some minutes the first time"
	@cargo build --release --quiet
	@scripts/demo

# As static programs: what goes into the container image is what is tested.
test: lint servers decoders ## all checks and tests, on PostgreSQL 13 to 18
	RUSTFLAGS="-C target-feature=+crt-static" cargo test --no-fail-fast --target "$$(rustc -vV | sed -n 's/^host: //p')"

bench: servers ## benchmarks
	cargo bench

static: ## the static binary of the container image, as target/pgstow
	scripts/build-static release target/pgstow

.PHONY: man
man: static ## manual pages and completions, made by the static binary, into target/man
	@mkdir -p target/man
	target/pgstow man --dir target/man
	for shell in bash zsh fish; do target/pgstow completions $$shell > target/man/pgstow.$$shell; done

fmt: ## format the source
	cargo fmt

lint: toolchain ## formatting and clippy, warnings being errors
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check; else \
		echo "cargo-deny is not installed: advisories are not looked up; licences are, by a test"; fi

servers: ## fetch the PostgreSQL servers and oracles of the tests, once
	@scripts/fetch-servers

.PHONY: decoders
decoders:
	@for program in gzip pigz python3; do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
		test -z "$$missing" || { echo "the tests of the gzip encoder need:$$missing; on Debian: apt-get install$$missing" >&2; exit 1; }

.PHONY: toolchain
toolchain:
	@cargo --version >/dev/null 2>&1 || { echo "Rust is missing: install it with rustup, 1.88 or newer" >&2; exit 1; }
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || \
		{ echo "adding rustfmt and clippy with rustup"; rustup component add rustfmt clippy; }

clean: ## throw the build directory away, servers included
	rm -rf target
