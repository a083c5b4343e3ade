package stream

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clew/ingest/stream/kafkatest"
)

func TestSASLAndTLSFaultsNameTheirKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := SASL{Mechanism: "plain", Username: "u", Password: "p"}
	for name, c := range map[string]struct {
		sasl SASL
		tls  TLS
		want []string
	}{
		"nothing":               {},
		"plain":                 {sasl: full},
		"scram":                 {sasl: SASL{"scram-sha-512", "u", "p"}, tls: TLS{Enabled: true}},
		"another mechanism":     {sasl: SASL{"GSSAPI", "u", "p"}, want: []string{"kafka.sasl.mechanism", "GSSAPI"}},
		"nobody":                {sasl: SASL{Mechanism: "plain"}, want: []string{"kafka.sasl.username", "CLEW_KAFKA_PASSWORD"}},
		"a password alone":      {sasl: SASL{Password: "p"}, want: []string{"kafka.sasl.mechanism"}},
		"a forbidden character": {sasl: SASL{"scram-sha-256", "u", "secret\x00"}, want: []string{"CLEW_KAFKA_PASSWORD"}},
		"keys without TLS":      {tls: TLS{CA: file}, want: []string{"kafka.tls.enabled"}},
		"a CA that is none":     {tls: TLS{Enabled: true, CA: file}, want: []string{"kafka.tls.ca", file}},
		"a CA that is absent":   {tls: TLS{Enabled: true, CA: file + "x"}, want: []string{"kafka.tls.ca", file + "x"}},
		"no key":                {tls: TLS{Enabled: true, Cert: file}, want: []string{"kafka.tls.key"}},
		"no certificate":        {tls: TLS{Enabled: true, Key: file}, want: []string{"kafka.tls.cert"}},
		"a pair that is none":   {tls: TLS{Enabled: true, Cert: file, Key: file}, want: []string{"kafka.tls.cert"}},
		"two faults": {
			sasl: SASL{Mechanism: "x"}, tls: TLS{Enabled: true, CA: file},
			want: []string{"kafka.sasl.mechanism", "kafka.sasl.username", "kafka.tls.ca"},
		},
	} {
		cfg := Config{Brokers: []string{"127.0.0.1:1"}, SASL: c.sasl, TLS: c.tls}
		_, err := NewClient(cfg)
		if (err != nil) != (len(c.want) > 0) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %q is not in: %v", name, want, err)
			}
		}
	}
}

// A client that lives long shows the certificate that is in its file when it connects.
func TestRenewedCertificate(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue(t, "clew")
	c, err := TLS{Enabled: true, Cert: cert, Key: key}.config()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := c.GetClientCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(cert)
		if err != nil {
			t.Fatal(err)
		}
		if block, _ := pem.Decode(text); !bytes.Equal(got.Certificate[0], block.Bytes) {
			t.Error("it is not the certificate in the file")
		}
		a.issue(t, "clew")
	}
}

// authority signs certificates and writes them as PEM files.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.key = newKey(t)
	a.cert = a.sign(t, "ca", a.key, &x509.Certificate{IsCA: true, BasicConstraintsValid: true})
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign writes NAME.pem. Without a certificate of its own the authority signs itself.
func (a *authority) sign(t *testing.T, name string, key *ecdsa.PrivateKey, c *x509.Certificate) *x509.Certificate {
	t.Helper()
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent := a.cert
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.file(name), "CERTIFICATE", der)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// issue writes NAME.pem and NAME.key.
func (a *authority) issue(t *testing.T, name string) (cert, key string) {
	t.Helper()
	k := newKey(t)
	a.sign(t, name, k, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	keyFile := filepath.Join(a.dir, name+".key")
	writePEM(t, keyFile, "PRIVATE KEY", der)
	return a.file(name), keyFile
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name+".pem") }

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

const password = "correct horse"

