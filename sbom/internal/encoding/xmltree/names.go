package xmltree

import (
	"strings"
	"unicode/utf8"
)

// A qname is a name with its namespace.
type qname struct{ space, local string }

type binding struct {
	prefix, space string
}

// A spelling is a name as it stands in the document.
type spelling struct {
	text  string
	plain bool  // an attribute of this name is in no namespace, and declares none
	scope int   // in which element is right
	name  int32 // of an element, in names
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

func nameStart(r rune) bool {
	return r >= 0xc0 && r <= 0x2ff && r != 0xd7 && r != 0xf7 || r >= 0x370 && r <= 0x1fff && r != 0x37e || r == 0x200c || r == 0x200d ||
		r >= 0x2070 && r <= 0x218f || r >= 0x2c00 && r <= 0x2fef || r >= 0x3001 && r <= 0xd7ff || r >= 0xf900 && r <= 0xfdcf ||
		r >= 0xfdf0 && r <= 0xfffd || r >= 0x10000 && r <= 0xeffff
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
