package tree

import "github.com/ladingdev/lading/internal/strictjson"

// A Maker makes nodes and lists in blocks, the larger the more there are: a document has many. The zero Maker is ready.
type Maker struct {
	nodes   []Node
	members []Member
	lists   []*Node
	size    int // of the last block
}

func (m *Maker) next() *Node {
	if len(m.nodes) == 0 {
		m.size = min(max(16, 2*m.size), 1024)
		m.nodes = make([]Node, m.size)
	}
	n := &m.nodes[0]
	m.nodes = m.nodes[1:]
	return n
}

// New returns a node that stands for a span of a source.
func (m *Maker) New(kind strictjson.Kind, text string, start, end int) *Node {
	n := m.next()
	n.Kind, n.Text, n.Start, n.End = kind, text, int32(start), int32(end)
	return n
}

// Members returns an empty list with room for n; what is appended beyond that is somewhere else.
func (m *Maker) Members(n int) []Member {
	if n > len(m.members) {
		m.members = make([]Member, max(n, m.size))
	}
	out := m.members[:0:n]
	m.members = m.members[n:]
	return out
}

// Items returns an empty list with room for n; what is appended beyond that is somewhere else.
func (m *Maker) Items(n int) []*Node {
	if n > len(m.lists) {
		m.lists = make([]*Node, max(n, m.size))
	}
	out := m.lists[:0:n]
	m.lists = m.lists[n:]
	return out
}

// membersOf copies a list, nil if it is empty.
func (m *Maker) membersOf(list []Member) []Member {
	if len(list) == 0 {
		return nil
	}
	return append(m.Members(len(list)), list...)
}

// itemsOf copies a list, nil if it is empty.
func (m *Maker) itemsOf(list []*Node) []*Node {
	if len(list) == 0 {
		return nil
	}
	return append(m.Items(len(list)), list...)
}
