//go:build unix

package nodegate

import (
	"fmt"
	"os"
	"syscall"
)

// writable says who beside root and the doctor's own account may write a file or into a directory.
func writable(name string) string {
	info, err := os.Stat(name)
	if err != nil {
		return ""
	}
	if info.Mode()&0o022 != 0 {
		return fmt.Sprintf("its mode is %s, so others can write it", info.Mode().Perm())
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Getuid() {
		return fmt.Sprintf("it belongs to user %d, and not to root", s.Uid)
	}
	return ""
}
