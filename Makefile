# Every target is named in the list that `make` prints.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

ENGINE := deploy/engine/node_modules/.package-lock.json
KAFKA := deploy/kafka/lib/.installed
PAGE := dashboards/dist/index.html
PAGE_SOURCES := $(shell find dashboards -name node_modules -prune -o -name dist -prune -o -name test-results -prune \
	-o -type f \( -name '*.ts' -o -name '*.css' -o -name '*.html' -o -name '*.json' -o -name '*.svg' \) -print)
SDKS := ingest/collect/sdktest/node_modules/.package-lock.json
LINTER := .tools/golangci-lint-v2.15.0

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: engine build ## simulate a year of business and serve it at http://127.0.0.1:8080
	./clew demo

.PHONY: test
test: engine dashboards ## run the tests, but no faults and SDKs: Go with the race detector, the page, and it in Chromium
	cd dashboards && npm run --silent check && npm test --silent
	go vet ./...
	go test -race -shuffle=on -timeout 20m $$(go list ./... | grep -v /faulttest$$)

.PHONY: test-fast
test-fast: ## run the Go tests that need neither engine nor browser, in seconds
	go test -short ./...

.PHONY: test-kafka
test-kafka: kafka ## run the ingest tests against Apache Kafka (needs Java 17 and Maven)
	CLEW_TEST_KAFKA=1 go test -count=1 -p 1 -timeout 10m ./ingest ./ingest/stream/...

.PHONY: test-faults
test-faults: engine kafka ## kill, cut and starve ingest in every way for a quarter of an hour, and count what is lost or doubled
	CLEW_TEST_FAULTS=1 go test -count=1 -timeout 50m ./transform/warehouse/faulttest -v | grep --line-buffered -v '^=== '

.PHONY: test-sdk
test-sdk: engine $(SDKS) ## send with the SDKs of Segment and RudderStack through faults, and count what is lost or doubled
	CLEW_TEST_SDK=1 go test -count=1 -timeout 20m -v -run '^TestSDKs$$' . | grep -v '^=== RUN'

.PHONY: e2e
e2e: engine dashboards ## run the built program as a user would, and look at its page in Chromium
	go test -count=1 -timeout 20m -v -run 'TestProgram' .

.PHONY: bench
bench: engine ## run every benchmark
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: bench-ingest
bench-ingest: engine ## drain 3 M events beside ClickHouse's own Kafka engine, and measure freshness at 50 k events/s
	go test -count=1 -v -timeout 60m -run '^TestIngest(BesideKafkaEngine|Freshness)$$' . -ingest.trials \
		-ingest.events 3000000 -ingest.runs 3 -ingest.rate 50000 -ingest.seconds 60

.PHONY: bench-transform
bench-transform: engine ## compute the derived tables of 20 M events of 2 M leads, and again after 1 % of the leads changed
	go test -count=1 -v -timeout 30m -run '^TestTransformTrial$$' ./transform -transform.trials -transform.events 20000000

.PHONY: lint
lint: $(LINTER) dashboards ## check style and formatting
	$(LINTER) run ./...
	$(LINTER) fmt --diff
	go mod tidy -diff

.PHONY: build
build: dashboards ## build ./clew with the page inside
	go build -trimpath -o clew .

.PHONY: engine
engine: $(ENGINE) ## install the ClickHouse engine (libchdb) into deploy/engine

$(ENGINE): deploy/engine/package-lock.json
	cd deploy/engine && npm ci --no-audit --no-fund
	@touch $@

.PHONY: kafka
kafka: $(KAFKA) ## install Apache Kafka for test-kafka into deploy/kafka/lib

$(KAFKA): deploy/kafka/pom.xml
	@for tool in java mvn; do command -v $$tool >/dev/null || { echo "no $$tool: Apache Kafka needs Java 17 and" \
		"Maven (apt-get install openjdk-17-jre-headless maven)"; exit 1; }; done
	rm -rf deploy/kafka/lib
	cd deploy/kafka && mvn -q -B dependency:copy-dependencies
	@touch $@

$(SDKS): ingest/collect/sdktest/package-lock.json
	cd ingest/collect/sdktest && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: dashboards
dashboards: $(PAGE) ## install the web packages and build the page

dashboards/node_modules/.package-lock.json: dashboards/package-lock.json
	cd dashboards && npm ci --no-audit --no-fund
	@touch $@

$(PAGE): dashboards/node_modules/.package-lock.json $(PAGE_SOURCES)
	cd dashboards && npm run --silent build
	@touch $@

$(LINTER):
	GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	mv .tools/golangci-lint $@
