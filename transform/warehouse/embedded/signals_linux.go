package embedded

import (
	"syscall"
	"unsafe"
)

// lastSignal is the largest signal number of Linux.
const lastSignal = 64

// maskBytes is the size of the kernel's signal set.
const maskBytes = 8

// sigaction reads what a signal does into old, and makes it do act; either may be nil. It asks the kernel itself, as
// Go's runtime does.
func sigaction(sig int, act, old *action) {
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)), maskBytes, 0, 0)
}
