package embedded

import (
	"unsafe"

	"github.com/ebitengine/purego"
)

// lastSignal is the largest signal number of macOS.
const lastSignal = 31

// sigaction reads what a signal does into old, and makes it do act; either may be nil. It calls libSystem, as Go's
// runtime does: the kernel's own call wants a trampoline that only libSystem knows.
func sigaction(sig int, act, old *action) {
	if symbol, err := purego.Dlsym(purego.RTLD_DEFAULT, "sigaction"); err == nil {
		purego.SyscallN(symbol, uintptr(sig), uintptr(unsafe.Pointer(act)), uintptr(unsafe.Pointer(old)))
	}
}
