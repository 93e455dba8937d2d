// Package jsonpointer writes and reads the parts of JSON pointers (RFC 6901, sections 3 and 4).
package jsonpointer

import "strings"

var (
	escape   = strings.NewReplacer("~", "~0", "/", "~1")
	unescape = strings.NewReplacer("~1", "/", "~0", "~")
)

// Escape returns a member's name as a part of a pointer.
func Escape(name string) string { return escape.Replace(name) }

// Unescape returns the member's name that a part of a pointer stands for.
func Unescape(part string) string { return unescape.Replace(part) }
