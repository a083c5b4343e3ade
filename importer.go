package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"clew/ingest/event"
	"clew/ingest/source"
	"clew/ingest/stream"
)

const (
	// checkpointItems is how many messages are sent, and checkpointEvery how much time passes, from one checkpoint to the
	// next.
	checkpointItems = 50_000
	checkpointEvery = 5 * time.Second
	// largeMessage is the size in bytes from which on a message is sent alone, as brokers limit what is sent together.
	largeMessage = 900_000
	// largestMessage is more than any message that ever was in Kafka is likely to have.
	largestMessage = 64 << 20
	// reportedFaults is how many rejections the report shows.
	reportedFaults = 10
)

// importer sends what a feed gives, from a checkpoint on.
type importer struct {
	feed   feed
	client *stream.Client
	writer *stream.Writer
	large  *stream.Writer
	// name is the file of the checkpoint, at the checkpoint that is in it, or will be next.
	name string
	at   checkpoint
	max  int64
	// resumed says that the import was broken off before. found counts the messages behind the checkpoint that were in
	// the log, and pending has those of them that are still to be passed over.
	resumed bool
	found   int
	pending map[identity]int
	// since counts the items behind the checkpoint in the file, saved when it was written.
	since  int
	saved  time.Time
	reject *rejectFile
}

