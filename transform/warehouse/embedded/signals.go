package embedded

import "unsafe"

// libchdb takes over signals when it is loaded and whenever it connects. Go's runtime needs its own handlers: without
// them a nil dereference ends the process instead of panicking, and an interrupt never arrives.

// action is what a signal does, as the system's opaque struct sigaction. It begins with the handler; the rest differs
// between systems and is at most this long.
type action [8]uint64

// The handlers that are none: SIG_DFL and SIG_IGN, on every system.
const (
	handlerDefault = 0
	handlerIgnore  = 1
)

func (a *action) handler() uintptr { return *(*uintptr)(unsafe.Pointer(a)) }

// signalActions is what each signal did when it was read.
type signalActions [lastSignal + 1]action

func saveSignals() *signalActions {
	saved := &signalActions{}
	for sig := 1; sig <= lastSignal; sig++ {
		sigaction(sig, nil, &saved[sig])
	}
	return saved
}

// restore makes every signal that had a handler do what it did. A signal that had none and was given one is ignored:
// with it the engine asks every thread for its stack, Go's too, which the library cannot read without crashing. Threads
// that do not answer are left out of system.stack_trace, so that it is empty.
func (saved *signalActions) restore() {
	for sig := 1; sig <= lastSignal; sig++ {
		var now action
		if sigaction(sig, nil, &now); now.handler() == saved[sig].handler() {
			continue
		}
		was := saved[sig]
		if was.handler() == handlerDefault {
			was[0] = handlerIgnore
		}
		sigaction(sig, &was, nil)
	}
}
