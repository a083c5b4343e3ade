package main

import (
	"cmp"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process writes what the operating system and the Go runtime say of this process. The engine in process is in its
// memory and processor time, and not in the heap.
func (e *exposition) process(started time.Time) {
	build, _ := debug.ReadBuildInfo()
	version, revision := "", ""
	if build != nil {
		version = build.Main.Version
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	e.family(gauge, "clew_build_info", "The program; the value is always 1.")
	e.sample("clew_build_info", 1, "version", cmp.Or(version, "unknown"), "revision", cmp.Or(revision, "unknown"),
		"go_version", runtime.Version())

	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	e.single(gauge, "clew_process_start_time_seconds", "When the server began, in seconds since 1970.",
		float64(started.UnixMilli())/1000)
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err == nil {
		e.single(counter, "clew_process_cpu_seconds_total", "Processor time that was used.",
			time.Duration(usage.Utime.Nano()+usage.Stime.Nano()).Seconds())
	}
	if pages, ok := residentPages(); ok {
		e.single(gauge, "clew_process_resident_memory_bytes", "Memory that the process has, the engine's included.",
			float64(pages*uint64(os.Getpagesize())))
	}
	e.single(gauge, "clew_go_goroutines", "Goroutines that exist.", float64(runtime.NumGoroutine()))
	e.single(gauge, "clew_go_heap_bytes", "Memory of live and not yet collected Go objects.", float64(m.HeapAlloc))
	e.single(counter, "clew_go_gc_runs_total", "Garbage collections.", float64(m.NumGC))
	e.single(counter, "clew_go_gc_pause_seconds_total", "Time that collections stopped the program.",
		time.Duration(m.PauseTotalNs).Seconds())
}

// residentPages is how many pages of memory the process has; false where the system does not say.
func residentPages() (uint64, bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	return pages, err == nil
}
