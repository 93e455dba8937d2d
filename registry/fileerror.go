package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
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