// secureBroker starts Apache Kafka that knows the user clew, by SCRAM and by PLAIN, behind TLS, and that asks for a
// certificate where it asks for no user.
func secureBroker(t *testing.T, a *authority) *kafkatest.Broker {
	t.Helper()
	cert, key := a.issue(t, "broker")
	both := filepath.Join(a.dir, "keystore.pem")
	var text []byte
	for _, file := range []string{key, cert} {
		part, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, part...)
	}
	if err := os.WriteFile(both, text, 0o600); err != nil {
		t.Fatal(err)
	}
	const module = "=org.apache.kafka.common.security."
	b, err := kafkatest.Start(kafkatest.Config{
		Dir:       t.TempDir(),
		Listeners: []string{"SSL", "SASL_SSL", "SASL_PLAINTEXT"},
		Format: []string{
			"--add-scram", "SCRAM-SHA-512=[name=clew,password=" + password + "]",
			"--add-scram", "SCRAM-SHA-256=[name=clew,password=" + password + "]",
		},
		Settings: []string{
			"ssl.keystore.type=PEM", "ssl.keystore.location=" + both,
			"ssl.truststore.type=PEM", "ssl.truststore.location=" + a.file("ca"),
			"listener.name.ssl.ssl.client.auth=required",
			"listener.name.sasl_ssl.sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256",
			"listener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN",
			"listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config" + module + "scram.ScramLoginModule required;",
			"listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config" + module + "scram.ScramLoginModule required;",
			"listener.name.sasl_plaintext.plain.sasl.jaas.config" + module + `plain.PlainLoginModule required user_clew="` +
				password + `";`,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Kill)
	return b
}

// TestSecureKafka writes, reads and commits through each kind of door, and is turned away where a key is wrong.
func TestSecureKafka(t *testing.T) {
	if kafkatest.Shared(t) == "" {
		t.Skip("the embedded broker knows neither TLS nor users: make test-kafka")
	}
	a, other := newAuthority(t), newAuthority(t)
	b := secureBroker(t, a)
	cert, key := a.issue(t, "clew")
	strange, strangeKey := other.issue(t, "clew")
	verified := TLS{Enabled: true, CA: a.file("ca")}
	user := SASL{"scram-sha-512", "clew", password}
	for i, c := range []struct {
		name, listener string
		sasl           SASL
		tls            TLS
		want           string // in the error; empty where the door opens
	}{
		{"SCRAM-SHA-512", "SASL_SSL", user, verified, ""},
		{"SCRAM-SHA-256", "SASL_SSL", SASL{"scram-sha-256", "clew", password}, verified, ""},
		{"PLAIN without TLS", "SASL_PLAINTEXT", SASL{"plain", "clew", password}, TLS{}, ""},
		{"a certificate", "SSL", SASL{}, TLS{Enabled: true, CA: a.file("ca"), Cert: cert, Key: key}, ""},
		{"wrong password", "SASL_SSL", SASL{"scram-sha-512", "clew", "wrong"}, verified, "CLEW_KAFKA_PASSWORD"},
		{"wrong password by PLAIN", "SASL_PLAINTEXT", SASL{"plain", "clew", "wrong"}, TLS{}, "CLEW_KAFKA_PASSWORD"},
		{"wrong user", "SASL_SSL", SASL{"scram-sha-512", "nobody", password}, verified, "kafka.sasl.username"},
		{"wrong mechanism", "SASL_SSL", SASL{"plain", "clew", password}, verified, "kafka.sasl.mechanism"},
		{"no user", "SASL_SSL", SASL{}, verified, "kafka.sasl"},
		{"wrong CA", "SASL_SSL", user, TLS{Enabled: true, CA: other.file("ca")}, "kafka.tls.ca"},
		{"the system's CAs", "SASL_SSL", user, TLS{Enabled: true}, "kafka.tls.ca"},
		{
			"wrong name", "SASL_SSL", user,
			TLS{Enabled: true, CA: a.file("ca"), ServerName: "kafka.example"},
			"kafka.tls.server_name",
		},
		{"TLS where there is none", "SASL_PLAINTEXT", user, verified, "kafka.tls.enabled"},
		{"no TLS where there is", "SASL_SSL", user, TLS{}, "kafka.tls"},
		{"no certificate", "SSL", SASL{}, verified, "kafka.tls.cert"},
		{
			"a stranger's certificate", "SSL",
			SASL{},
			TLS{Enabled: true, CA: a.file("ca"), Cert: strange, Key: strangeKey},
			"kafka.tls.cert",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Brokers: []string{b.Addrs[c.listener]}, SASL: c.sasl, TLS: c.tls}
			topic := string(rune('a' + i))
			err := EnsureTopics(t.Context(), cfg, []string{topic}, 1)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), password) {
					t.Errorf("%q is not in: %v", c.want, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			passes(t, cfg, topic)
		})
	}
}

// passes uses every kind of connection.
func passes(t *testing.T, cfg Config, topic string) {
	t.Helper()
	write(t, cfg, topic, "one", "two")
	c, p := newClient(t, cfg), Partition{topic, 0}
	if got := values(readAll(t, c, p)); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("got %q", got)
	}
	withGeneration(t, c, topic, topic, func(_ context.Context, g *Generation) {
		if err := g.Commit(map[Partition]int64{p: 2}); err != nil {
			t.Error(err)
		}
	})
	if got, err := c.Committed(t.Context(), topic, []Partition{p}); err != nil || got[p] != 2 {
		t.Errorf("committed %v, %v", got, err)
	}
}
