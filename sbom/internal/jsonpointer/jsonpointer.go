// Package jsonpointer writes and reads the parts of JSON pointers (RFC 6901, sections 3 and 4).
package jsonpointer

import (
	"iter"
	"strconv"
	"strings"
)

var (
	escape   = strings.NewReplacer("~", "~0", "/", "~1")
	unescape = strings.NewReplacer("~1", "/", "~0", "~")
)

// Escape returns a member's name as a part of a pointer.
func Escape(name string) string { return escape.Replace(name) }

// Unescape returns the member's name that a part of a pointer stands for.
func Unescape(part string) string { return unescape.Replace(part) }

// A Path is where a walk is in a document; it is written only when it is asked for.
type Path struct{ steps []step }

type step struct {
	name  string
	index int // -1: a name
}

// Push goes to a member.
func (p *Path) Push(name string) { p.steps = append(p.steps, step{name, -1}) }

// PushIndex goes to an element.
func (p *Path) PushIndex(i int) { p.steps = append(p.steps, step{"", i}) }

// Pop goes back.
func (p *Path) Pop() { p.steps = p.steps[:len(p.steps)-1] }

// Len is how deep the walk is.
func (p *Path) Len() int { return len(p.steps) }

// Names yields the names of the members on the way, from the root on.
func (p *Path) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, s := range p.steps {
			if s.index < 0 && !yield(s.name) {
				return
			}
		}
	}
}

// String is the pointer.
func (p *Path) String() string {
	var b []byte
	for _, s := range p.steps {
		b = append(b, '/')
		if s.index >= 0 {
			b = strconv.AppendInt(b, int64(s.index), 10)
		} else {
			b = append(b, Escape(s.name)...)
		}
	}
	return string(b)
}
