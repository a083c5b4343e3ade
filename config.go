package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"clew/ingest/stream"
	"clew/transform/attribution"
	"clew/transform/cost"
)

// Config is everything an operator decides. It is read once: defaults, then the file, then the environment, then
// flags, each overriding the one before.
type Config struct {
	// DataDir holds the embedded engine and broker. Unused parts of it are not created.
	DataDir     string            `yaml:"data_dir"`
	Warehouse   WarehouseConfig   `yaml:"warehouse"`
	Kafka       KafkaConfig       `yaml:"kafka"`
	HTTP        HTTPConfig        `yaml:"http"`
	Collect     CollectConfig     `yaml:"collect"`
	Sources     SourcesConfig     `yaml:"sources"`
	Business    BusinessConfig    `yaml:"business"`
	Attribution AttributionConfig `yaml:"attribution"`
	Costs       CostsConfig       `yaml:"costs"`
	Privacy     PrivacyConfig     `yaml:"privacy"`
	SLA         SLAConfig         `yaml:"sla"`
	Scoring     ScoringConfig     `yaml:"scoring"`
	Jobs        JobsConfig        `yaml:"jobs"`
}

// WarehouseConfig says where ClickHouse is.
type WarehouseConfig struct {
	// DSN of a ClickHouse server, such as https://user:password@host:8443. Empty: the engine in this process.
	DSN      string `yaml:"dsn"`
	Database string `yaml:"database"`
	// Cluster is the server's cluster name, for ON CLUSTER and replicated tables. Empty: a single node.
	Cluster string `yaml:"cluster"`
	// MemoryMiB bounds the memory of one query.
	MemoryMiB int64 `yaml:"memory_mib"`
	// Library is the path of libchdb. Empty: where `make engine` puts it, then the system's library path.
	Library string `yaml:"library"`
}

// KafkaConfig says where Kafka is.
type KafkaConfig struct {
	// Brokers as host:port. Empty: the broker in this process.
	Brokers []string `yaml:"brokers"`
	// Listen is where the broker in this process serves producers during `clew serve`; other commands take a free port.
	Listen string `yaml:"listen"`
	// Group is the consumer group of ingest.
	Group string `yaml:"group"`
	// Partitions of a topic that does not exist yet.
	Partitions int `yaml:"partitions"`
	// Retention is how long the broker in this process keeps messages that are stored, for verify and for a warehouse that
	// is restored from an older backup. 0: for ever. Other brokers have settings of their own.
	Retention time.Duration `yaml:"retention"`
	SASL      SASLConfig    `yaml:"sasl"`
	TLS       TLSConfig     `yaml:"tls"`
}

// SASLConfig says who we are to brokers that ask.
type SASLConfig struct {
	// Mechanism is plain, scram-sha-256 or scram-sha-512. Empty: the brokers do not ask.
	Mechanism string `yaml:"mechanism"`
	Username  string `yaml:"username"`
	// Password stands in no file: it comes by CLEW_KAFKA_PASSWORD.
	Password string `yaml:"-"`
}

// TLSConfig says how connections to the brokers are encrypted. Their certificates are always verified.
type TLSConfig struct {
	Enabled bool `yaml:"enabled"`
	// CA is a PEM file with the authorities of the brokers' certificates. Empty: those of the system.
	CA string `yaml:"ca"`
	// Cert and Key are PEM files with our own certificate and key, for brokers that ask for one.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// ServerName is the name in the brokers' certificates. Empty: the host of each address.
	ServerName string `yaml:"server_name"`
}

// HTTPConfig says where the API listens.
type HTTPConfig struct {
	Addr string `yaml:"addr"`
}

// BusinessConfig says how the business tells its days.
type BusinessConfig struct {
	// Timezone is an IANA name: it decides which day a lead or a cost belongs to.
	Timezone string `yaml:"timezone"`
	// WeekStart is monday or sunday.
	WeekStart string `yaml:"week_start"`
	// Currency is the one that costs and deals of other currencies are told in too, by ISO 4217.
	Currency string `yaml:"currency"`
}

