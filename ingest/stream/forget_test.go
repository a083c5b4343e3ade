package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// filesWith lists the files below a directory that hold a text.
func filesWith(t *testing.T, dir, text string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		held, err := os.ReadFile(name)
		if bytes.Contains(held, []byte(text)) {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestForget looks at the files: what was forgotten is in none of them, and offsets go on behind it, also after the broker
// was closed and opened again.
func TestForget(t *testing.T) {
	const secret = "q7Zk2VbX9w@plain.example"
	dir := t.TempDir()
	b, err := StartBroker(BrokerConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	open := true
	defer func() {
		if open {
			closed(t, b)
		}
	}()
	cfg := Config{Brokers: []string{b.Addr()}}
	topic := createTopic(t, cfg, 3)
	w := NewWriter(cfg)
	for _, key := range keysOfPartitions(3)[:2] {
		for i := range 10 {
			// One message a write: messages that are sent together are compressed, and would be found by no search.
			err := w.Write(t.Context(), Message{Topic: topic, Key: key, Value: fmt.Append(nil, i, secret)})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	closed(t, w)
	c := newClient(t, cfg)
	all := []Partition{{topic, 0}, {topic, 1}, {topic, 2}}
	if _, err := b.Forget(t.Context(), []string{topic}, "g", []byte("last")); !errors.Is(err, ErrNotCommitted) {
		t.Errorf("forgot what nobody has committed: %v", err)
	}
	withGeneration(t, c, "g", topic, func(_ context.Context, g *Generation) {
		if err := g.Commit(map[Partition]int64{all[0]: 10, all[1]: 10}); err != nil {
			t.Error(err)
		}
	})
	if len(filesWith(t, dir, secret)) == 0 {
		t.Fatal("the log does not hold its messages as they are: this test can find nothing")
	}
	if deleted, err := b.Forget(t.Context(), []string{topic}, "g", []byte("last")); err != nil || deleted != 20 {
		t.Errorf("deleted %d, %v; want 20", deleted, err)
	}
	if left := filesWith(t, dir, secret); len(left) > 0 {
		t.Errorf("still in %v", left)
	}
	closed(t, b)
	open = false
	if left := filesWith(t, dir, secret); len(left) > 0 {
		t.Errorf("after closing still in %v", left)
	}
	cfg = startBroker(t, dir)
	got, err := newClient(t, cfg).Offsets(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Range{{10, 11}, {10, 11}, {0, 0}} {
		if got[all[i]] != want {
			t.Errorf("%s holds %v after a restart, want %v", all[i], got[all[i]], want)
		}
	}
}
