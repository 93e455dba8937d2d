package edit

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/encoding"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
	"github.com/ladingdev/lading/sbom/internal/spec"
	"github.com/ladingdev/lading/sbom/internal/tree"
)

// Encoded makes changes in a document of another encoding than JSON: the paths are those of its JSON form, of which old is the
// one that it has and now the one that it is to have. What changes is written anew, element by element or line by line.
func Encoded(data []byte, source *encoding.Source, version string, old, now *tree.Node, edits []Edit) ([]byte, error) {
	s := splicer{data: data, source: source, version: version, old: old, new: now}
	if source.Line != nil {
		if err := s.lines(edits); err != nil {
			return nil, err
		}
		return s.apply()
	}
	written, err := source.Write(now, version, true)
	if err != nil {
		return nil, err
	}
	s.text, s.places = written.Data, written.Places
	if err := s.elements(edits); err != nil {
		return nil, err
	}
	return s.apply()
}

type splice struct {
	start, end int
	text       []byte
}

type splicer struct {
	data     []byte // the document
	source   *encoding.Source
	version  string
	old, new *tree.Node
	text     []byte // the new document, written anew
	places   map[*tree.Node][2]int
	splices  []splice
}

// chain returns the values along a path, from the root on, as far as they are there.
func chain(v *tree.Node, parts []string) []*tree.Node {
	out := []*tree.Node{v}
	for _, part := range parts {
		var next *tree.Node
		if v.Kind == strictjson.Object {
			next = v.Get(jsonpointer.Unescape(part))
		} else if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(v.Items) {
			next = v.Items[i]
		}
		if next == nil {
			break
		}
		out = append(out, next)
		v = next
	}
	return out
}

// source is the span of the document that a value of the JSON form stands for.
func (s *splicer) span(v *tree.Node) (start, end int) { return s.source.Places.Source(int(v.Start)) }

// element is the same if the span is that of a whole element.
func (s *splicer) element(v *tree.Node) (start, end int, ok bool) {
	start, end = s.span(v)
	data := s.data
	return start, end, end > start && data[start] == '<' && data[end-1] == '>' && (start > 0 && v != s.old)
}

// shift is the index that the element of an array has after all edits.
func shift(edits []Edit, array string, index int, self int) int {
	n := index
	for i, e := range edits {
		rest, ok := strings.CutPrefix(e.Path, array+"/")
		at, err := strconv.Atoi(rest)
		switch {
		case !ok || err != nil || i == self:
		case e.Insert && (at < index || at == index && (self < 0 || i < self)):
			n++
		case e.Value == nil && at < index:
			n--
		}
	}
	return n
}

// elements plans the changes of an XML document.
func (s *splicer) elements(edits []Edit) error {
	for i, e := range edits {
		parts := strings.Split(e.Path[1:], "/")
		last := parts[len(parts)-1]
		array := e.Path[:len(e.Path)-len(last)-1]
		// The same path after all edits.
		after := make([]string, len(parts))
		for j := range parts {
			after[j] = parts[j]
			if n, err := strconv.Atoi(parts[j]); err == nil {
				prefix := "/" + strings.Join(parts[:j], "/")
				self := -1
				if j == len(parts)-1 {
					self = i
				}
				after[j] = strconv.Itoa(shift(edits, prefix, n, self))
			}
		}
		old := chain(s.old, parts)
		holder := old[min(len(old), len(parts))-1]
		if last == "-" && holder.Kind == strictjson.Array && len(holder.Items) > 0 && len(old) == len(parts) {
			tail := holder.Items[len(holder.Items)-1]
			now := chain(s.new, after[:len(after)-1])
			list := now[len(now)-1].Items
			later := 0
			for _, other := range edits[i+1:] {
				if other.Path == e.Path {
					later++
				}
			}
			start, end, ok := s.element(tail)
			if place, known := s.places[list[len(list)-1-later]]; ok && known {
				s.add(end, end, slices.Concat(s.indent(start), s.text[place[0]:place[1]]))
				continue
			}
		}
		if len(old) == len(parts)+1 {
			target := old[len(old)-1]
			start, end, ok := s.element(target)
			switch {
			case ok && e.Insert:
				now := chain(s.new, after)
				if place, known := s.places[now[len(now)-1]]; known && len(now) == len(after)+1 {
					s.add(start, start, slices.Concat(s.text[place[0]:place[1]], s.indent(start)))
					continue
				}
			case ok && e.Value == nil && (holder.Kind == strictjson.Object || len(holder.Items) > 1):
				s.add(start-len(s.indent(start)), end, nil)
				continue
			}
		}
		if err := s.rewrite(old, chain(s.new, after), array); err != nil {
			return err
		}
	}
	return nil
}

