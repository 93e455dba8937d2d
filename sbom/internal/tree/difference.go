package tree

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/sbom/internal/jsonpointer"
)

// What one tree says and another does not, for writers that do not say themselves which nodes their output stands for.

// An Unwritten is a part of a document that an encoding has no place for, or that it says in another way.
type Unwritten struct {
	Pointer string // RFC 6901
	Value   *Node
	Changed string // how, if it is there and not as it was
	Reason  string // why it is not there, if not for want of a place
}

// A Rereading compares the document that was written with what its text in another encoding was found to say.
type Rereading struct {
	Known  map[*Node]bool // what needs no second mention: true are those that are not in the output
	Reason string         // why something else is there
	losses []Loss
	path   jsonpointer.Path
}

// Compare lists what is not as it was.
func (r *Rereading) Compare(was, is *Node) []Loss {
	r.compare(was, is)
	return r.losses
}

func (r *Rereading) compare(was, is *Node) {
	if len(r.Known) > 0 {
		if _, ok := r.Known[was]; ok {
			return
		}
	}
	kept := len(was.Items)
	if len(r.Known) > 0 {
		for _, v := range was.Items {
			if r.Known[v] {
				kept--
			}
		}
	}
	if is == nil || was.Kind != is.Kind || was.Text != is.Text || kept != len(is.Items) {
		r.losses = append(r.losses, Loss{r.path.String(), Changed, r.Reason})
		return
	}
	get := is.getter()
	for i, m := range was.Members {
		r.path.Push(m.Name)
		r.compare(m.Value, get(i, m.Name))
		r.path.Pop()
	}
	i := 0
	for k, v := range was.Items {
		if !r.Known[v] {
			r.path.PushIndex(k)
			r.compare(v, is.Items[i])
			r.path.Pop()
			i++
		}
	}
}

// A Library is a program that reads a document into types of its own, and writes these.
type Library struct {
	Name string
	// Appends says that it may add elements of its own at the end of lists, whose order it keeps.
	Appends bool
}

// Differences lists what is in a JSON text and not, or in another form, in what the library wrote of it, in the order of paths.
func (l Library) Differences(text, written []byte) ([]Loss, error) {
	was, err := Parse(text)
	is, err2 := Parse(written)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	out := l.differences(nil, "", was, is)
	slices.SortFunc(out, func(a, b Loss) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func (l Library) differences(out []Loss, path string, was, is *Node) []Loss {
	switch {
	case was.Kind != is.Kind:
	case was.Kind == strictjson.Object:
		get := is.getter()
		for i, m := range was.Members {
			at := path + "/" + jsonpointer.Escape(m.Name)
			if w := get(i, m.Name); w != nil {
				out = l.differences(out, at, m.Value, w)
			} else {
				out = append(out, Loss{at, Dropped, l.Name + " does not keep it here"})
			}
		}
		return out
	case was.Kind == strictjson.Array:
		if len(is.Items) == len(was.Items) || l.Appends && len(is.Items) > len(was.Items) {
			for i := range was.Items {
				out = l.differences(out, path+"/"+strconv.Itoa(i), was.Items[i], is.Items[i])
			}
			return out
		}
	case was.Text == is.Text, was.Kind == strictjson.Number && sameNumber(was.Text, is.Text):
		return out
	}
	return append(out, Loss{path, Changed, l.Name + " writes it otherwise"})
}

// sameNumber compares numbers by what they are: 1, 1.0 and 1e0 are the same.
func sameNumber(a, b string) bool {
	x, ok := number(a)
	y, ok2 := number(b)
	return ok && ok2 && x == y
}

// number reads a literal, false for one that is a word.
func number(s string) (float64, bool) {
	if s == "true" || s == "false" || s == "null" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}