// ScoringConfig names the active model.
type ScoringConfig struct {
	Model string `yaml:"model"`
}

// JobsConfig says how often the derived tables are recomputed.
type JobsConfig struct {
	Every time.Duration `yaml:"every"`
}

func defaultConfig() Config {
	return Config{
		DataDir:     "data",
		Warehouse:   WarehouseConfig{Database: "clew", MemoryMiB: 4096},
		Kafka:       KafkaConfig{Listen: "127.0.0.1:9092", Group: "clew-ingest", Partitions: 4, Retention: 168 * time.Hour},
		HTTP:        HTTPConfig{Addr: "127.0.0.1:8080"},
		Collect:     CollectConfig{Addr: "127.0.0.1:8081"},
		Business:    BusinessConfig{Timezone: "Asia/Shanghai", WeekStart: "monday", Currency: cost.DefaultCurrency},
		Attribution: AttributionConfig(attribution.Default()),
		Costs:       CostsConfig{TargetShare: cost.DefaultTargetShare},
		Scoring:     ScoringConfig{Model: "s3-abc-v1"},
		Jobs:        JobsConfig{Every: 5 * time.Minute},
	}
}

// environment names the variables that override the file: what differs by machine, and what must not stand in a file.
var environment = map[string]func(*Config, string){
	"CLEW_DATA_DIR":       func(c *Config, v string) { c.DataDir = v },
	"CLEW_WAREHOUSE_DSN":  func(c *Config, v string) { c.Warehouse.DSN = v },
	"CLEW_LIBCHDB":        func(c *Config, v string) { c.Warehouse.Library = v },
	"CLEW_KAFKA_BROKERS":  func(c *Config, v string) { c.Kafka.Brokers = strings.Split(v, ",") },
	"CLEW_KAFKA_LISTEN":   func(c *Config, v string) { c.Kafka.Listen = v },
	"CLEW_KAFKA_PASSWORD": func(c *Config, v string) { c.Kafka.SASL.Password = v },
	"CLEW_HTTP_ADDR":      func(c *Config, v string) { c.HTTP.Addr = v },
	"CLEW_SOURCES_DIR":    func(c *Config, v string) { c.Sources.Dir = v },
	"CLEW_COLLECT_ADDR":   func(c *Config, v string) { c.Collect.Addr = v },
	"CLEW_COLLECT_KEYS":   func(c *Config, v string) { c.Collect.Keys = collectKeys(v) },
	"CLEW_PRIVACY_KEY":    func(c *Config, v string) { c.Privacy.Key = v },
}

// loadConfig reads the file, if one is named, and the environment. It does not validate: flags come after it.
func loadConfig(file string, getenv func(string) string) (Config, error) {
	cfg := defaultConfig()
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return cfg, fmt.Errorf("config: %w; name an existing file with --config", err)
		}
		decoder := yaml.NewDecoder(bytes.NewReader(text))
		decoder.KnownFields(true)
		if err := decoder.Decode(&cfg); err != nil && !errors.Is(err, io.EOF) {
			return cfg, fmt.Errorf("config %s: %w", file, err)
		}
	}
	for name, set := range environment {
		if v := getenv(name); v != "" {
			set(&cfg, v)
		}
	}
	cfg.Sources.secrets(getenv)
	return cfg, nil
}

