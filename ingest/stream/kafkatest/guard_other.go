//go:build !linux

package kafkatest

import "syscall"

func guard() *syscall.SysProcAttr { return nil }
