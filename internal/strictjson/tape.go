package strictjson

import "bytes"

// A Span is the place of a value or of a member's name in a text. Spans stand in the order of the text, so that a reader can go
// back and forth: a member's name comes before its value, and what is inside of a value behind it.
type Span struct {
	Start int32
	end   uint32 // the highest bit is set for a string with escapes
	Next  int32  // the index of the span behind the last one inside this
}

const escapedBit = 1 << 31

// NewSpan returns a span for a text that is known to have it.
func NewSpan(start, end, next int, escaped bool) Span {
	s := Span{Start: int32(start), end: uint32(end), Next: int32(next)}
	if escaped {
		s.end |= escapedBit
	}
	return s
}

// End is where the text of the value or the name ends.
func (s *Span) End() int { return int(s.end &^ escapedBit) }

// Escaped reports whether it is a string with escapes.
func (s *Span) Escaped() bool { return s.end&escapedBit != 0 }

// Spans reads the next value, checked like anything else, and appends its spans to a list. The text is at most 2 GiB long.
func (r *Reader) Spans(list []Span) []Span {
	at := len(list)
	k := r.Kind()
	list = append(list, Span{Start: int32(r.pos)})
	escaped := false
	switch k {
	case Object:
		if !r.open() {
			return list
		}
		base := len(r.names)
		for first := true; r.member(first); first = false {
			start := r.pos
			text, ok := r.memberName(base)
			if !ok {
				return list
			}
			end := 1 + bytes.LastIndexByte(r.data[:r.pos-1], '"') // only white space stands between the name and the colon
			list = r.Spans(append(list, NewSpan(start, end, len(list)+1, end-start-2 != len(text))))
		}
		if r.err == nil {
			r.close(base)
		}
	case Array:
		if !r.open() {
			return list
		}
		for first := true; r.element(first); first = false {
			list = r.Spans(list)
		}
		r.depth--
	case String:
		escaped = r.string()
	default:
		r.Skip()
	}
	list[at] = NewSpan(int(list[at].Start), r.pos, len(list), escaped)
	return list
}