// Validate reports every fault at once, each naming its key and the remedy.
func (c Config) Validate() error {
	var faults []error
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.DataDir == "" {
		fault("data_dir", "is empty; name a directory")
	}
	if c.Warehouse.Database == "" {
		fault("warehouse.database", "is empty; the default is clew")
	}
	if c.Warehouse.DSN != "" && !strings.Contains(c.Warehouse.DSN, "://") {
		fault("warehouse.dsn", "has no scheme; write http://, https:// or clickhouse://")
	}
	if c.Warehouse.Cluster != "" && c.Warehouse.DSN == "" {
		fault("warehouse.cluster", "is set without warehouse.dsn; the engine in this process is a single node")
	}
	if c.Warehouse.MemoryMiB < 256 {
		fault("warehouse.memory_mib", "is %d; a query needs at least 256", c.Warehouse.MemoryMiB)
	}
	for _, b := range c.Kafka.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			fault("kafka.brokers", "%q is not host:port", b)
		}
	}
	if err := c.secureKafka(); err != nil {
		faults = append(faults, err)
	}
	if _, _, err := net.SplitHostPort(c.Kafka.Listen); err != nil {
		fault("kafka.listen", "%q is not host:port", c.Kafka.Listen)
	}
	if c.Kafka.Group == "" {
		fault("kafka.group", "is empty; the default is clew-ingest")
	}
	if c.Kafka.Partitions < 1 || c.Kafka.Partitions > 1000 {
		fault("kafka.partitions", "is %d; want 1 to 1000", c.Kafka.Partitions)
	}
	if r := c.Kafka.Retention; r != 0 && r < time.Hour {
		fault("kafka.retention", "is %s; want at least 1h, or 0 to keep messages for ever", r)
	}
	if _, _, err := net.SplitHostPort(c.HTTP.Addr); err != nil {
		fault("http.addr", "%q is not host:port", c.HTTP.Addr)
	}
	if err := c.Sources.validate(); err != nil {
		faults = append(faults, err)
	}
	if err := c.Privacy.validate(); err != nil {
		faults = append(faults, err)
	}
	if err := c.Collect.validate(); err != nil {
		faults = append(faults, err)
	}
	if _, err := time.LoadLocation(c.Business.Timezone); err != nil || c.Business.Timezone == "" {
		fault("business.timezone", "%q is not an IANA time zone such as Asia/Shanghai", c.Business.Timezone)
	}
	if err := errors.Join(c.Attribution.validate(), c.validateCosts(), c.validateSLA()); err != nil {
		faults = append(faults, err)
	}
	if c.Business.WeekStart != "monday" && c.Business.WeekStart != "sunday" {
		fault("business.week_start", "%q is neither monday nor sunday", c.Business.WeekStart)
	}
	if c.Scoring.Model == "" {
		fault("scoring.model", "is empty; name a shipped model such as s3-abc-v1")
	}
	if c.Jobs.Every < time.Second {
		fault("jobs.every", "is %s; want at least 1s", c.Jobs.Every)
	}
	return errors.Join(faults...)
}

// hasData refuses a data directory that was never filled, lest a mistyped name be answered as an empty business.
func (c Config) hasData() error {
	if _, err := os.Stat(c.clickhouseDir()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("data directory %s holds no data; name another with --data-dir, or fill it by `clew import` "+
			"or `clew demo`", c.DataDir)
	} else if err != nil {
		return fmt.Errorf("data directory %s: %w; name another with --data-dir", c.DataDir, err)
	}
	return nil
}

func (c Config) clickhouseDir() string { return filepath.Join(c.DataDir, "clickhouse") }

// secureKafka reports what is wrong with the keys about users and encryption. It reads the files they name.
func (c Config) secureKafka() error {
	k := c.streamConfig()
	if len(k.Brokers) == 0 && (k.SASL != stream.SASL{} || k.TLS != stream.TLS{}) {
		return errors.New("kafka.brokers: is empty and there is kafka.sasl, kafka.tls or CLEW_KAFKA_PASSWORD; " +
			"the broker in this process knows neither users nor TLS")
	}
	return errors.Join(k.SASL.Validate(), k.TLS.Validate())
}

// streamConfig is where Kafka is, in the words of ingest/stream.
func (c Config) streamConfig() stream.Config {
	return stream.Config{Brokers: c.Kafka.Brokers, SASL: stream.SASL(c.Kafka.SASL), TLS: stream.TLS(c.Kafka.TLS)}
}

// clickhouseDSN is where the warehouse is, in the words of warehouse.Open.
func (c Config) clickhouseDSN() string {
	if c.Warehouse.DSN != "" {
		return c.Warehouse.DSN
	}
	return "embedded:" + c.clickhouseDir()
}

// embedsAnything says whether this process keeps state in the data directory, and so must hold it alone.
func (c Config) embedsAnything() bool {
	return c.Warehouse.DSN == "" || len(c.Kafka.Brokers) == 0
}
