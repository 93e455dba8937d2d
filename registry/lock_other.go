//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package registry

import (
	"errors"
	"io/fs"
	"os"
)

// lockFile makes a file that only one can make, or returns errLocked. There is no lock here that ends with its process:
// after a crash somebody has to remove the file.
func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return nil, errLocked
	}
	if err != nil {
		return nil, err
	}
	f.Close()
	return func() { os.Remove(name) }, nil
}
