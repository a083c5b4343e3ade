package stream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kerr"
)

// SASL says who we are to brokers that ask. The zero value is for brokers that do not.
type SASL struct {
	// Mechanism is plain, scram-sha-256 or scram-sha-512. Plain sends the password itself: use it with TLS.
	Mechanism string
	Username  string
	Password  string
}

// TLS says how connections are encrypted. The brokers' certificates are always verified.
type TLS struct {
	Enabled bool
	// CA is a PEM file with the authorities that sign the brokers' certificates. Empty: those of the system.
	CA string
	// Cert and Key are PEM files with our own certificate and its key, for brokers that ask for one.
	Cert, Key string
	// ServerName is the name in the brokers' certificates. Empty: the host of each broker's address.
	ServerName string
}

// Validate reports every fault, each with the key of the settings that it is about.
func (s SASL) Validate() error {
	if s.Mechanism == "" {
		if s.Username != "" || s.Password != "" {
			return errors.New("kafka.sasl.mechanism: is empty and there is a user name or password; " +
				"want plain, scram-sha-256 or scram-sha-512")
		}
		return nil
	}
	var faults []error
	if s.Username == "" {
		faults = append(faults, errors.New("kafka.sasl.username: is empty; name the user"))
	}
	if s.Password == "" {
		faults = append(faults, errors.New("CLEW_KAFKA_PASSWORD: is empty; put the password of kafka.sasl.username there"))
	}
	_, err := s.mechanism()
	return errors.Join(append(faults, err)...)
}

// mechanism returns nil where brokers do not ask.
func (s SASL) mechanism() (m sasl.Mechanism, err error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: s.Username, Password: s.Password}, nil
	case "scram-sha-256":
		m, err = scram.Mechanism(scram.SHA256, s.Username, s.Password)
	case "scram-sha-512":
		m, err = scram.Mechanism(scram.SHA512, s.Username, s.Password)
	default:
		return nil, fmt.Errorf("kafka.sasl.mechanism: %q is none of plain, scram-sha-256, scram-sha-512", s.Mechanism)
	}
	if err != nil { // a character that SCRAM forbids; the library's text may repeat what it was given
		return nil, errors.New("kafka.sasl.username or CLEW_KAFKA_PASSWORD: has a character that SCRAM does not allow")
	}
	return m, nil
}

// Validate reports every fault, each with the key of the settings that it is about. It reads the files.
func (t TLS) Validate() error {
	if !t.Enabled && t != (TLS{}) {
		return errors.New("kafka.tls.enabled: is false and kafka.tls has other keys; set it to true or leave those out")
	}
	_, err := t.config()
	return err
}

// config returns nil where connections are not encrypted.
func (t TLS) config() (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	var faults []error
	c := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		text, err := os.ReadFile(t.CA)
		if err != nil {
			faults = append(faults, fmt.Errorf("kafka.tls.ca: %w; name a PEM file", err))
		} else if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
			faults = append(faults, fmt.Errorf("kafka.tls.ca: %s has no certificate in PEM form", t.CA))
		}
	}
	switch {
	case t.Cert == "" && t.Key == "":
	case t.Cert == "":
		faults = append(faults, errors.New("kafka.tls.cert: is empty and kafka.tls.key is not; name both or neither"))
	case t.Key == "":
		faults = append(faults, errors.New("kafka.tls.key: is empty and kafka.tls.cert is not; name both or neither"))
	default:
		// Asked for at each connection, so that those made later use a certificate that was renewed.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
			return &own, err
		}
		if _, err := c.GetClientCertificate(nil); err != nil {
			faults = append(faults, fmt.Errorf("kafka.tls.cert, kafka.tls.key: %w; name PEM files that belong together", err))
		}
	}
	return c, errors.Join(faults...)
}

// explain adds to an error of a connection which setting it speaks of, where that can be told.
func (c Config) explain(err error) error {
	hint := ""
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	hostname, wrongName := errors.AsType[x509.HostnameError](err)
	remote, alert := errors.AsType[*net.OpError](err)
	switch {
	case wrongName:
		hint = fmt.Sprintf("kafka.tls.server_name: the broker's certificate is not for %s; set its name", hostname.Host)
	case verification:
		hint = "kafka.tls.ca: no authority in it signed the broker's certificate; name the file of the one that did"
	case notTLS:
		hint = "kafka.tls.enabled: the broker does not speak TLS on this port; set it to false, or name the broker's TLS port"
	case alert && remote.Op == "remote error": // so crypto/tls calls an alert
		hint = "kafka.tls.cert: the broker wants a certificate from us, or does not trust this one"
	case errors.Is(err, kafka.SASLAuthenticationFailed), errors.Is(err, kerr.SaslAuthenticationFailed):
		hint = fmt.Sprintf("kafka.sasl.username, CLEW_KAFKA_PASSWORD: the broker does not know user %q with this password",
			c.SASL.Username)
	case errors.Is(err, kafka.UnsupportedSASLMechanism), errors.Is(err, kerr.UnsupportedSaslMechanism):
		hint = fmt.Sprintf("kafka.sasl.mechanism: the broker does not offer %s", c.SASL.Mechanism)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		hint = "the broker hung up: if that goes on, see whether kafka.tls.enabled and kafka.sasl are as the port wants them"
	default:
		return err
	}
	return fmt.Errorf("%s: %w", hint, err)
}
