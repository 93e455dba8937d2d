package spdxyaml

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/transcode"
)

// A yamlReader walks over a document once. Its methods panic with an *Error, which Read recovers.
type yamlReader struct {
	data  []byte
	pos   int
	line  int // where the current line begins
	depth int
	ended bool // behind "..."
}

func (r *yamlReader) fail(at int, kind error, format string, args ...any) {
	line, column := strictjson.Position(r.data, at)
	panic(&Error{line, column, fmt.Sprintf(format, args...), kind})
}

func (r *yamlReader) at(i int) byte {
	if i < len(r.data) {
		return r.data[i]
	}
	return '\n'
}

// eol reports whether a line ends at i, as it does at the end of the document.
func (r *yamlReader) eol(i int) bool {
	c := r.at(i)
	return c == '\n' || c == '\r' && r.at(i+1) == '\n'
}

// blank reports whether white space or the end of a line is at i.
func (r *yamlReader) blank(i int) bool { return r.at(i) == ' ' || r.at(i) == '\t' || r.eol(i) }

func (r *yamlReader) column() int { return r.pos - r.line }

// newline moves to the beginning of the next line.
func (r *yamlReader) newline() {
	if r.at(r.pos) == '\r' {
		r.pos++
	}
	r.pos = min(r.pos+1, len(r.data))
	r.line = r.pos
}

func (r *yamlReader) spaces() {
	for r.pos < len(r.data) && (r.data[r.pos] == ' ' || r.data[r.pos] == '\t') {
		r.pos++
	}
}

// restOfLine moves over blanks and a comment to the end of the line.
func (r *yamlReader) restOfLine() {
	start := r.pos
	r.spaces()
	if r.at(r.pos) == '#' && (r.pos > start || r.pos == r.line) {
		for !r.eol(r.pos) {
			r.pos++
		}
	}
	if !r.eol(r.pos) {
		r.fail(r.pos, ErrSyntax, "text behind a value")
	}
}

// marker reports whether the line is --- or ....
func (r *yamlReader) marker(dash byte) bool {
	return r.pos == r.line && r.at(r.pos) == dash && r.at(r.pos+1) == dash && r.at(r.pos+2) == dash && r.blank(r.pos+3)
}

// next moves to the first character of the next line that has content and returns its column, or -1 at the end.
func (r *yamlReader) next() int {
	for r.pos < len(r.data) {
		if len(bytes.TrimLeft(r.data[r.line:r.pos], " ")) > 0 {
			r.fail(r.pos, ErrSyntax, "text where a line is expected to begin")
		}
		r.pos = r.line // it may be here already
		if r.marker('-') {
			r.fail(r.pos, ErrYAML, "a second document")
		}
		if r.marker('.') {
			r.pos += 3
			r.restOfLine()
			r.ended = true
			r.newline()
			continue
		}
		for r.at(r.pos) == ' ' {
			r.pos++
		}
		switch {
		case r.at(r.pos) == '#', r.eol(r.pos):
			for !r.eol(r.pos) {
				r.pos++
			}
			r.newline()
			continue
		case r.at(r.pos) == '\t':
			start := r.pos
			r.spaces()
			if r.eol(r.pos) || r.at(r.pos) == '#' {
				r.pos = start
				r.restOfLine()
				r.newline()
				continue
			}
			r.fail(start, ErrSyntax, "a tab in the indentation")
		case r.ended:
			r.fail(r.pos, ErrYAML, "text behind the end of the document")
		}
		return r.column()
	}
	return -1
}

// document reads the one document.
func (r *yamlReader) document() *transcode.Value {
	// Directives and the first marker.
	for r.pos < len(r.data) {
		if r.at(r.pos) == '%' {
			r.fail(r.pos, ErrYAML, "a directive, which is not read")
		}
		if r.marker('-') {
			r.pos += 3
			r.restOfLine()
			r.newline()
			break
		}
		start := r.pos
		r.spaces()
		if r.at(r.pos) != '#' && !r.eol(r.pos) {
			r.pos = start
			break
		}
		for !r.eol(r.pos) {
			r.pos++
		}
		r.newline()
	}
	if r.next() < 0 {
		r.fail(len(r.data), ErrYAML, "no document")
	}
	v := r.block(-1)
	if r.next() >= 0 {
		r.fail(r.pos, ErrSyntax, "text behind the value of the document")
	}
	return v
}

