package xmltree

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"
)

type parser struct {
	*Document
	limits   Limits
	pos      int
	bindings []binding
	scope    int         // another one for other bindings
	marks    []int       // length of bindings in front of each open element
	open     []*spelling // names of the open elements
	known    map[string]*spelling
	recent   [256]*spelling // by a few of their letters: most names occur again and again
	qnames   map[qname]int32
}

// Parse reads data, which must not change afterwards.
func Parse(data []byte, l Limits) (*Document, error) {
	if l.Depth <= 0 {
		l.Depth = 100
	}
	if l.Nodes <= 0 {
		l.Nodes = 20_000_000
	}
	p := &parser{Document: &Document{Data: data, Root: None}, limits: l, known: map[string]*spelling{}, qnames: map[qname]int32{}}
	if len(data) > math.MaxInt32 {
		return nil, p.fail(0, ErrLimit, "larger than 2 GiB")
	}
	// An element for each tag that is no end tag, and text in front of most tags.
	tags := bytes.Count(data, []byte{'<'})
	p.nodes = make([]node, 0, min(2*tags-bytes.Count(data, []byte("</")), l.Nodes)+1)
	p.attrs = make([]Attr, 0, min(bytes.Count(data, []byte(`="`)), tags, l.Nodes)) // most elements have none or one
	if err := p.parse(); err != nil {
		return nil, err
	}
	return p.Document, nil
}

func (p *parser) fail(at int, kind error, format string, args ...any) error {
	return Refuse(at, kind, format, args...)
}

func (p *parser) parse() error {
	d := p.Data
	if i := firstBad(d); i >= 0 {
		if isUTF16(d) {
			return p.fail(0, ErrEncoding, "the document is in UTF-16")
		}
		return p.fail(i, ErrSyntax, "a byte that is no character of XML")
	}
	p.pos = len(d) - len(bytes.TrimPrefix(d, []byte("\ufeff")))
	if err := p.declaration(); err != nil {
		return err
	}
	open := None
	for p.pos < len(d) {
		if d[p.pos] != '<' {
			if err := p.text(open); err != nil {
				return err
			}
			continue
		}
		rest := d[p.pos:]
		var err error
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			err = p.comment(open)
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			err = p.cdata(open)
		case bytes.HasPrefix(rest, []byte("<!")):
			return p.fail(p.pos, ErrDoctype, "a document type declaration, which is not read because it can define entities")
		case bytes.HasPrefix(rest, []byte("<?")):
			err = p.instruction(open)
		case bytes.HasPrefix(rest, []byte("</")):
			open, err = p.endTag(open)
		default:
			open, err = p.startTag(open)
		}
		if err != nil {
			return err
		}
	}
	if open != None {
		return p.fail(len(d), ErrSyntax, "the document ends inside of element <%s>", p.open[len(p.open)-1].text)
	}
	if p.Root == None {
		return p.fail(len(d), ErrSyntax, "no element")
	}
	return nil
}

func isUTF16(d []byte) bool {
	for _, begin := range []string{"\xff\xfe", "\xfe\xff", "\x00<", "<\x00"} {
		if bytes.HasPrefix(d, []byte(begin)) {
			return true
		}
	}
	return false
}

// firstBad returns the first byte that is not part of a character of XML, or -1.
func firstBad(d []byte) int {
	for i := 0; i < len(d); {
		if i+8 <= len(d) && isASCII(binary.LittleEndian.Uint64(d[i:])) {
			i += 8
			continue
		}
		c := d[i]
		switch {
		case c >= 0x20 && c < utf8.RuneSelf || c == '\n' || c == '\t' || c == '\r':
			i++
		case c < 0x20:
			return i
		default:
			r, n := utf8.DecodeRune(d[i:])
			if r == utf8.RuneError && n < 3 || r == 0xfffe || r == 0xffff {
				return i
			}
			i += n
		}
	}
	return -1
}

