package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"clew/ingest/event"
	"clew/ingest/source"
	"clew/ingest/stream"
)

// checkpointVersion is that of the checkpoint's form.
const checkpointVersion = 1

// checkpoint is how far an import is: what lies before At was sent, and all of it stands in the log before Ends.
type checkpoint struct {
	Version int `json:"version"`
	// Source is the mapping's name, Mapping its hash.
	Source  string      `json:"source"`
	Mapping string      `json:"mapping,omitempty"`
	Dir     string      `json:"dir"`
	Files   []fileState `json:"files"`
	// Cluster is the id of the Kafka that the messages go to.
	Cluster string `json:"cluster"`
	// Topics are the ids of its topics: one that was deleted and made again has another.
	Topics map[string]string `json:"topics"`
	// Rejects is the file for rejected rows, and RejectsSize its size in bytes here.
	Rejects     string    `json:"rejects,omitempty"`
	RejectsSize int64     `json:"rejects_size,omitempty"`
	Started     time.Time `json:"started"`

	At source.Position `json:"at"`
	// Ends are the ends of the log, by topic/partition.
	Ends   map[string]int64 `json:"ends"`
	Totals importTotals     `json:"totals"`
	// Sent says that all was sent, and only has to be stored.
	Sent bool `json:"sent"`
}

// importTotals are what an import has done.
type importTotals struct {
	Rows   int64                 `json:"rows"`
	Events map[event.Type]uint64 `json:"events"`
	// DeadLetters are messages that are no valid events, sent as they are: an archive has them.
	DeadLetters uint64 `json:"dead_letters,omitempty"`
	Rejected    int64  `json:"rejected"`
	// Faults are the first rejections.
	Faults []string `json:"faults,omitempty"`
}

// messages is how many were sent.
func (t *importTotals) messages() (n uint64) {
	for _, k := range t.Events {
		n += k
	}
	return n + t.DeadLetters
}

// fileState tells a file from what it was.
type fileState struct {
	Name     string    `json:"name"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	// Ends is a hash of the first and the last bytes of the file.
	Ends string `json:"ends"`
}

// edge is how many bytes at each end of a file are hashed: all of a large one would take as long as the import.
const edge = 1 << 16

func fileStates(dir string, files []source.File) ([]fileState, error) {
	states := make([]fileState, len(files))
	for i, f := range files {
		s, err := stateOf(filepath.Join(dir, filepath.FromSlash(f.Name)))
		if err != nil {
			return nil, err
		}
		s.Name = f.Name
		states[i] = s
	}
	return states, nil
}

func stateOf(name string) (fileState, error) {
	f, err := os.Open(name)
	if err != nil {
		return fileState{}, fmt.Errorf("%w; put it there, or make it readable", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fileState{}, err
	}
	sum := sha256.New()
	for _, from := range []int64{0, max(0, info.Size()-edge)} {
		if _, err := io.Copy(sum, io.NewSectionReader(f, from, edge)); err != nil {
			return fileState{}, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return fileState{Size: info.Size(), Modified: info.ModTime().UTC(), Ends: fmt.Sprintf("%x", sum.Sum(nil))}, nil
}

// checkpointName is the file of the checkpoint of an import of a directory by a source.
func checkpointName(dataDir string, c checkpoint) string {
	sum := sha256.Sum256([]byte(c.Dir))
	return filepath.Join(dataDir, "imports", fmt.Sprintf("%s-%x.json", filepath.Base(c.Source), sum[:6]))
}

// readCheckpoint returns nil where there is none.
func readCheckpoint(name string) (*checkpoint, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there need not be one
	}
	var c checkpoint
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err == nil && c.Version != checkpointVersion {
		err = fmt.Errorf("it has version %d, this program writes %d", c.Version, checkpointVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("the checkpoint of the import, %s, cannot be read: %w; %s", name, err, restartRemedy)
	}
	return &c, nil
}

const restartRemedy = "--restart begins the import anew: what is already in counts once"

// save replaces the file of a checkpoint, so that kill -9 leaves the old one or the new. It is not forced to disk, as
// the log of the broker in this process is not: after a power failure it may be unreadable, which readCheckpoint tells.
func (c *checkpoint) save(name string) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return checkpointFault(err)
	}
	if err := os.WriteFile(name+".part", text, 0o644); err != nil {
		return checkpointFault(err)
	}
	if err := os.Rename(name+".part", name); err != nil {
		return checkpointFault(err)
	}
	return nil
}

func checkpointFault(err error) error {
	return fmt.Errorf("note how far the import is: %w; make room in the data directory, then give the command again", err)
}

// changed says what is another than when the import began, or nil.
func (c *checkpoint) changed(now checkpoint) error {
	var what []string
	if c.Mapping != now.Mapping {
		what = append(what, fmt.Sprintf("the mapping %s has changed", c.Source))
	}
	if c.Rejects != now.Rejects {
		what = append(what, fmt.Sprintf("--rejects was %q and is %q", c.Rejects, now.Rejects))
	}
	if c.Cluster != now.Cluster {
		what = append(what, fmt.Sprintf("it went to the Kafka cluster %s, and this is %s", c.Cluster, now.Cluster))
	}
	for _, topic := range slices.Sorted(maps.Keys(c.Topics)) {
		if c.Topics[topic] != now.Topics[topic] {
			what = append(what, fmt.Sprintf("the topic %s was made again", topic))
		}
	}
	for _, f := range c.Files {
		i := slices.IndexFunc(now.Files, func(n fileState) bool { return n.Name == f.Name })
		switch {
		case i < 0:
			what = append(what, f.Name+" is gone")
		case !same(f, now.Files[i]):
			what = append(what, f.Name+" has changed")
		}
	}
	for _, n := range now.Files {
		if !slices.ContainsFunc(c.Files, func(f fileState) bool { return n.Name == f.Name }) {
			what = append(what, n.Name+" is new")
		}
	}
	if what == nil {
		return nil
	}
	return fmt.Errorf("an import from %s was broken off and cannot go on: %s; restore what it was, or %s",
		c.Dir, strings.Join(what, "; "), restartRemedy)
}

func same(a, b fileState) bool {
	return a.Name == b.Name && a.Size == b.Size && a.Modified.Equal(b.Modified) && a.Ends == b.Ends
}

// logEnds asks where the logs of the events end.
func logEnds(ctx context.Context, client *stream.Client) (map[stream.Partition]stream.Range, error) {
	partitions, err := client.Partitions(ctx, event.Topics())
	if err != nil {
		return nil, err
	}
	return client.Offsets(ctx, partitions)
}

func endName(p stream.Partition) string { return fmt.Sprintf("%s/%d", p.Topic, p.ID) }