// runner opens an import, new or broken off.
func (i importing) runner(ctx context.Context, s *system, f feed) (_ *importer, err error) {
	r := &importer{feed: f, max: i.maxRejects}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.client, err = stream.NewClient(s.kafka); err != nil {
		return nil, err
	}
	if r.at, err = i.begin(f); err != nil {
		return nil, err
	}
	if r.at.Cluster, err = r.client.ClusterID(ctx); err != nil {
		return nil, err
	}
	ids, err := r.client.TopicIDs(ctx, event.Topics())
	if err != nil {
		return nil, err
	}
	r.at.Topics = map[string]string{}
	for topic, id := range ids {
		r.at.Topics[topic] = fmt.Sprintf("%x", id)
	}
	r.name = checkpointName(s.cfg.DataDir, r.at)
	old, err := readCheckpoint(r.name)
	if i.restart {
		old, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.writer = stream.NewWriter(s.kafka)
	single := s.kafka
	single.MaxMessageBytes = largestMessage
	r.large = stream.NewWriter(single)
	if old == nil {
		return r, r.begin(ctx)
	}
	if err := old.changed(r.at); err != nil {
		return nil, err
	}
	r.at, r.resumed = *old, true
	return r, r.resume(ctx)
}

// begin writes the first checkpoint.
func (r *importer) begin(ctx context.Context) (err error) {
	r.at.Started, r.at.Totals.Events = time.Now().UTC(), map[event.Type]uint64{}
	if r.reject, err = newRejectFile(r.at.Rejects, 0); err != nil {
		return err
	}
	return r.save(ctx)
}

// resume finds out what was sent behind the checkpoint.
func (r *importer) resume(ctx context.Context) (err error) {
	if r.reject, err = newRejectFile(r.at.Rejects, r.at.RejectsSize); err != nil {
		return err
	}
	where := "at the beginning"
	if r.at.At.File != "" {
		where = fmt.Sprintf("behind row %d of %s", r.at.At.Row, r.at.At.File)
	}
	if r.at.Sent {
		where = "with storing what was sent"
	}
	fmt.Fprintf(os.Stderr, "import     goes on %s; %s\n", where, restartRemedy)
	r.feed.From(r.at.At)
	r.saved = time.Now()
	if err := r.tooMany(); err != nil || r.at.Sent {
		return err
	}
	r.pending, err = r.readBack(ctx)
	for _, n := range r.pending {
		r.found += n
	}
	return err
}

// save writes a checkpoint: nothing is under way, so all that was sent lies before the ends of the log.
func (r *importer) save(ctx context.Context) error {
	ranges, err := logEnds(ctx, r.client)
	if err != nil {
		return err
	}
	r.at.Ends = make(map[string]int64, len(ranges))
	for p, held := range ranges {
		r.at.Ends[endName(p)] = held.End
	}
	if r.at.RejectsSize, err = r.reject.flush(); err != nil {
		return err
	}
	r.since, r.saved = 0, time.Now()
	return r.at.save(r.name)
}

// send sends what is left.
func (r *importer) send(ctx context.Context) error {
	b := newByteBar("import")
	rows, messages := r.at.Totals.Rows, r.at.Totals.messages()
	for part, err := range batches(ctx, r.feed) {
		if err != nil {
			return err
		}
		if err := r.sendBatch(ctx, part); err != nil {
			return err
		}
		r.at.At, r.at.Totals.Rows = part.at, rows+part.rows
		read, total := r.feed.Bytes()
		if rows > 0 && b.begun == 0 {
			b.begun = read // what lay before was read again, but nothing made of it
		}
		b.advance(read, total, r.at.Totals.messages()-messages)
		if err := r.tooMany(); err != nil {
			return errors.Join(r.save(ctx), err)
		}
		if r.since >= checkpointItems || time.Since(r.saved) >= checkpointEvery {
			if err := r.save(ctx); err != nil {
				return err
			}
		}
	}
	b.done(r.at.Totals.messages() - messages)
	if err := r.unchanged(); err != nil {
		return err
	}
	r.at.Sent = true
	return r.save(ctx)
}

// unchanged makes sure that the files are what they were when the import began.
func (r *importer) unchanged() error {
	now := r.at
	files, err := fileStates(r.at.Dir, r.feed.Files())
	if err != nil {
		return err
	}
	now.Files = files
	return r.at.changed(now)
}

// tooMany stops an import whose rows are wrong.
func (r *importer) tooMany() error {
	if r.max < 0 || r.at.Totals.Rejected <= r.max {
		return nil
	}
	return &exitError{exitStopped, fmt.Errorf("%d rows were rejected and --max-rejects allows %d, the first because: %s; "+
		"correct them and add --restart, or raise --max-rejects to go on", r.at.Totals.Rejected, r.max, r.at.Totals.Faults[0])}
}

// brokenOff says how to go on. A broker in this process cannot say why it failed; mostly the disk is full.
func (r *importer) brokenOff(err error, dataDir string) error {
	if _, ok := errors.AsType[*exitError](err); ok {
		return err
	}
	if free, ok := freeSpace(dataDir); ok && free < scarce {
		err = fmt.Errorf("%w; the disk of data directory %s is full (%d MiB are free): make room", err, dataDir, free>>20)
	}
	return fmt.Errorf("%w; the import is broken off after %d messages: give the same command again to go on",
		err, r.at.Totals.messages())
}

// scarce is the free space, in bytes, from which on a failure is likely to be for want of it.
const scarce = 64 << 20

// freeSpace is how many bytes can still be written to a directory; false where the system does not say.
func freeSpace(dir string) (uint64, bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true
}

// sendBatch sends a batch but for what is in the log already, and counts it.
func (r *importer) sendBatch(ctx context.Context, b batch) error {
	together := make([]stream.Message, 0, len(b.items))
	flush := func() error {
		err := r.writer.Write(ctx, together...)
		together = together[:0]
		return err
	}
	for _, it := range b.items {
		r.since++
		large := len(it.Key)+len(it.Value) > largeMessage
		switch {
		case r.isSent(it):
		case large:
			if err := flush(); err != nil {
				return err
			}
			if refused, err := r.sendLarge(ctx, it); err != nil {
				return err
			} else if refused != nil {
				b.rejects = append(b.rejects, refused)
				continue
			}
		default:
			together = append(together, it.Message)
		}
		r.count(it)
	}
	if err := flush(); err != nil {
		return err
	}
	return r.rejectRows(b.rejects)
}

// sendLarge sends a message that the broker may refuse for its size.
func (r *importer) sendLarge(ctx context.Context, it item) (refused *source.RowError, err error) {
	err = r.large.Write(ctx, it.Message)
	if stream.IsTooLarge(err) {
		return &source.RowError{File: it.at.File, Line: it.at.Row, Reason: fmt.Sprintf("row %d: message %.40q for topic %s "+
			"has %d bytes and the broker takes none of this size: raise the topic's max.message.bytes", it.at.Row, it.Key,
			it.Topic, len(it.Value))}, nil
	}
	return nil, err
}

func (r *importer) count(it item) {
	if it.kind == "" {
		r.at.Totals.DeadLetters++
		return
	}
	r.at.Totals.Events[it.kind]++
}

func (r *importer) rejectRows(rows []*source.RowError) error {
	for _, row := range rows {
		r.at.Totals.Rejected++
		if len(r.at.Totals.Faults) < reportedFaults {
			r.at.Totals.Faults = append(r.at.Totals.Faults, row.Error())
		}
		if err := r.reject.write(row); err != nil {
			return err
		}
	}
	return nil
}

func (r *importer) close() {
	if r.client != nil {
		r.client.Close()
	}
	for _, w := range []*stream.Writer{r.writer, r.large} {
		if w != nil {
			_ = w.Close() // all that was written was acknowledged
		}
	}
	_ = r.reject.close() // what counts was flushed with the last checkpoint
}