// isASCII reports whether eight bytes are characters of ASCII that are no control characters.
func isASCII(w uint64) bool {
	const highs = 0x8080808080808080
	return (w|(w-0x2020202020202020))&highs == 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (p *parser) skipSpace() bool {
	start := p.pos
	for p.pos < len(p.Data) && isSpace(p.Data[p.pos]) {
		p.pos++
	}
	return p.pos > start
}

// declaration reads <?xml version="1.0" encoding="UTF-8"?>, which may be absent.
func (p *parser) declaration() error {
	rest := p.Data[p.pos:]
	if !bytes.HasPrefix(rest, []byte("<?xml")) || len(rest) > 5 && !isSpace(rest[5]) {
		return nil
	}
	at := p.pos
	p.pos += 5
	for i, want := range []string{"version", "encoding", "standalone"} {
		spaced := p.skipSpace()
		if bytes.HasPrefix(p.Data[p.pos:], []byte("?>")) && i > 0 {
			break
		}
		name := p.name()
		if name != want {
			if i > 0 && i < 2 && name == "standalone" {
				want = name
			} else {
				return p.fail(at, ErrSyntax, "a broken XML declaration")
			}
		}
		value, _, err := p.attrValue(name)
		if err != nil {
			return err
		}
		switch {
		case !spaced:
			return p.fail(at, ErrSyntax, "a broken XML declaration")
		case want == "version" && value != "1.0":
			return p.fail(at, ErrSyntax, "XML version %q, only 1.0 is read", value)
		case want == "encoding" && !strings.EqualFold(value, "UTF-8") && !strings.EqualFold(value, "US-ASCII"):
			return p.fail(at, ErrEncoding, "encoding %q, only UTF-8 is read", value)
		case want == "standalone" && value != "yes" && value != "no":
			return p.fail(at, ErrSyntax, "a broken XML declaration")
		}
		if want == "standalone" {
			p.skipSpace()
			break
		}
	}
	p.skipSpace()
	if !bytes.HasPrefix(p.Data[p.pos:], []byte("?>")) {
		return p.fail(at, ErrSyntax, "a broken XML declaration")
	}
	p.pos += 2
	return nil
}

func (p *parser) add(n node) (Node, error) {
	if len(p.nodes)+len(p.attrs) >= p.limits.Nodes {
		return None, p.fail(int(n.start), ErrLimit, "more than %d nodes", p.limits.Nodes)
	}
	p.nodes = append(p.nodes, n)
	return Node(len(p.nodes) - 1), nil
}

// leaf adds a node from the current position to end.
func (p *parser) leaf(kind Kind, plain bool, parent Node, inner, outer, end int) error {
	next := Node(len(p.nodes) + 1)
	_, err := p.add(node{kind: kind, plain: plain, start: int32(p.pos), end: int32(end), inner: int32(inner), outer: int32(outer),
		parent: parent, next: next})
	p.pos = end
	return err
}

func (p *parser) text(open Node) error {
	end := bytes.IndexByte(p.Data[p.pos:], '<')
	if end < 0 {
		end = len(p.Data)
	} else {
		end += p.pos
	}
	raw := p.Data[p.pos:end]
	if open == None {
		if i := bytes.IndexFunc(raw, func(r rune) bool { return r > ' ' }); i >= 0 {
			return p.fail(p.pos+i, ErrSyntax, "text outside of the document element")
		}
		p.pos = end
		return nil
	}
	if isPlain(raw) {
		return p.leaf(Text, true, open, p.pos, end, end)
	}
	if i := bytes.Index(raw, []byte("]]>")); i >= 0 {
		return p.fail(p.pos+i, ErrSyntax, `"]]>" in text`)
	}
	if err := p.references(raw, p.pos); err != nil {
		return err
	}
	return p.leaf(Text, false, open, p.pos, end, end)
}

func (p *parser) comment(open Node) error {
	body := p.pos + len("<!--")
	i := bytes.Index(p.Data[body:], []byte("--"))
	if i < 0 {
		return p.fail(p.pos, ErrSyntax, "a comment that does not end")
	}
	if !bytes.HasPrefix(p.Data[body+i:], []byte("-->")) {
		return p.fail(body+i, ErrSyntax, `"--" inside of a comment`)
	}
	return p.leaf(Comment, false, open, body, body+i, body+i+3)
}

func (p *parser) cdata(open Node) error {
	if open == None {
		return p.fail(p.pos, ErrSyntax, "text outside of the document element")
	}
	body := p.pos + len("<![CDATA[")
	i := bytes.Index(p.Data[body:], []byte("]]>"))
	if i < 0 {
		return p.fail(p.pos, ErrSyntax, "a CDATA section that does not end")
	}
	return p.leaf(CDATA, false, open, body, body+i, body+i+3)
}

func (p *parser) instruction(open Node) error {
	at := p.pos
	i := bytes.Index(p.Data[at:], []byte("?>"))
	if i < 0 {
		return p.fail(at, ErrSyntax, "a processing instruction that does not end")
	}
	p.pos += 2
	target := p.name()
	inner := p.pos
	if target == "" || strings.EqualFold(target, "xml") || strings.Contains(target, ":") || inner < at+i && !isSpace(p.Data[inner]) {
		return p.fail(at, ErrSyntax, "a broken processing instruction")
	}
	p.pos = at
	return p.leaf(Instruction, false, open, inner, at+i, at+i+2)
}

// attrValue reads = and a quoted value, and returns the value and where it begins.
func (p *parser) attrValue(name string) (string, int, error) {
	p.skipSpace()
	if p.pos >= len(p.Data) || p.Data[p.pos] != '=' {
		return "", 0, p.fail(p.pos, ErrSyntax, "no '=' behind attribute %q", name)
	}
	p.pos++
	p.skipSpace()
	if p.pos >= len(p.Data) || p.Data[p.pos] != '"' && p.Data[p.pos] != '\'' {
		return "", 0, p.fail(p.pos, ErrSyntax, "the value of attribute %q is not in quotes", name)
	}
	quote := p.Data[p.pos]
	start := p.pos + 1
	i := bytes.IndexByte(p.Data[start:], quote)
	if i < 0 {
		return "", 0, p.fail(p.pos, ErrSyntax, "the value of attribute %q does not end", name)
	}
	raw := p.Data[start : start+i]
	if isPlain(raw) && !bytes.ContainsAny(raw, "\t\n") {
		p.pos = start + i + 1
		return view(raw), start, nil
	}
	if j := bytes.IndexByte(raw, '<'); j >= 0 {
		return "", 0, p.fail(start+j, ErrSyntax, "'<' in the value of attribute %q", name)
	}
	if err := p.references(raw, start); err != nil {
		return "", 0, err
	}
	p.pos = start + i + 1
	return view(decode(raw, true)), start, nil
}

func (p *parser) startTag(open Node) (Node, error) {
	at := p.pos
	if open == None && p.Root != None {
		return None, p.fail(at, ErrSyntax, "a second document element")
	}
	if len(p.open) >= p.limits.Depth {
		return None, p.fail(at, ErrLimit, "nested deeper than %d elements", p.limits.Depth)
	}
	p.pos++
	name := p.spelling()
	if name == nil {
		return None, p.fail(at, ErrSyntax, "'<' without a name behind it")
	}
	el := node{start: int32(at), parent: open, attrs: int32(len(p.attrs))}
	p.marks = append(p.marks, len(p.bindings))
	special, err := p.attributes(&el, name.text)
	if err != nil {
		return None, err
	}
	el.nattrs = int32(len(p.attrs)) - el.attrs
	el.inner = int32(p.pos)
	own := p.attrs[el.attrs:]
	if special {
		if err := p.namespaces(own); err != nil {
			return None, err
		}
	}
	if name.scope != p.scope {
		if err := p.place(name, at); err != nil {
			return None, err
		}
	}
	el.name = name.name
	if a := repeated(own); a != nil {
		return None, p.fail(a.Start, ErrSyntax, "attribute %q occurs twice", a.Name)
	}
	n, err := p.add(el)
	if err != nil {
		return None, err
	}
	if open == None {
		p.Root = n
	}
	if el.empty {
		p.close(n, p.pos, p.pos)
		return open, nil
	}
	p.open = append(p.open, name)
	return n, nil
}

// attributes reads the rest of a start tag, and reports whether a namespace is declared or named in it.
func (p *parser) attributes(el *node, tag string) (special bool, err error) {
	for {
		spaced := p.skipSpace()
		if p.pos >= len(p.Data) {
			return false, p.fail(int(el.start), ErrSyntax, "a tag that does not end")
		}
		switch p.Data[p.pos] {
		case '>':
			p.pos++
			return special, nil
		case '/':
			if p.pos+1 >= len(p.Data) || p.Data[p.pos+1] != '>' {
				return false, p.fail(p.pos, ErrSyntax, "'/' inside of a tag")
			}
			p.pos += 2
			el.empty = true
			return special, nil
		}
		start := p.pos
		name := p.spelling()
		if name == nil || !spaced {
			return false, p.fail(start, ErrSyntax, "a broken tag <%s>", tag)
		}
		special = special || !name.plain
		value, valueStart, err := p.attrValue(name.text)
		if err != nil {
			return false, err
		}
		if len(p.nodes)+len(p.attrs) >= p.limits.Nodes {
			return false, p.fail(start, ErrLimit, "more than %d nodes", p.limits.Nodes)
		}
		p.attrs = append(p.attrs, Attr{Name: name.text, Value: value, Start: start, End: p.pos, ValueStart: valueStart})
	}
}

// repeated returns the first attribute that has the name of an earlier one.
func repeated(own []Attr) *Attr {
	if len(own) > 16 {
		seen := make(map[qname]bool, len(own))
		for i, a := range own {
			key := qname{a.Space, a.Name}
			if seen[key] {
				return &own[i]
			}
			seen[key] = true
		}
		return nil
	}
	for i, a := range own {
		for _, b := range own[:i] {
			if a.Name == b.Name && a.Space == b.Space {
				return &own[i]
			}
		}
	}
	return nil
}

func (p *parser) close(n Node, outer, end int) {
	p.nodes[n].outer = int32(outer)
	p.nodes[n].end = int32(end)
	p.nodes[n].next = Node(len(p.nodes))
	last := len(p.marks) - 1
	if len(p.bindings) > p.marks[last] {
		p.bindings = p.bindings[:p.marks[last]]
		p.scope++
	}
	p.marks = p.marks[:last]
}

func (p *parser) endTag(open Node) (Node, error) {
	at := p.pos
	p.pos += 2
	want := ""
	if len(p.open) > 0 {
		want = p.open[len(p.open)-1].text
	}
	name := p.endName(want)
	p.skipSpace()
	if p.pos >= len(p.Data) || p.Data[p.pos] != '>' {
		return None, p.fail(at, ErrSyntax, "a broken end tag")
	}
	p.pos++
	last := len(p.open) - 1
	if last < 0 {
		return None, p.fail(at, ErrSyntax, "end tag </%s> without a start tag", name)
	}
	if want != name {
		return None, p.fail(at, ErrSyntax, "end tag </%s> where </%s> is expected", name, want)
	}
	p.open = p.open[:last]
	p.close(open, at, p.pos)
	return p.nodes[open].parent, nil
}
