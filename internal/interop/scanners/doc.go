// Package scanners has tests only: see scanners_test.go.
package scanners