// rewrite writes the innermost element anew that holds a change.
func (s *splicer) rewrite(old, now []*tree.Node, path string) error {
	for k := min(len(old), len(now)) - 1; k > 0; k-- {
		start, end, ok := s.element(old[k])
		place, known := s.places[now[k]]
		if ok && known {
			s.add(start, end, s.text[place[0]:place[1]])
			return nil
		}
	}
	return fmt.Errorf("%w: no element holds %s", spec.ErrEncoding, path)
}

// indent is the white space in front of an offset, from the end of the line before on.
func (s *splicer) indent(at int) []byte {
	before := s.data[:at]
	trimmed := bytes.TrimRight(before, " \t")
	trimmed = bytes.TrimSuffix(trimmed, []byte("\n"))
	trimmed = bytes.TrimSuffix(trimmed, []byte("\r"))
	return bytes.Clone(before[len(trimmed):])
}

func (s *splicer) add(start, end int, text []byte) {
	s.splices = append(s.splices, splice{start, end, text})
}

// lines plans the changes of a tag-value document: of single values, and of what is added behind everything else.
func (s *splicer) lines(edits []Edit) error {
	data := s.data
	for _, e := range edits {
		parts := strings.Split(e.Path[1:], "/")
		old := chain(s.old, parts)
		switch {
		case len(parts) == 2 && parts[1] == "-":
			item, err := tree.Parse(e.Value)
			if err != nil {
				return err
			}
			doc := tree.ObjectAt(0, 0)
			doc.AddAt(parts[0], item)
			written, err := s.source.Write(doc, s.version, false)
			if err != nil {
				return err
			}
			if lost := written.Losses; len(lost) > 0 {
				return fmt.Errorf("%w: no tag for %s of %s", spec.ErrEncoding, lost[0].Pointer, e.Path)
			}
			text := written.Data
			if n := len(data); n > 0 && data[n-1] != '\n' {
				text = slices.Concat([]byte{'\n'}, text)
			}
			s.add(len(data), len(data), slices.Concat([]byte{'\n'}, bytes.TrimLeft(text, "\n")))
			continue
		case len(old) != len(parts)+1 || e.Insert:
			return fmt.Errorf("%w: only values that are there change in place, not %s", spec.ErrEncoding, e.Path)
		}
		start, end := s.span(old[len(old)-1])
		if e.Value == nil {
			for end < len(data) && data[end] != '\n' {
				end++
			}
			s.add(start, min(end+1, len(data)), nil)
			continue
		}
		value, err := tree.Parse(e.Value)
		if err != nil {
			return err
		}
		tag, _, ok := bytes.Cut(data[start:end], []byte{':'})
		line, fits := s.source.Line(string(tag), value.Text)
		if !ok || !fits || value.Kind != strictjson.String && value.Kind != strictjson.Number {
			return fmt.Errorf("%w: no tag holds %s alone", spec.ErrEncoding, e.Path)
		}
		s.add(start, end, []byte(line))
	}
	return nil
}

// apply makes the changes.
func (s *splicer) apply() ([]byte, error) {
	slices.SortStableFunc(s.splices, func(a, b splice) int { return a.start - b.start })
	var out []byte
	at := 0
	for i, p := range s.splices {
		if i > 0 && p.start == s.splices[i-1].start && p.end == s.splices[i-1].end && bytes.Equal(p.text, s.splices[i-1].text) &&
			p.end > p.start {
			continue // two edits inside of one element that is written anew
		}
		if p.start < at {
			return nil, fmt.Errorf("%w: two edits need the same element written anew", spec.ErrEncoding)
		}
		out = append(append(out, s.data[at:p.start]...), p.text...)
		at = p.end
	}
	return append(out, s.data[at:]...), nil
}