// enter counts nesting.
func (r *yamlReader) enter() func() {
	if r.depth++; r.depth > maxDepth {
		r.fail(r.pos, ErrLimit, "nested deeper than %d levels", maxDepth)
	}
	return func() { r.depth-- }
}

// block reads the node at the current position, which is the first of its line or stands behind "- ". What belongs to it
// is indented deeper than outer. It ends at the beginning of a line.
func (r *yamlReader) block(outer int) *transcode.Value {
	defer r.enter()()
	switch {
	case r.at(r.pos) == '-' && r.blank(r.pos+1):
		return r.sequence(r.column())
	case r.at(r.pos) == '?' && r.blank(r.pos+1):
		r.fail(r.pos, ErrYAML, "a complex key, which is not read")
	}
	if r.key(false) {
		return r.mapping(r.column())
	}
	return r.scalar(outer)
}

func (r *yamlReader) sequence(column int) *transcode.Value {
	a := transcode.NewArray(r.pos, r.pos)
	for r.at(r.pos) == '-' && r.blank(r.pos+1) {
		r.pos++
		r.spaces()
		var v *transcode.Value
		if r.eol(r.pos) || r.at(r.pos) == '#' {
			start := r.pos
			r.restOfLine()
			r.newline()
			if r.next() > column {
				v = r.block(column)
			} else {
				v = transcode.NewLiteral("null", start, start)
			}
		} else {
			v = r.block(column)
		}
		a.Items = append(a.Items, v)
		a.End = v.End
		if n := r.next(); n < column {
			break
		} else if n > column {
			r.fail(r.pos, ErrSyntax, "indented deeper than its list")
		}
	}
	return a
}

func (r *yamlReader) mapping(column int) *transcode.Value {
	o := transcode.NewObject(r.pos, r.pos)
	seen := map[string]bool{}
	for {
		start := r.pos
		if r.at(r.pos) == '?' && r.blank(r.pos+1) {
			r.fail(r.pos, ErrYAML, "a complex key, which is not read")
		}
		if !r.key(false) {
			r.fail(r.pos, ErrSyntax, "no key where one is expected")
		}
		name := r.keyText(seen)
		r.spaces()
		var v *transcode.Value
		if r.eol(r.pos) || r.at(r.pos) == '#' {
			r.restOfLine()
			r.newline()
			switch n := r.next(); {
			case n > column:
				v = r.block(column)
			case n == column && r.at(r.pos) == '-' && r.blank(r.pos+1):
				leave := r.enter()
				v = r.sequence(column)
				leave()
			default:
				v = transcode.NewLiteral("null", start, start)
			}
		} else {
			v = r.scalar(column)
		}
		v.Start = start
		o.Members = append(o.Members, transcode.Member{Name: name, Value: v})
		o.End = v.End
		n := r.next()
		if n < column {
			return o
		}
		if n > column {
			r.fail(r.pos, ErrSyntax, "indented deeper than its mapping")
		}
		if r.at(r.pos) == '-' && r.blank(r.pos+1) {
			r.fail(r.pos, ErrSyntax, "a list where a key is expected")
		}
	}
}

