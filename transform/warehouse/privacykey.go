package warehouse

import (
	"context"
	"fmt"
)

// KeyFingerprint returns the fingerprint of the key that the warehouse's personal identifiers are hashed with, "" where
// none was noted.
func (db *DB) KeyFingerprint(ctx context.Context) (string, error) {
	var rows []struct {
		Fingerprint string `ch:"fingerprint"`
	}
	const sql = "SELECT fingerprint FROM privacy_key ORDER BY at, fingerprint LIMIT 1"
	if err := db.Select(ctx, &rows, sql, nil); err != nil {
		return "", fmt.Errorf("read the fingerprint of the key of personal identifiers: %w", err)
	}
	if len(rows) == 0 {
		return "", nil
	}
	return rows[0].Fingerprint, nil
}

// NoteKey notes a key's fingerprint where none was noted, and returns the one that counts: of two programs that note
// theirs at once, the first has it.
func (db *DB) NoteKey(ctx context.Context, fingerprint string) (string, error) {
	noted, err := db.KeyFingerprint(ctx)
	if err != nil || noted != "" {
		return noted, err
	}
	batch, err := db.Insert(ctx, "privacy_key", []string{"fingerprint"})
	if err != nil {
		return "", err
	}
	defer batch.Abort()
	if err := batch.Append(fingerprint); err != nil {
		return "", err
	}
	if err := batch.Send(); err != nil {
		return "", err
	}
	return db.KeyFingerprint(ctx)
}
