package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"clew/ingest/identifier"
)

// PrivacyConfig says with which key personal identifiers are hashed.
type PrivacyConfig struct {
	// Key stands in no file: it comes by CLEW_PRIVACY_KEY. Empty: the one in the data directory, which is made at the first
	// need, where the warehouse is there too.
	Key string `yaml:"-"`
}

func (c PrivacyConfig) validate() error {
	if c.Key != "" && len(c.Key) < identifier.MinKey {
		return fmt.Errorf("CLEW_PRIVACY_KEY has %d characters; set %s", len(c.Key), keyAdvice)
	}
	return nil
}

const keyAdvice = "16 random characters or more, such as the output of `openssl rand -hex 32`, and keep them for as long " +
	"as the warehouse"

// keyFile holds the key of an installation whose warehouse is in the data directory.
func (c Config) keyFile() string { return filepath.Join(c.DataDir, "privacy.key") }

// keySource says where the key comes from.
func (c Config) keySource() string {
	if c.Privacy.Key != "" {
		return "CLEW_PRIVACY_KEY"
	}
	return c.keyFile()
}

// openProtector finds the key, or makes it, and refuses one that the warehouse was not filled with.
func (s *system) openProtector(ctx context.Context) (*identifier.Protector, error) {
	noted, err := s.db.KeyFingerprint(ctx)
	if err != nil {
		return nil, err
	}
	key, err := s.cfg.privacyKey(noted == "")
	if err != nil {
		return nil, err
	}
	p, err := identifier.NewProtector(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; restore it from a backup, or set CLEW_PRIVACY_KEY", s.cfg.keyFile(), err)
	}
	if noted, err = s.db.NoteKey(ctx, p.Fingerprint()); err != nil {
		return nil, err
	}
	if noted != p.Fingerprint() {
		return nil, fmt.Errorf("%w: set CLEW_PRIVACY_KEY to that key, or restore %s; with another one nobody would be "+
			"recognised again", identifier.ErrKeyChanged, s.cfg.keyFile())
	}
	return p, nil
}

// privacyKey is the key of the environment, or of the file, which is made where it may be: where nothing was hashed yet.
func (c Config) privacyKey(mayMake bool) ([]byte, error) {
	if c.Privacy.Key != "" {
		return []byte(c.Privacy.Key), nil
	}
	if c.Warehouse.DSN != "" {
		return nil, fmt.Errorf("CLEW_PRIVACY_KEY is not set: personal identifiers are hashed with a key, the same for all "+
			"that write to this warehouse; set %s", keyAdvice)
	}
	name := c.keyFile()
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if mayMake {
			return makeKey(name)
		}
		return nil, fmt.Errorf("the key of personal identifiers, %s, is gone: restore it from a backup, or set "+
			"CLEW_PRIVACY_KEY to what was in it", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of personal identifiers: %w; make it readable, or set CLEW_PRIVACY_KEY", err)
	}
	return []byte(strings.TrimSpace(string(text))), nil
}

// makeKey writes a new key to a file that only its owner can read. Kill -9 leaves no file or a whole one.
func makeKey(name string) ([]byte, error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	key := []byte(hex.EncodeToString(random))
	err := writeSynced(name+".part", append(key, '\n'))
	if err == nil {
		err = os.Rename(name+".part", name)
	}
	if err != nil {
		return nil, fmt.Errorf("keep the key of personal identifiers: %w; make the data directory writable, or set "+
			"CLEW_PRIVACY_KEY", err)
	}
	return key, nil
}

// writeSynced writes a file whose loss nothing could make good.
func writeSynced(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