// key reports whether a key and its colon are at the current position, which it leaves alone.
func (r *yamlReader) key(flow bool) bool {
	i := r.pos
	switch c := r.at(i); {
	case c == '"' || c == '\'':
		for i++; !r.eol(i); i++ {
			if r.data[i] == '\\' && c == '"' {
				i++
			} else if r.data[i] == c {
				if c == '\'' && r.at(i+1) == '\'' {
					i++
					continue
				}
				break
			}
		}
		if r.eol(i) {
			return false
		}
		for i++; r.at(i) == ' ' || r.at(i) == '\t'; i++ {
		}
		return r.at(i) == ':' && (flow || r.blank(i+1))
	case strings.IndexByte("[]{},#|>%@`", c) >= 0 && !r.eol(i):
		return false
	}
	for ; !r.eol(i); i++ {
		switch c := r.data[i]; {
		case c == ':' && (r.blank(i+1) || flow && strings.IndexByte(",[]{}", r.at(i+1)) >= 0):
			return i > r.pos
		case c == '#' && i > r.pos && (r.data[i-1] == ' ' || r.data[i-1] == '\t'):
			return false
		case flow && strings.IndexByte(",[]{}", c) >= 0:
			return false
		}
	}
	return false
}

// keyText reads a key and its colon.
func (r *yamlReader) keyText(seen map[string]bool) string {
	start := r.pos
	var name string
	if c := r.at(r.pos); c == '"' || c == '\'' {
		name = r.quoted(c)
		r.spaces()
	} else {
		for !(r.at(r.pos) == ':' && (r.blank(r.pos+1) || strings.IndexByte(",[]{}", r.at(r.pos+1)) >= 0)) {
			r.pos++
		}
		name = strings.TrimRight(string(r.data[start:r.pos]), " \t")
		r.refuseIndicators(start)
		if name == "<<" {
			r.fail(start, ErrYAML, "a merge key, which is not read")
		}
		if v := r.resolve(name, start, r.pos); v.Kind != strictjson.String {
			r.fail(start, ErrYAML, "a key that is not a text")
		}
	}
	r.pos++ // the colon
	if seen[name] {
		r.fail(start, ErrSyntax, "the key %q occurs twice", name)
	}
	seen[name] = true
	return name
}

// refuseIndicators refuses what a plain text cannot begin with.
func (r *yamlReader) refuseIndicators(at int) {
	switch c := r.at(at); c {
	case '&', '*':
		r.fail(at, ErrYAML, "an anchor or an alias, which are not read")
	case '!':
		r.fail(at, ErrYAML, "a tag, which is not read")
	case '%', '@', '`', ',', ']', '}', '#':
		r.fail(at, ErrSyntax, "%q where a value is expected", c)
	case '-', '?', ':':
		if r.blank(at + 1) {
			r.fail(at, ErrSyntax, "%q where a value is expected", c)
		}
	}
}

// scalar reads a text, a number, or a flow collection, and what follows on its line.
func (r *yamlReader) scalar(outer int) *transcode.Value {
	start := r.pos
	var v *transcode.Value
	switch c := r.at(r.pos); c {
	case '|', '>':
		return r.blockScalar(outer)
	case '"', '\'':
		text := r.quoted(c)
		v = transcode.NewString(text, start, r.pos)
	case '[', '{':
		v = r.flow()
	default:
		return r.plain(outer)
	}
	r.restOfLine()
	r.newline()
	return v
}

// plain reads a text without quotes, over several lines if they are indented deeper than outer.
func (r *yamlReader) plain(outer int) *transcode.Value {
	start := r.pos
	r.refuseIndicators(start)
	var b strings.Builder
	end := start
	for {
		from := r.pos
		comment := false
		for !r.eol(r.pos) {
			c := r.data[r.pos]
			if c == ':' && r.blank(r.pos+1) {
				r.fail(r.pos, ErrSyntax, "a second colon in one line, or a text that needs quotes")
			}
			if c == '#' && r.pos > from && (r.data[r.pos-1] == ' ' || r.data[r.pos-1] == '\t') {
				comment = true
				break
			}
			r.pos++
		}
		line := strings.TrimRight(string(r.data[from:r.pos]), " \t")
		b.WriteString(line)
		end = from + len(line)
		for !r.eol(r.pos) {
			r.pos++
		}
		r.newline()
		if comment {
			break
		}
		// Does the text go on?
		back, empty := r.pos, 0
		for r.pos < len(r.data) {
			r.spaces()
			if !r.eol(r.pos) {
				break
			}
			empty++
			r.newline()
		}
		head := r.line
		for r.at(head) == ' ' {
			head++
		}
		markers := r.at(r.line) == '-' && r.at(r.line+1) == '-' && r.at(r.line+2) == '-' || r.at(r.line) == '.' && r.at(r.line+1) == '.' && r.at(r.line+2) == '.'
		if r.pos >= len(r.data) || head-r.line <= outer || r.at(r.pos) == '#' || head == r.line && markers {
			r.pos, r.line = back, back
			break
		}
		if empty == 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strings.Repeat("\n", empty))
	}
	return r.resolve(b.String(), start, end)
}

