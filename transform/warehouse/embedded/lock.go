package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrInUse says that the path is open already, in this process or in another; the text around it names the process.
var ErrInUse = errors.New("the data directory is in use")

// lockName is the file whose lock says that a process works in the directory. The engine's own lock is not used: it
// reports a second opening only as a failure without a reason.
const lockName = "clew.lock"

// lockDir creates dir where needed and takes its lock. Closing the file, or the end of the process however it comes,
// gives the lock back.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("create the data directory %s: %w", dir, err)
	}
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("the data directory %s cannot be written to: %w", dir, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(inUse(dir, file), file.Close())
	}
	if err == nil {
		err = writePID(file)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the data directory %s: %w", dir, err), file.Close())
	}
	return file, nil
}

func inUse(dir string, file *os.File) error {
	content := make([]byte, 32)
	n, _ := file.ReadAt(content, 0)
	pid := strings.TrimSpace(string(content[:n]))
	if pid == fmt.Sprint(os.Getpid()) {
		return fmt.Errorf("%w: %s is already open in this process (%s)", ErrInUse, dir, pid)
	}
	return fmt.Errorf("%w: %s is open in process %s; stop that process or choose another directory", ErrInUse, dir, pid)
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}
