package osv

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

// A sorter sorts byte strings, more of them than memory holds: what fills its arena is sorted and put into a temporary file, and
// all is merged at the end.
type sorter struct {
	dir   string
	arena []byte
	items []span
	file  *os.File
	runs  []span64
	end   int64
}

type (
	span   struct{ from, to uint32 }
	span64 struct{ from, to int64 }
)

// arenaSize bounds what one sorter keeps in memory, in bytes.
const arenaSize = 6 << 20

func (s *sorter) add(item []byte) error {
	if len(s.items) > 0 && (len(s.arena)+len(item) > arenaSize || len(s.items) == arenaSize/32) {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if s.arena == nil {
		s.arena = make([]byte, 0, arenaSize)
	}
	from := len(s.arena)
	s.arena = append(s.arena, item...)
	s.items = append(s.items, span{uint32(from), uint32(len(s.arena))})
	return nil
}

func (s *sorter) sort() {
	slices.SortFunc(s.items, func(a, b span) int {
		return cmp.Or(bytes.Compare(s.arena[a.from:a.to], s.arena[b.from:b.to]), cmp.Compare(a.from, b.from))
	})
}

func (s *sorter) spill() error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, ".osv-sort-*")
		if err != nil {
			return err
		}
		s.file = f
	}
	s.sort()
	w := bufio.NewWriterSize(s.file, 1<<16)
	run := span64{from: s.end}
	var length [4]byte
	for _, it := range s.items {
		binary.LittleEndian.PutUint32(length[:], it.to-it.from)
		w.Write(length[:])
		w.Write(s.arena[it.from:it.to])
		s.end += int64(4 + it.to - it.from)
	}
	run.to = s.end
	s.runs = append(s.runs, run)
	if cap(s.arena) > arenaSize { // of one item that is larger
		s.arena = nil
	}
	s.arena, s.items = s.arena[:0], s.items[:0]
	return w.Flush()
}

// sorted yields all items in order. Each is valid until the next.
func (s *sorter) sorted() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if s.file == nil {
			s.sort()
			for _, it := range s.items {
				if !yield(s.arena[it.from:it.to], nil) {
					return
				}
			}
			return
		}
		if err := s.spill(); err != nil {
			yield(nil, err)
			return
		}
		s.arena, s.items = nil, nil
		var h runs
		for i, run := range s.runs {
			r := &openRun{order: i, r: bufio.NewReaderSize(io.NewSectionReader(s.file, run.from, run.to-run.from), 1<<15)}
			if ok, err := r.next(); err != nil {
				yield(nil, err)
				return
			} else if ok {
				h = append(h, r)
			}
		}
		heap.Init(&h)
		for len(h) > 0 {
			if !yield(h[0].item, nil) {
				return
			}
			switch ok, err := h[0].next(); {
			case err != nil:
				yield(nil, err)
				return
			case ok:
				heap.Fix(&h, 0)
			default:
				heap.Pop(&h)
			}
		}
	}
}

func (s *sorter) close() {
	if s.file != nil {
		s.file.Close()
		os.Remove(s.file.Name())
		s.file = nil
	}
	s.arena, s.items = nil, nil
}

// A openRun is a sorted run that is being read.
type openRun struct {
	order int
	r     *bufio.Reader
	item  []byte
}

func (r *openRun) next() (bool, error) {
	var length [4]byte
	if _, err := io.ReadFull(r.r, length[:]); err == io.EOF {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("reading a sorted run: %w", err)
	}
	n := int(binary.LittleEndian.Uint32(length[:]))
	r.item = slices.Grow(r.item[:0], n)[:n]
	if _, err := io.ReadFull(r.r, r.item); err != nil {
		return false, fmt.Errorf("reading a sorted run: %w", err)
	}
	return true, nil
}

type runs []*openRun

func (h runs) Len() int { return len(h) }
func (h runs) Less(i, j int) bool {
	return cmp.Or(bytes.Compare(h[i].item, h[j].item), cmp.Compare(h[i].order, h[j].order)) < 0
}
func (h runs) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *runs) Push(x any)   { *h = append(*h, x.(*openRun)) }
func (h *runs) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
