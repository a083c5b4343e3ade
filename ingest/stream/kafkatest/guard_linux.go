package kafkatest

import "syscall"

// guard lets the kernel end a child when the thread that started it ends, as it does when a test run is killed.
func guard() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
