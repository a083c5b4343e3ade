package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar shows how far a long piece of work is, on stderr so that stdout stays the answer. Where stderr is no terminal
// only the closing line is printed.
type bar struct {
	title   string
	unit    string
	started time.Time
	drawn   *progressbar.ProgressBar
}

// newBar starts a bar. A total of -1 is unknown.
func newBar(title, unit string, total int64) *bar {
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &bar{
		title: title, unit: unit, started: time.Now(),
		drawn: progressbar.NewOptions64(total,
			progressbar.OptionSetDescription(title),
			progressbar.OptionSetWriter(os.Stderr),
			progressbar.OptionSetVisibility(terminal),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		),
	}
}

// set says how much is done, and of how much; a total of -1 is unknown.
func (b *bar) set(done, total int64) {
	if total != b.drawn.GetMax64() {
		b.drawn.ChangeMax64(total)
	}
	// A bar that cannot be drawn is no reason to stop the work.
	_ = b.drawn.Set64(done)
}

// done clears the bar and leaves one line in its place.
func (b *bar) done(n uint64) {
	_ = b.drawn.Finish()
	took := time.Since(b.started)
	fmt.Fprintf(os.Stderr, "%-10s %d %s in %s\n", b.title, n, b.unit, took.Round(10*time.Millisecond))
}
