//go:build !linux

package k8sgate

import "time"

var began = time.Now()

func threadTime() time.Duration { return time.Since(began) }
