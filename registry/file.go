package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// fileError gives an error of the file system its kind, and leaves others as they are.
func fileError(err error) error {
	var (
		path *fs.PathError
		link *os.LinkError
		call *os.SyscallError
	)
	if !errors.As(err, &path) && !errors.As(err, &link) && !errors.As(err, &call) {
		return err
	}
	kind := ErrUnavailable // the disk is full or broken, or too many files are open
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = ErrNotFound
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		kind = ErrUnauthorized
	case errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP), errors.Is(err, fs.ErrExist):
		kind = ErrMalformed // no layout has this there
	}
	return fmt.Errorf("registry: %w: %w", kind, err)
}

// fileBody gives errors of reading a file their kind.
type fileBody struct{ *os.File }

func (f fileBody) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if err != nil && err != io.EOF {
		err = fileError(err)
	}
	return n, err
}

// writeFile replaces a file at once: a reader, or whoever comes after a crash, sees the old bytes or the new.
func writeFile(name string, data []byte) error { return copyFile(name, bytes.NewReader(data)) }

// copyFile is writeFile of all that content has. If content fails, nothing is replaced.
func copyFile(name string, content io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = rename(f.Name(), name)
	}
	return err
}

// rename is os.Rename. On Windows that fails while somebody has the old file open, which nobody has for long.
func rename(from, to string) error {
	for try := 1; ; try++ {
		err := os.Rename(from, to)
		if err == nil || runtime.GOOS != "windows" || try == 20 {
			return err
		}
		time.Sleep(jitter(try))
	}
}