// resolve tells what a text without quotes is, by YAML's core schema.
func (r *yamlReader) resolve(text string, start, end int) *transcode.Value {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return transcode.NewLiteral("null", start, end)
	case "true", "True", "TRUE":
		return transcode.NewLiteral("true", start, end)
	case "false", "False", "FALSE":
		return transcode.NewLiteral("false", start, end)
	}
	if isNumber(text) {
		if strictjson.Check([]byte(text), strictjson.Limits{}) != nil {
			r.fail(start, ErrYAML, "the number %.40s is not written as in JSON", text)
		}
		return transcode.NewLiteral(text, start, end)
	}
	return transcode.NewString(text, start, end)
}

// isNumber follows the core schema of YAML 1.2.2, section 10.3.2.
func isNumber(s string) bool {
	t := strings.TrimLeft(s, "+-")
	if len(s)-len(t) > 1 || t == "" {
		return false
	}
	switch t {
	case ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN":
		return true
	}
	if rest, ok := strings.CutPrefix(t, "0x"); ok && t == s {
		return rest != "" && strings.Trim(rest, "0123456789abcdefABCDEF") == ""
	}
	if rest, ok := strings.CutPrefix(t, "0o"); ok && t == s {
		return rest != "" && strings.Trim(rest, "01234567") == ""
	}
	mantissa, exponent, ok := strings.Cut(strings.ToLower(t), "e")
	if ok {
		exponent = strings.TrimPrefix(strings.TrimPrefix(exponent, "-"), "+")
		if exponent == "" || strings.Trim(exponent, "0123456789") != "" {
			return false
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	return whole+fraction != "" && strings.Trim(whole+fraction, "0123456789") == ""
}

// fold writes the line breaks from the current position on as a quoted text has them, and moves to the next text.
func (r *yamlReader) fold(b *strings.Builder) {
	breaks := 0
	for r.pos < len(r.data) && r.eol(r.pos) {
		r.newline()
		breaks++
		if r.marker('-') || r.marker('.') {
			r.fail(r.pos, ErrSyntax, "a document marker inside of a quoted text")
		}
		r.spaces()
	}
	if breaks == 1 {
		b.WriteByte(' ')
	}
	b.WriteString(strings.Repeat("\n", max(0, breaks-1)))
}

// quoted reads a text in quotes.
func (r *yamlReader) quoted(quote byte) string {
	start := r.pos
	r.pos++
	var b strings.Builder
	for r.pos < len(r.data) {
		c := r.data[r.pos]
		switch {
		case c == quote && quote == '\'' && r.at(r.pos+1) == '\'':
			b.WriteByte('\'')
			r.pos += 2
		case c == quote:
			r.pos++
			return b.String()
		case c == '\\' && quote == '"':
			r.escape(&b)
		case c == ' ' || c == '\t':
			from := r.pos
			r.spaces()
			if !r.eol(r.pos) {
				b.Write(r.data[from:r.pos])
			}
		case r.eol(r.pos):
			r.fold(&b)
		default:
			b.WriteByte(c)
			r.pos++
		}
	}
	r.fail(start, ErrSyntax, "a quoted text that does not end")
	return ""
}

var escapes = map[byte]rune{
	'0': 0, 'a': 7, 'b': 8, 't': 9, '\t': 9, 'n': 10, 'v': 11, 'f': 12, 'r': 13, 'e': 27, ' ': ' ', '"': '"', '/': '/', '\\': '\\',
	'N': 0x85, '_': 0xa0, 'L': 0x2028, 'P': 0x2029,
}

func (r *yamlReader) escape(b *strings.Builder) {
	at := r.pos
	r.pos++
	if r.pos < len(r.data) && r.eol(r.pos) { // the line goes on
		r.newline()
		r.spaces()
		for r.pos < len(r.data) && r.eol(r.pos) {
			b.WriteByte('\n')
			r.newline()
			r.spaces()
		}
		return
	}
	c := r.at(r.pos)
	r.pos++
	if e, ok := escapes[c]; ok {
		b.WriteRune(e)
		return
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	hex := func() rune {
		if digits == 0 || r.pos+digits > len(r.data) {
			r.fail(at, ErrSyntax, "a broken escape sequence")
		}
		n, err := strconv.ParseUint(string(r.data[r.pos:r.pos+digits]), 16, 32)
		if err != nil {
			r.fail(at, ErrSyntax, "a broken escape sequence")
		}
		r.pos += digits
		return rune(n)
	}
	n := hex()
	if utf16.IsSurrogate(n) && c == 'u' && r.at(r.pos) == '\\' && r.at(r.pos+1) == 'u' {
		r.pos += 2
		n = utf16.DecodeRune(n, hex())
		if n == utf8.RuneError {
			n = -1
		}
	}
	if !utf8.ValidRune(n) {
		r.fail(at, ErrSyntax, "an escape sequence for no character")
	}
	b.WriteRune(n)
}

// blockScalar reads a text behind | or >.
func (r *yamlReader) blockScalar(outer int) *transcode.Value {
	start := r.pos
	folded := r.at(r.pos) == '>'
	r.pos++
	chomp, indent := byte(0), 0
	for !r.blank(r.pos) {
		switch c := r.at(r.pos); {
		case (c == '+' || c == '-') && chomp == 0:
			chomp = c
		case c >= '1' && c <= '9' && indent == 0:
			indent = max(outer, 0) + int(c-'0')
		default:
			r.fail(r.pos, ErrSyntax, "a broken block text")
		}
		r.pos++
	}
	r.restOfLine()
	r.newline()
	var lines []string
	for r.pos < len(r.data) {
		r.line = r.pos
		from := r.pos
		for r.at(r.pos) == ' ' && (indent == 0 || r.column() < indent) {
			r.pos++
		}
		if r.eol(r.pos) {
			lines = append(lines, "")
			r.newline()
			continue
		}
		if indent == 0 {
			if r.column() <= outer {
				r.pos = from
				break
			}
			indent = r.column()
		}
		if r.column() < indent || indent == 0 && (r.marker('-') || r.marker('.')) {
			r.pos = from
			break
		}
		text := r.pos
		for !r.eol(r.pos) {
			r.pos++
		}
		lines = append(lines, string(r.data[text:r.pos]))
		r.newline()
	}
	r.line = r.pos
	last := len(lines)
	for last > 0 && lines[last-1] == "" {
		last--
	}
	var b strings.Builder
	for i, line := range lines[:last] {
		if i > 0 {
			switch before := lines[i-1]; {
			case !folded, spaced(line) || spaced(before):
				b.WriteByte('\n')
			case line == "":
				// the break in front of empty lines is the one that is folded away
				if before == "" {
					b.WriteByte('\n')
				}
			case before == "":
				b.WriteByte('\n')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteString(line)
	}
	switch {
	case chomp == '+':
		b.WriteString(strings.Repeat("\n", len(lines)-last))
		if last > 0 {
			b.WriteByte('\n')
		}
	case chomp == 0 && last > 0:
		b.WriteByte('\n')
	}
	return transcode.NewString(b.String(), start, r.pos)
}

// spaced reports whether a line of a folded text keeps its breaks.
func spaced(line string) bool { return line != "" && (line[0] == ' ' || line[0] == '\t') }

// gap moves over white space, line ends and comments inside of a flow collection.
func (r *yamlReader) gap() {
	for r.pos < len(r.data) {
		before := r.pos
		r.spaces()
		if r.at(r.pos) == '#' && (r.pos > before || r.pos == r.line) {
			for !r.eol(r.pos) {
				r.pos++
			}
		}
		if !r.eol(r.pos) || r.pos >= len(r.data) {
			return
		}
		r.newline()
		if r.marker('-') || r.marker('.') {
			r.fail(r.pos, ErrSyntax, "a document marker inside of brackets")
		}
	}
}

// flow reads a value inside of brackets, or the brackets themselves.
func (r *yamlReader) flow() *transcode.Value {
	defer r.enter()()
	start := r.pos
	switch c := r.at(r.pos); c {
	case '[':
		a := transcode.NewArray(start, start)
		r.pos++
		for r.gap(); r.at(r.pos) != ']'; r.gap() {
			if len(a.Items) > 0 {
				r.comma(start)
				if r.at(r.pos) == ']' {
					break
				}
			}
			if r.key(true) {
				r.fail(r.pos, ErrYAML, "a pair inside of a list, which is not read")
			}
			a.Items = append(a.Items, r.flow())
		}
		r.pos++
		a.End = r.pos
		return a
	case '{':
		o := transcode.NewObject(start, start)
		r.pos++
		seen := map[string]bool{}
		for r.gap(); r.at(r.pos) != '}'; r.gap() {
			if len(o.Members) > 0 {
				r.comma(start)
				if r.at(r.pos) == '}' {
					break
				}
			}
			at := r.pos
			if r.pos >= len(r.data) {
				r.fail(start, ErrSyntax, "a bracket that is not closed")
			}
			if !r.key(true) {
				r.fail(r.pos, ErrSyntax, "no key where one is expected")
			}
			name := r.keyText(seen)
			r.gap()
			var v *transcode.Value
			if c := r.at(r.pos); c == ',' || c == '}' {
				v = transcode.NewLiteral("null", at, at)
			} else {
				v = r.flow()
			}
			v.Start = at
			o.Members = append(o.Members, transcode.Member{Name: name, Value: v})
		}
		r.pos++
		o.End = r.pos
		return o
	case '"', '\'':
		return transcode.NewString(r.quoted(c), start, r.pos)
	}
	if r.pos >= len(r.data) {
		r.fail(start, ErrSyntax, "a bracket that is not closed")
	}
	r.refuseIndicators(start)
	var b strings.Builder
	for {
		from := r.pos
		for !r.eol(r.pos) && strings.IndexByte(",[]{}", r.data[r.pos]) < 0 &&
			!(r.data[r.pos] == ':' && (r.blank(r.pos+1) || strings.IndexByte(",[]{}", r.at(r.pos+1)) >= 0)) &&
			!(r.data[r.pos] == '#' && r.pos > from && (r.data[r.pos-1] == ' ' || r.data[r.pos-1] == '\t')) {
			r.pos++
		}
		b.WriteString(strings.TrimRight(string(r.data[from:r.pos]), " \t"))
		if !r.eol(r.pos) || r.pos >= len(r.data) {
			break
		}
		r.fold(&b)
		if c := r.at(r.pos); r.pos >= len(r.data) || strings.IndexByte(",[]{}:#", c) >= 0 {
			break
		}
	}
	return r.resolve(strings.TrimRight(b.String(), " \n"), start, r.pos)
}

// comma moves over a comma between the values of a collection.
func (r *yamlReader) comma(open int) {
	if r.pos >= len(r.data) {
		r.fail(open, ErrSyntax, "a bracket that is not closed")
	}
	if r.at(r.pos) != ',' {
		r.fail(r.pos, ErrSyntax, "%q where a comma is expected", r.at(r.pos))
	}
	r.pos++
	r.gap()
}
