package tree

import "github.com/ladingdev/lading/internal/strictjson"

// Render writes the tree, indented by two blanks.
func (n *Node) Render() []byte {
	size, _ := n.size(0)
	return append(n.Append(make([]byte, 0, size+1), 0), '\n')
}

// RenderSpans is [Node.Render], and tells where everything is, as reading the text would.
func (n *Node) RenderSpans() ([]byte, []strictjson.Span) {
	size, spans := n.size(0)
	r := renderer{dst: make([]byte, 0, size+1), spans: make([]strictjson.Span, 0, spans), placed: true}
	r.node(n, 0)
	return append(r.dst, '\n'), r.spans
}

// Append appends the text of the tree, as it is at a depth.
func (n *Node) Append(dst []byte, depth int) []byte {
	r := renderer{dst: dst}
	r.node(n, depth)
	return r.dst
}

// size is how long the text of n is, but for escapes, and how many spans it has.
func (n *Node) size(depth int) (size, spans int) {
	size, spans = len(n.Text)+2, 1
	for _, m := range n.Members {
		k, in := m.Value.size(depth + 1)
		size, spans = size+len(m.Name)+6+2*(depth+1)+k, spans+1+in
	}
	for _, v := range n.Items {
		k, in := v.size(depth + 1)
		size, spans = size+2+2*(depth+1)+k, spans+in
	}
	if !n.IsLeaf() {
		size += 1 + 2*depth
	}
	return size, spans
}

type renderer struct {
	dst    []byte
	spans  []strictjson.Span
	placed bool // spans are asked for
}

const blanks = "\n                                                                                                "

func (r *renderer) newline(depth int) {
	if k := 1 + 2*depth; k <= len(blanks) {
		r.dst = append(r.dst, blanks[:k]...)
		return
	}
	r.dst = append(r.dst, '\n')
	for range depth {
		r.dst = append(r.dst, ' ', ' ')
	}
}

func (r *renderer) text(s string) {
	start := len(r.dst)
	r.dst = strictjson.AppendString(r.dst, s)
	if r.placed {
		r.spans = append(r.spans, strictjson.NewSpan(start, len(r.dst), len(r.spans)+1, len(r.dst)-start != len(s)+2))
	}
}

func (r *renderer) node(n *Node, depth int) {
	if n.Kind == strictjson.String {
		r.text(n.Text)
		return
	}
	start, at := len(r.dst), len(r.spans)
	if r.placed {
		r.spans = append(r.spans, strictjson.Span{})
	}
	switch n.Kind {
	case strictjson.Object:
		r.dst = append(r.dst, '{')
		for i, m := range n.Members {
			if i > 0 {
				r.dst = append(r.dst, ',')
			}
			r.newline(depth + 1)
			r.text(m.Name)
			r.dst = append(r.dst, ':', ' ')
			r.node(m.Value, depth+1)
		}
		if len(n.Members) > 0 {
			r.newline(depth)
		}
		r.dst = append(r.dst, '}')
	case strictjson.Array:
		r.dst = append(r.dst, '[')
		for i, v := range n.Items {
			if i > 0 {
				r.dst = append(r.dst, ',')
			}
			r.newline(depth + 1)
			r.node(v, depth+1)
		}
		if len(n.Items) > 0 {
			r.newline(depth)
		}
		r.dst = append(r.dst, ']')
	default:
		r.dst = append(r.dst, n.Text...)
	}
	if r.placed {
		r.spans[at] = strictjson.NewSpan(start, len(r.dst), len(r.spans), false)
	}
}
