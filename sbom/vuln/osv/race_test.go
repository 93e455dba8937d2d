//go:build race

package osv

const raceDetector = true
