package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar shows how far a long piece of work is, on stderr so that stdout stays the answer. Where stderr is no terminal a
// line is printed every ten seconds, and the closing line.
type bar struct {
	title   string
	unit    string
	started time.Time
	drawn   *progressbar.ProgressBar
	// terminal says that the bar is drawn. Elsewhere a line is printed now and then, the last one when said.
	terminal bool
	said     time.Time
	// begun is how much was done before the bar: work may go on where it was broken off.
	begun int64
}

// sayEvery is the time between two lines where stderr is no terminal.
const sayEvery = 10 * time.Second

// newBar starts a bar. A total of -1 is unknown.
func newBar(title, unit string, total int64) *bar {
	return startBar(title, unit, total, progressbar.OptionShowCount())
}

// newByteBar starts a bar of work that is measured in bytes and done in messages.
func newByteBar(title string) *bar {
	return startBar(title, "messages", -1, progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true))
}

func startBar(title, unit string, total int64, look ...progressbar.Option) *bar {
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	now := time.Now()
	return &bar{
		title: title, unit: unit, started: now, said: now, terminal: terminal,
		drawn: progressbar.NewOptions64(total, append(look,
			progressbar.OptionSetDescription(title),
			progressbar.OptionSetWriter(os.Stderr),
			progressbar.OptionSetVisibility(terminal),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)...),
	}
}

// set says how much is done, and of how much; a total of -1 is unknown.
func (b *bar) set(done, total int64) {
	b.draw(done, total)
	b.say(func() string {
		return fmt.Sprintf("%d%s %s%s", done, ofTotal(total), b.unit, b.share(done, total))
	})
}

// advance says how many of the bytes are done, and how many messages that made since the bar began.
func (b *bar) advance(done, total int64, messages uint64) {
	rate := float64(messages) / time.Since(b.started).Seconds()
	if b.terminal {
		b.drawn.Describe(fmt.Sprintf("%s %d messages, %.0f/s", b.title, messages, rate))
	}
	b.draw(done, total)
	b.say(func() string {
		return fmt.Sprintf("%d of %d MiB, %d messages, %.0f/s%s", done>>20, total>>20, messages, rate, b.share(done, total))
	})
}

func (b *bar) draw(done, total int64) {
	if total != b.drawn.GetMax64() {
		b.drawn.ChangeMax64(total)
	}
	// A bar that cannot be drawn is no reason to stop the work.
	_ = b.drawn.Set64(done)
}

// say prints a line where there is no terminal, and the last one was long ago.
func (b *bar) say(line func() string) {
	if b.terminal || time.Since(b.said) < sayEvery {
		return
	}
	b.said = time.Now()
	fmt.Fprintf(os.Stderr, "%-10s %s\n", b.title, line())
}

func ofTotal(total int64) string {
	if total < 0 {
		return ""
	}
	return fmt.Sprintf(" of %d", total)
}

// share is how much of the total is done, in percent, and how long the rest will take if it goes on so.
func (b *bar) share(done, total int64) string {
	if total <= 0 || done <= b.begun {
		return ""
	}
	left := float64(time.Since(b.started)) * float64(max(0, total-done)) / float64(done-b.begun)
	return fmt.Sprintf(", %.0f %%, %s left", 100*float64(done)/float64(total), time.Duration(left).Round(time.Second))
}

// done clears the bar and leaves one line in its place.
func (b *bar) done(n uint64) {
	_ = b.drawn.Finish()
	took := time.Since(b.started)
	fmt.Fprintf(os.Stderr, "%-10s %d %s in %s\n", b.title, n, b.unit, took.Round(10*time.Millisecond))
}
