package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// dataDir is a data directory held by this process alone. The operating system gives the hold back when the process
// ends, however it ends.
type dataDir struct {
	lock *os.File
}

// holder is what the lock file says of the process that holds the directory.
type holder struct {
	PID int `json:"pid"`
	// URL of the API, where the process serves one.
	URL string `json:"url,omitempty"`
}

// holdDataDir makes the directory if need be and holds it. When another process does, the error names it and how to
// reach it.
func holdDataDir(dir string) (*dataDir, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("data directory %s: %w; choose another with --data-dir, or make it writable", dir, err)
	}
	name := filepath.Join(dir, "clew.lock")
	lock, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w; choose another with --data-dir, or make it writable", dir, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("data directory %s: lock %s: %w", dir, name, err)
		}
		return nil, heldError(dir, name)
	}
	d := &dataDir{lock: lock}
	return d, d.announce("")
}

func heldError(dir, lockFile string) error {
	var h holder
	// An unreadable note only makes the message poorer.
	if text, err := os.ReadFile(lockFile); err == nil {
		_ = json.Unmarshal(text, &h)
	}
	if h.URL != "" {
		return fmt.Errorf("data directory %s is held by a running clew (process %d); ask it with --server %s, "+
			"or stop it first", dir, h.PID, h.URL)
	}
	return fmt.Errorf("data directory %s is in use by a running clew (process %d); wait until it ends or stop it, "+
		"or choose another with --data-dir", dir, h.PID)
}

// announce notes the process and its URL for whoever finds the directory held.
func (d *dataDir) announce(url string) error {
	text, err := json.Marshal(holder{PID: os.Getpid(), URL: url})
	if err != nil {
		return err
	}
	if err := d.lock.Truncate(0); err != nil {
		return fmt.Errorf("write %s: %w", d.lock.Name(), err)
	}
	if _, err := d.lock.WriteAt(text, 0); err != nil {
		return fmt.Errorf("write %s: %w", d.lock.Name(), err)
	}
	return nil
}

// release gives the directory back. The file stays: removing it would race with the next holder.
func (d *dataDir) release() error {
	return d.lock.Close()
}
