package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A store is performance.json, beside the page: what each suite reported and in which run, so that some can be measured anew and the
// page be written of all.
type store struct {
	Suites  map[string]*measured `json:"suites"` // by suite.name
	Weights *weights             `json:"weights,omitempty"`
}

// A start is one start of the command.
type start struct {
	Began   time.Time `json:"began"`
	Go      string    `json:"go"`
	Machine machine   `json:"machine"`
}

// measured is what one suite reported, in all its rounds.
type measured struct {
	Start    start                `json:"start"`
	Rounds   int                  `json:"rounds"`
	Values   map[string][]float64 `json:"values"`             // by benchmark and unit, with a blank between them
	Versions map[string]string    `json:"versions,omitempty"` // of the libraries that it stands beside
}

// weights are what small programs weigh.
type weights struct {
	Start    start     `json:"start"`
	Programs []weighed `json:"programs"`
}

// name is the suite in performance.json, and what -only looks in.
func (s *suite) name() string { return strings.TrimSpace(s.module + " " + s.pkg + " " + s.bench) }

func (v value) String() string { return v.bench + " " + v.unit }

const storeName = "performance.json"

// load reads the store in a folder. There is none at first.
func load(dir string) (*store, error) {
	st := &store{Suites: map[string]*measured{}}
	data, err := os.ReadFile(filepath.Join(dir, storeName))
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	} else if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, st); err != nil {
		return nil, fmt.Errorf("%s: %w", storeName, err)
	}
	return st, nil
}

// save writes what the rows of the page are made of.
func (st *store) save(dir string) error {
	data, err := json.MarshalIndent(st, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, storeName), append(data, '\n'), 0o644)
}

// keep notes what a suite reported, of it what rows use.
func (st *store) keep(s *suite, from start, rounds int, all figures, versions map[string]string) {
	m := &measured{Start: from, Rounds: rounds, Values: map[string][]float64{}, Versions: versions}
	for i := range rows {
		for _, v := range rows[i].values() {
			if x := all[v]; len(x) > 0 {
				m.Values[v.String()] = x
			}
		}
	}
	st.Suites[s.name()] = m
}

// values are those that a row is made of.
func (r *row) values() []value {
	out := []value{r.figure, r.over}
	if r.floor != nil {
		out = append(out, r.floor.figure, r.floor.over)
	}
	return slices.DeleteFunc(out, func(v value) bool { return v == value{} })
}

// figures are those of all suites that there are. What is of a suite that is no more is left out.
func (st *store) figures(suites []suite) (all figures, missing []string) {
	all = figures{}
	for i := range suites {
		m := st.Suites[suites[i].name()]
		if m == nil {
			missing = append(missing, suites[i].name())
			continue
		}
		for name, x := range m.Values {
			at := strings.LastIndexByte(name, ' ')
			all[value{name[:at], name[at+1:]}] = x
		}
	}
	return all, missing
}

// forget drops suites that are no more.
func (st *store) forget(suites []suite) {
	maps.DeleteFunc(st.Suites, func(name string, _ *measured) bool {
		return !slices.ContainsFunc(suites, func(s suite) bool { return s.name() == name })
	})
}

// starts are those that the figures are of, the first one first, with how many suites each measured.
func (st *store) starts() (out []startOf) {
	add := func(s start, rounds, suites int) {
		at := slices.IndexFunc(out, func(o startOf) bool { return o.start.Began.Equal(s.Began) && o.rounds == rounds })
		if at < 0 {
			out, at = append(out, startOf{start: s, rounds: rounds}), len(out)
		}
		out[at].suites += suites
	}
	for _, name := range slices.Sorted(maps.Keys(st.Suites)) {
		add(st.Suites[name].Start, st.Suites[name].Rounds, 1)
	}
	slices.SortFunc(out, func(a, b startOf) int { return a.start.Began.Compare(b.start.Began) })
	return out
}

type startOf struct {
	start
	rounds, suites int
}

// versions are those of the libraries that rows stand beside, by module. One that modules have different versions of has all.
func (st *store) versions() map[string][]string {
	out := map[string][]string{}
	add := func(path, version string) {
		if version != "" && !slices.Contains(out[path], version) {
			out[path] = append(out[path], version)
			slices.Sort(out[path])
		}
	}
	for _, m := range st.Suites {
		for path, version := range m.Versions {
			add(path, version)
		}
	}
	if st.Weights != nil {
		for _, w := range st.Weights.Programs {
			for path, version := range w.Versions {
				add(path, version)
			}
		}
	}
	return out
}
