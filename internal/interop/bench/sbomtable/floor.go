package main

import (
	"log"

	"github.com/ladingdev/lading/internal/strictjson"
)

// A value is what a floor reads and writes: JSON and nothing about it.
type value struct {
	kind    strictjson.Kind
	text    []byte
	members []member
	items   []*value
}

type member struct {
	name  []byte
	value *value
}

// A copier reads a text into values, made in blocks, and keeps what is open until its number is known.
type copier struct {
	*strictjson.Reader
	block []value
	open  []member
	items []*value
}

func decode(data []byte) *value {
	c := copier{Reader: strictjson.NewReader(data, strictjson.Limits{Depth: 1000})}
	v := c.value()
	if err := c.End(); err != nil {
		log.Fatal(err)
	}
	return v
}

func (c *copier) value() *value {
	if len(c.block) == 0 {
		c.block = make([]value, 1024)
	}
	v := &c.block[0]
	c.block = c.block[1:]
	switch v.kind = c.Kind(); v.kind {
	case strictjson.Object:
		base := len(c.open)
		for name := range c.Object() {
			c.open = append(c.open, member{name, c.value()})
		}
		v.members = append(make([]member, 0, len(c.open)-base), c.open[base:]...)
		c.open = c.open[:base]
	case strictjson.Array:
		base := len(c.items)
		for range c.Array() {
			c.items = append(c.items, c.value())
		}
		v.items = append(make([]*value, 0, len(c.items)-base), c.items[base:]...)
		c.items = c.items[:base]
	case strictjson.String:
		v.text = c.Text()
	default:
		v.text = c.Raw()
	}
	return v
}

func (v *value) append(dst []byte, depth int) []byte {
	line := func(depth int) {
		dst = append(dst, '\n')
		for range depth {
			dst = append(dst, ' ', ' ')
		}
	}
	switch v.kind {
	case strictjson.Object:
		dst = append(dst, '{')
		for i, m := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			line(depth + 1)
			dst = append(strictjson.AppendString(dst, string(m.name)), ':', ' ')
			dst = m.value.append(dst, depth+1)
		}
		line(depth)
		return append(dst, '}')
	case strictjson.Array:
		dst = append(dst, '[')
		for i, item := range v.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			line(depth + 1)
			dst = item.append(dst, depth+1)
		}
		line(depth)
		return append(dst, ']')
	case strictjson.String:
		return strictjson.AppendString(dst, string(v.text))
	}
	return append(dst, v.text...)
}

// bare is a conversion that does nothing: the input is read into values, the output is written from values that are there, and
// its text is parsed.
func bare(in, out []byte) func() {
	written, size := decode(out), len(out)
	return func() {
		decode(in)
		parse(written.append(make([]byte, 0, size), 0))
	}
}

// tape notes where every value of a text is, which whoever validates it must know.
func tape(data []byte) {
	r := strictjson.NewReader(data, strictjson.Limits{Depth: 1000})
	r.Spans(make([]strictjson.Span, 0, len(data)/16))
	if err := r.End(); err != nil {
		log.Fatal(err)
	}
}
