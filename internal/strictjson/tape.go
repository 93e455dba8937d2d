package strictjson

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
			name := Span{Start: int32(r.pos), Next: int32(len(list) + 1)}
			text, ok := r.memberName(base)
			if !ok {
				return list
			}
			end := r.pos - 1 // the colon; only white space stands between it and the name
			for r.data[end-1] != '"' {
				end--
			}
			name.end = uint32(end)
			if end-int(name.Start)-2 != len(text) {
				name.end |= escapedBit
			}
			list = r.Spans(append(list, name))
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
	s := &list[at]
	s.end, s.Next = uint32(r.pos), int32(len(list))
	if escaped {
		s.end |= escapedBit
	}
	return list
}
