// Package xmltree reads XML that somebody is going to trust, and keeps the place of everything in the text.
//
// It follows XML 1.0 (fifth edition) and Namespaces in XML 1.0, without document type declarations: they, and so every
// entity but the five predefined ones, are refused, because they make two readers see two documents and a small
// document a large one. The encoding is UTF-8. Nesting and the number of nodes are bounded. There is one pass over the
// bytes and no recursion, and names and text without references are views of the input.
package xmltree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/ladingdev/lading/internal/syntax"
)

// Kinds of failure, for errors.Is. The error itself is an [*syntax.Error].
var (
	ErrSyntax   = errors.New("not well-formed XML")
	ErrDoctype  = errors.New("document type declaration")
	ErrEncoding = errors.New("encoding is not UTF-8")
	ErrLimit    = syntax.ErrLimit
)

// Refuse returns the error of a text that breaks at a byte.
func Refuse(at int, kind error, format string, args ...any) *syntax.Error {
	return &syntax.Error{Format: "XML", Offset: at, Reason: fmt.Sprintf(format, args...), Err: kind}
}

// Limits bound what Parse follows. The size of the input is the caller's to bound.
type Limits struct {
	Depth int // nested elements; 0 means 100
	Nodes int // elements, attributes and texts; 0 means 20 million
}

// Namespace names that need no declaration.
const (
	NamespaceXML   = "http://www.w3.org/XML/1998/namespace"
	NamespaceXMLNS = "http://www.w3.org/2000/xmlns/"
)

// A Kind is what a node is.
type Kind uint8

// The kinds of a node. Text is character data between two pieces of markup, CDATA is a section of it.
const (
	Element Kind = iota
	Text
	CDATA
	Comment
	Instruction
)

// A Node is an index into the nodes of a [Document], in the order of the text.
type Node int32

// None is no node.
const None Node = -1

// A Document is an XML text with the places of its parts.
type Document struct {
	Data  []byte
	Root  Node // the document element
	nodes []node
	attrs []Attr
	names []qname
}

// A node has no pointers, so that the garbage collector need not look at it.
type node struct {
	kind         Kind
	empty        bool // <a/>
	plain        bool // text: without references and carriage returns
	start, end   int32
	inner, outer int32 // elements: where the content begins and ends
	parent, next Node  // next: behind the last node inside this one
	attrs        int32 // index of the first
	nattrs       int32
	name         int32 // index of an element's
}

// A qname is a name with its namespace.
type qname struct{ space, local string }

// An Attr is an attribute, or a namespace declaration, whose Space is [NamespaceXMLNS].
type Attr struct {
	Space, Name string
	Value       string // with references replaced and white space normalised
	Start, End  int    // the whole of it, from the name to the closing quote
	ValueStart  int    // of the text between the quotes
}

type binding struct {
	prefix, space string
}

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

