package embedded

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

// lastSignal is the largest signal number of macOS.
const lastSignal = 31

// action is struct sigaction of libSystem as opaque bytes: 16 of them.
type action [8]uint64

// none says that the signal had no handler: the action begins with it, and SIG_DFL is 0.
func (a *action) none() bool { return *(*uintptr)(unsafe.Pointer(a)) == 0 }

// signalActions is what each signal did when it was read.
type signalActions [lastSignal + 1]action

// sigaction calls libSystem, as Go's runtime does: the kernel's own call wants a trampoline that only libSystem knows.
func sigaction(sig int, act, old unsafe.Pointer) {
	symbol, err := purego.Dlsym(purego.RTLD_DEFAULT, "sigaction")
	if err != nil {
		return
	}
	purego.SyscallN(symbol, uintptr(sig), uintptr(act), uintptr(old))
}

// saveSignals reads what every signal does now.
func saveSignals() *signalActions {
	saved := &signalActions{}
	for sig := 1; sig <= lastSignal; sig++ {
		sigaction(sig, nil, unsafe.Pointer(&saved[sig]))
	}
	return saved
}

// restore makes every signal that had a handler do what it did. One that had none keeps what the library gave it: the
// engine asks its own threads for their stacks with it, and without a handler that would end the process.
func (saved *signalActions) restore() {
	for sig := 1; sig <= lastSignal; sig++ {
		if !saved[sig].none() {
			sigaction(sig, unsafe.Pointer(&saved[sig]), nil)
		}
	}
}
