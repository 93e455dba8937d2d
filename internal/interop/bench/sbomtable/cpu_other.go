//go:build !unix

package main

import "time"

var start = time.Now()

// cpuTime is the time that went by, where no other is known.
func cpuTime() time.Duration { return time.Since(start) }
