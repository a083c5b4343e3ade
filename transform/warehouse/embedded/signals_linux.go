package embedded

import (
	"syscall"
	"unsafe"
)

// lastSignal is the largest signal number of Linux.
const lastSignal = 64

// action is the kernel's struct sigaction as opaque bytes: 32 on amd64 and arm64.
type action [8]uint64

// none says that the signal had no handler: the action begins with it, and SIG_DFL is 0.
func (a *action) none() bool { return *(*uintptr)(unsafe.Pointer(a)) == 0 }

// signalActions is what each signal did when it was read.
type signalActions [lastSignal + 1]action

// maskBytes is the size of the kernel's signal set.
const maskBytes = 8

// saveSignals reads what every signal does now.
func saveSignals() *signalActions {
	var saved signalActions
	for sig := 1; sig <= lastSignal; sig++ {
		_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), 0,
			uintptr(unsafe.Pointer(&saved[sig])), maskBytes, 0, 0)
	}
	return &saved
}

// restore makes every signal that had a handler do what it did. One that had none keeps what the library gave it: the
// engine asks its own threads for their stacks with it, and without a handler that would end the process.
func (saved *signalActions) restore() {
	for sig := 1; sig <= lastSignal; sig++ {
		if !saved[sig].none() {
			_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig),
				uintptr(unsafe.Pointer(&saved[sig])), 0, maskBytes, 0, 0)
		}
	}
}