// A spelling is a name as it stands in the document.
type spelling struct {
	text  string
	plain bool  // an attribute of this name is in no namespace, and declares none
	scope int   // in which element is right
	name  int32 // of an element, in names
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
		if bytes.HasPrefix(d, []byte{0xff, 0xfe}) || bytes.HasPrefix(d, []byte{0xfe, 0xff}) || bytes.HasPrefix(d, []byte{0, '<'}) || bytes.HasPrefix(d, []byte{'<', 0}) {
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
	_, err := p.add(node{kind: kind, plain: plain, start: int32(p.pos), end: int32(end), inner: int32(inner), outer: int32(outer), parent: parent, next: next})
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

// isPlain reports whether there is no ampersand, carriage return, closing bracket or tag in a text.
func isPlain(raw []byte) bool {
	for _, c := range raw {
		if !plainBytes[c] {
			return false
		}
	}
	return true
}

var plainBytes, nameBytes = func() (plain, name [256]bool) {
	for c := range 256 {
		plain[c] = c != '&' && c != '\r' && c != ']' && c != '<'
		name[c] = c|0x20 >= 'a' && c|0x20 <= 'z' && c < utf8.RuneSelf || c >= '0' && c <= '9' || strings.IndexByte("_:-.", byte(c)) >= 0
	}
	return plain, name
}()

// references checks every reference in raw, which begins at offset at.
func (p *parser) references(raw []byte, at int) error {
	for from := 0; ; {
		i := bytes.IndexByte(raw[from:], '&')
		if i < 0 {
			return nil
		}
		from += i
		_, n := reference(raw[from:])
		if n == 0 {
			return p.fail(at+from, ErrSyntax, "an unknown or broken entity reference")
		}
		from += n
	}
}

// reference decodes the reference that s begins with and returns its length, or zero.
func reference(s []byte) (rune, int) {
	end := bytes.IndexByte(s[:min(len(s), 16)], ';')
	if end < 0 {
		return 0, 0
	}
	name := string(s[1:end])
	switch name {
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "amp":
		return '&', end + 1
	case "apos":
		return '\'', end + 1
	case "quot":
		return '"', end + 1
	}
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if hex, isHex := strings.CutPrefix(digits, "x"); isHex {
		digits, base = hex, 16
	}
	if !ok || digits == "" || digits[0] == '+' || digits[0] == '-' || strings.Contains(digits, "_") {
		return 0, 0
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || !isChar(rune(n)) || n > utf8.MaxRune {
		return 0, 0
	}
	return rune(n), end + 1
}

func isChar(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || c >= 0x20 && c <= 0xd7ff || c >= 0xe000 && c <= 0xfffd || c >= 0x10000 && c <= utf8.MaxRune
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

// name reads a name at the current position, empty if there is none.
func (p *parser) name() string {
	if name := p.spelling(); name != nil {
		return name.text
	}
	return ""
}

// spelling reads a name at the current position; nil if there is none.
func (p *parser) spelling() *spelling {
	start := p.pos
	if start < len(p.Data) && (p.Data[start]-'0' <= 9 || p.Data[start] == '-' || p.Data[start] == '.') {
		return nil
	}
	for p.pos < len(p.Data) {
		if nameBytes[p.Data[p.pos]] {
			p.pos++
			continue
		}
		if p.Data[p.pos] < utf8.RuneSelf {
			break
		}
		r, n := utf8.DecodeRune(p.Data[p.pos:])
		if !nameStart(r) && !(p.pos > start && (r == 0xb7 || r >= 0x300 && r <= 0x36f || r == 0x203f || r == 0x2040)) {
			break
		}
		p.pos += n
	}
	text := p.Data[start:p.pos]
	if len(text) == 0 {
		return nil
	}
	at := &p.recent[byte(len(text))+7*text[0]+31*text[len(text)-1]+131*text[len(text)/2]]
	if *at != nil && (*at).text == string(text) {
		return *at
	}
	name, ok := p.known[string(text)]
	if !ok {
		s := string(text)
		name = &spelling{text: s, plain: s != "xmlns" && !strings.Contains(s, ":"), scope: -1}
		p.known[s] = name
	}
	*at = name
	return name
}

// endName reads a name that is most likely to be want.
func (p *parser) endName(want string) string {
	if rest := p.Data[p.pos:]; len(rest) > len(want) && string(rest[:len(want)]) == want && rest[len(want)] == '>' {
		p.pos += len(want)
		return want
	}
	return p.name()
}

// view returns text of the document, or made for it, as a string: it does not change.
func view(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

func nameStart(r rune) bool {
	return r >= 0xc0 && r <= 0x2ff && r != 0xd7 && r != 0xf7 || r >= 0x370 && r <= 0x1fff && r != 0x37e || r == 0x200c || r == 0x200d ||
		r >= 0x2070 && r <= 0x218f || r >= 0x2c00 && r <= 0x2fef || r >= 0x3001 && r <= 0xd7ff || r >= 0xf900 && r <= 0xfdcf ||
		r >= 0xfdf0 && r <= 0xfffd || r >= 0x10000 && r <= 0xeffff
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

// decode replaces references, and line ends as XML 1.0 section 2.11 has it; in attributes white space becomes blanks.
func decode(raw []byte, attribute bool) []byte {
	if !bytes.ContainsAny(raw, "&\r") && (!attribute || !bytes.ContainsAny(raw, "\t\n")) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case c == '&':
			r, n := reference(raw[i:])
			out = utf8.AppendRune(out, r)
			i += n
			continue
		case c == '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			c = '\n'
		}
		if attribute && (c == '\n' || c == '\t') {
			c = ' '
		}
		out = append(out, c)
		i++
	}
	return out
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
	special := false // a namespace is declared or named
	el := node{start: int32(at), parent: open, attrs: int32(len(p.attrs))}
	p.marks = append(p.marks, len(p.bindings))
	for {
		spaced := p.skipSpace()
		if p.pos >= len(p.Data) {
			return None, p.fail(at, ErrSyntax, "a tag that does not end")
		}
		if c := p.Data[p.pos]; c == '>' {
			p.pos++
			break
		} else if c == '/' {
			if p.pos+1 >= len(p.Data) || p.Data[p.pos+1] != '>' {
				return None, p.fail(p.pos, ErrSyntax, "'/' inside of a tag")
			}
			p.pos += 2
			el.empty = true
			break
		}
		start := p.pos
		attr := p.spelling()
		if attr == nil || !spaced {
			return None, p.fail(start, ErrSyntax, "a broken tag <%s>", name.text)
		}
		special = special || !attr.plain
		value, valueStart, err := p.attrValue(attr.text)
		if err != nil {
			return None, err
		}
		if len(p.nodes)+len(p.attrs) >= p.limits.Nodes {
			return None, p.fail(start, ErrLimit, "more than %d nodes", p.limits.Nodes)
		}
		p.attrs = append(p.attrs, Attr{Name: attr.text, Value: value, Start: start, End: p.pos, ValueStart: valueStart})
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
	if len(own) > 16 {
		seen := make(map[[2]string]bool, len(own))
		for _, a := range own {
			key := [2]string{a.Space, a.Name}
			if seen[key] {
				return None, p.fail(a.Start, ErrSyntax, "attribute %q occurs twice", a.Name)
			}
			seen[key] = true
		}
	} else {
		for i, a := range own {
			for _, b := range own[:i] {
				if a.Name == b.Name && a.Space == b.Space {
					return None, p.fail(a.Start, ErrSyntax, "attribute %q occurs twice", a.Name)
				}
			}
		}
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

// place finds out which name a spelling is of an element, where it stands.
func (p *parser) place(name *spelling, at int) error {
	space, local, err := p.resolve(name.text, at, true)
	if err != nil {
		return err
	}
	q := qname{space, local}
	i, ok := p.qnames[q]
	if !ok {
		i = int32(len(p.names))
		p.names = append(p.names, q)
		p.qnames[q] = i
	}
	name.name, name.scope = i, p.scope
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

// namespaces declares and then resolves the attributes of one element.
func (p *parser) namespaces(own []Attr) error {
	for i := range own {
		a := &own[i]
		prefix, ok := strings.CutPrefix(a.Name, "xmlns")
		switch {
		case !ok:
			continue
		case prefix == "": // the default namespace
		case prefix[0] != ':':
			continue
		default:
			if prefix = prefix[1:]; prefix == "" || strings.Contains(prefix, ":") || a.Value == "" || prefix == "xmlns" {
				return p.fail(a.Start, ErrSyntax, "a broken namespace declaration")
			}
		}
		if a.Value == NamespaceXMLNS || (a.Value == NamespaceXML) != (prefix == "xml") {
			return p.fail(a.Start, ErrSyntax, "a reserved namespace is declared")
		}
		p.bindings = append(p.bindings, binding{prefix, a.Value})
		p.scope++
		a.Space, a.Name = NamespaceXMLNS, prefix
	}
	for i := range own {
		a := &own[i]
		if a.Space == NamespaceXMLNS {
			continue
		}
		var err error
		if a.Space, a.Name, err = p.resolve(a.Name, a.Start, false); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) resolve(qname string, at int, useDefault bool) (space, local string, err error) {
	prefix, local, ok := strings.Cut(qname, ":")
	if !ok {
		if !useDefault {
			return "", qname, nil
		}
		prefix, local = "", qname
	} else if prefix == "" || local == "" || strings.Contains(local, ":") || local[0]-'0' <= 9 || local[0] == '-' || local[0] == '.' {
		return "", "", p.fail(at, ErrSyntax, "%q is not a qualified name", qname)
	}
	for i := len(p.bindings) - 1; i >= 0; i-- {
		if p.bindings[i].prefix == prefix {
			return p.bindings[i].space, local, nil
		}
	}
	switch prefix {
	case "":
		return "", local, nil
	case "xml":
		return NamespaceXML, local, nil
	}
	return "", "", p.fail(at, ErrSyntax, "namespace prefix %q is not declared", prefix)
}

// Len is the number of nodes.
func (d *Document) Len() int { return len(d.nodes) }

// Kind returns what n is.
func (d *Document) Kind(n Node) Kind { return d.nodes[n].kind }

// Name returns the namespace and the local name of an element.
func (d *Document) Name(n Node) (space, local string) {
	if d.nodes[n].kind != Element {
		return "", ""
	}
	name := &d.names[d.nodes[n].name]
	return name.space, name.local
}

// Span returns where n begins and ends, tags included.
func (d *Document) Span(n Node) (start, end int) { return int(d.nodes[n].start), int(d.nodes[n].end) }

// Inner returns where the content of n begins and ends; both are the end of the tag for an element like <a/>.
func (d *Document) Inner(n Node) (start, end int) {
	return int(d.nodes[n].inner), int(d.nodes[n].outer)
}

// SelfClosing reports whether n is written like <a/>.
func (d *Document) SelfClosing(n Node) bool { return d.nodes[n].empty }

// Parent returns the element around n, or None.
func (d *Document) Parent(n Node) Node { return d.nodes[n].parent }

// Attrs returns the attributes and namespace declarations of an element, a view.
func (d *Document) Attrs(n Node) []Attr {
	nd := &d.nodes[n]
	return d.attrs[nd.attrs : nd.attrs+nd.nattrs : nd.attrs+nd.nattrs]
}

// Attr returns the value of an attribute without namespace.
func (d *Document) Attr(n Node, name string) (string, bool) {
	for _, a := range d.Attrs(n) {
		if a.Name == name && a.Space == "" {
			return a.Value, true
		}
	}
	return "", false
}

// Children yields the nodes directly inside n.
func (d *Document) Children(n Node) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if d.nodes[n].kind != Element {
			return
		}
		for c := n + 1; c < d.nodes[n].next; c = d.nodes[c].next {
			if !yield(c) {
				return
			}
		}
	}
}

// Elements yields the elements directly inside n.
func (d *Document) Elements(n Node) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := range d.Children(n) {
			if d.nodes[c].kind == Element && !yield(c) {
				return
			}
		}
	}
}

// All yields n and every node inside of it.
func (d *Document) All(n Node) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := n; c < max(n+1, d.nodes[n].next); c++ {
			if !yield(c) {
				return
			}
		}
	}
}

// Text returns the character data directly inside n, or of a text node, with references replaced.
func (d *Document) Text(n Node) string {
	nd := &d.nodes[n]
	switch nd.kind {
	case Text:
		if nd.plain {
			return view(d.Data[nd.inner:nd.outer])
		}
		return view(decode(d.Data[nd.inner:nd.outer], false))
	case CDATA:
		return strings.ReplaceAll(strings.ReplaceAll(string(d.Data[nd.inner:nd.outer]), "\r\n", "\n"), "\r", "\n")
	case Element:
		first := n + 1
		if first < nd.next && d.nodes[first].next == nd.next { // the usual case
			if k := d.nodes[first].kind; k == Text || k == CDATA {
				return d.Text(first)
			}
			return ""
		}
		var b strings.Builder
		for c := range d.Children(n) {
			if k := d.nodes[c].kind; k == Text || k == CDATA {
				b.WriteString(d.Text(c))
			}
		}
		return b.String()
	}
	return ""
}

// Path returns where an element is, such as /bom/components/component[2]/name.
func (d *Document) Path(n Node) string {
	var parts []string
	for ; n != None; n = d.nodes[n].parent {
		space, local := d.Name(n)
		step := "/" + local
		if parent := d.nodes[n].parent; parent != None {
			index, count := 0, 0
			for c := range d.Elements(parent) {
				if s, l := d.Name(c); s == space && l == local {
					count++
					if c == n {
						index = count
					}
				}
			}
			if count > 1 {
				step += "[" + strconv.Itoa(index) + "]"
			}
		}
		parts = append(parts, step)
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString(parts[i])
	}
	return b.String()
}

// AppendText appends s with what XML cannot hold in an element replaced by references.
func AppendText(dst []byte, s string) []byte { return appendEscaped(dst, s, false) }

// AppendAttr appends s with what XML cannot hold in a value in double quotes replaced by references.
func AppendAttr(dst []byte, s string) []byte { return appendEscaped(dst, s, true) }

func appendEscaped(dst []byte, s string, attribute bool) []byte {
	for plain := 0; ; {
		for plain < len(s) && unescaped[s[plain]] {
			plain++
		}
		dst = append(dst, s[:plain]...)
		if s = s[plain:]; s == "" {
			return dst
		}
		c, n := utf8.DecodeRuneInString(s)
		s, plain = s[n:], 0
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '\r':
			dst = append(dst, "&#13;"...)
		case attribute && c == '"':
			dst = append(dst, "&quot;"...)
		case attribute && (c == '\n' || c == '\t'):
			dst = fmt.Appendf(dst, "&#%d;", c)
		case !isChar(c):
			dst = append(dst, "\ufffd"...)
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
}

// unescaped are the bytes of characters that stand for themselves everywhere.
var unescaped = func() (b [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		b[c] = strings.IndexByte("&<>\"", byte(c)) < 0
	}
	return b
}()
