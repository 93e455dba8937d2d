package k8sgate

import (
	"syscall"
	"time"
	"unsafe"
)

// threadTime is how long this thread has computed (clock_gettime, CLOCK_THREAD_CPUTIME_ID): what others do with the machine is not in it.
func threadTime() time.Duration {
	const threadClock = 3
	var at syscall.Timespec
	_, _, _ = syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadClock, uintptr(unsafe.Pointer(&at)), 0)
	return time.Duration(at.Nano())
}
