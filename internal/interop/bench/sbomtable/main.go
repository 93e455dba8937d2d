// Command sbomtable measures what takes time after Parse, beside cyclonedx-go in the same run: CPU time and memory allocated of
// each verb, as multiples of Parse of the same document and of its size, for documents of several sizes, and how both grow. A
// floor is what cannot be left out: for a conversion, that its input is read into values, its output is written from values, and
// the text of that is parsed.
//
//	cd internal/interop/bench && GOWORK=off go run ./sbomtable -sizes 5000,20000,100000
//
// Times are the least of some runs, on one thread. Each row is told on the standard error as soon as it is there. A run with
// 100,000 components takes some minutes and up to 5 GB.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/ladingdev/lading/internal/sbomgen"
	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/quality"
)

// A job is one row of the table.
type job struct {
	name   string
	parse  string // the document whose Parse it is compared with
	do     func(*documents) int
	target float64
	floor  func(*documents) func() // nil: none is measured
}

// documents are what the jobs of one size work on, made when they are asked for: those of one format and no more are in memory.
type documents struct {
	n     int
	texts map[string][]byte
	docs  map[string]*sbom.Document
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func parse(data []byte) *sbom.Document { return must(sbom.Parse(bytes.NewReader(data))) }

func newDocuments(n int) *documents {
	return &documents{n, map[string][]byte{}, map[string]*sbom.Document{}}
}

func (x *documents) text(of string, make func() []byte) []byte {
	if x.texts[of] == nil {
		x.texts[of] = make()
	}
	return x.texts[of]
}

func (x *documents) doc(of string, text func() []byte) *sbom.Document {
	if x.docs[of] == nil {
		x.docs[of] = parse(text())
	}
	return x.docs[of]
}

func (x *documents) cdx() []byte {
	return x.text("cdx", func() []byte { return sbomgen.CycloneDX("1.6", x.n, 1) })
}

func (x *documents) spdx2() []byte {
	return x.text("spdx2", func() []byte { return sbomgen.SPDX2("2.3", x.n, 1) })
}

func (x *documents) spdx3() []byte {
	return x.text("spdx3", func() []byte { return sbomgen.SPDX3(x.n, 1) })
}

func (x *documents) xml() []byte {
	return x.text("xml", func() []byte {
		out, _, err := sbom.Encode(x.cdxDoc(), sbom.XML, nil)
		return must(out, err).Bytes()
	})
}

func (x *documents) cdxDoc() *sbom.Document   { return x.doc("cdx", x.cdx) }
func (x *documents) spdx2Doc() *sbom.Document { return x.doc("spdx2", x.spdx2) }
func (x *documents) reordered() *sbom.Document {
	return x.doc("reordered", func() []byte { return reorder(x.cdx()) })
}

// reorder writes the components of a document in the opposite order.
func reorder(data []byte) []byte {
	var doc map[string]json.RawMessage
	var list []json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil {
		log.Fatal(err)
	}
	if err := json.Unmarshal(doc["components"], &list); err != nil {
		log.Fatal(err)
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	doc["components"] = plain(list)
	return plain(doc)
}

// plain writes v without escapes that the document does not have.
func plain(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		log.Fatal(err)
	}
	return b.Bytes()
}

func converted(d *sbom.Document, spec sbom.Spec, version string) []byte {
	out, _, err := sbom.Convert(d, sbom.Format{Spec: spec, Version: version}, nil)
	return must(out, err).Bytes()
}

func convert(d *sbom.Document, spec sbom.Spec, version string) int {
	return len(converted(d, spec, version))
}

func validate(data []byte) int {
	if _, err := sbom.Validate(data); err != nil {
		log.Fatal(err)
	}
	return 0
}

// theirs is the way through cyclonedx-go.
func theirs(in []byte, from, to cdx.BOMFileFormat, version cdx.SpecVersion) int {
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(in), from).Decode(bom); err != nil {
		log.Fatal(err)
	}
	var b bytes.Buffer
	if err := cdx.NewBOMEncoder(&b, to).SetPretty(true).EncodeVersion(bom, version); err != nil {
		log.Fatal(err)
	}
	return b.Len()
}

var jobs = []job{
	{"Parse SPDX 3", "", func(x *documents) int { parse(x.spdx3()); return 0 }, 0, nil},
	{"Validate SPDX 3", "Parse SPDX 3", func(x *documents) int { return validate(x.spdx3()) }, 10,
		func(x *documents) func() { return func() { tape(x.spdx3()) } }},
	{"Parse SPDX 2.3", "", func(x *documents) int { parse(x.spdx2()); return 0 }, 0, nil},
	{"Validate SPDX 2.3", "Parse SPDX 2.3", func(x *documents) int { return validate(x.spdx2()) }, 0, nil},
	{"SPDX 2.3 to CycloneDX", "Parse SPDX 2.3", func(x *documents) int { return convert(x.spdx2Doc(), sbom.CycloneDX, "1.6") }, 0,
		func(x *documents) func() { return bare(x.spdx2(), converted(x.spdx2Doc(), sbom.CycloneDX, "1.6")) }},
	{"Parse CycloneDX", "", func(x *documents) int { parse(x.cdx()); return 0 }, 0, nil},
	{"Validate CycloneDX", "Parse CycloneDX", func(x *documents) int { return validate(x.cdx()) }, 4,
		func(x *documents) func() { return func() { tape(x.cdx()) } }},
	{"Convert 1.6 to 1.5", "Parse CycloneDX", func(x *documents) int { return convert(x.cdxDoc(), sbom.CycloneDX, "1.5") }, 8,
		func(x *documents) func() { return bare(x.cdx(), converted(x.cdxDoc(), sbom.CycloneDX, "1.5")) }},
	{"cyclonedx-go 1.6 to 1.5", "Parse CycloneDX", func(x *documents) int {
		return theirs(x.cdx(), cdx.BOMFileFormatJSON, cdx.BOMFileFormatJSON, cdx.SpecVersion1_5)
	}, 0, nil},
	{"CycloneDX to SPDX 2.3", "Parse CycloneDX", func(x *documents) int { return convert(x.cdxDoc(), sbom.SPDX, "2.3") }, 12,
		func(x *documents) func() { return bare(x.cdx(), converted(x.cdxDoc(), sbom.SPDX, "2.3")) }},
	{"CycloneDX to SPDX 3", "Parse CycloneDX", func(x *documents) int { return convert(x.cdxDoc(), sbom.SPDX, "3.0.1") }, 20,
		func(x *documents) func() { return bare(x.cdx(), converted(x.cdxDoc(), sbom.SPDX, "3.0.1")) }},
	{"Details of all", "Parse CycloneDX", func(x *documents) int {
		for ref := range x.cdxDoc().Components() {
			x.cdxDoc().Details(ref)
		}
		return 0
	}, 2, func(x *documents) func() { return func() { decode(x.cdx()) } }},
	{"quality, NTIA", "Parse CycloneDX", func(x *documents) int { quality.Check(x.cdxDoc(), quality.NTIA2021, nil); return 0 }, 2,
		func(x *documents) func() { return func() { decode(x.cdx()) } }},
	{"Diff, another order", "Parse CycloneDX", func(x *documents) int { sbom.Diff(x.cdxDoc(), x.reordered(), nil); return 0 }, 0.6, nil},
	{"Encode to XML", "Parse CycloneDX", func(x *documents) int {
		out, _, err := sbom.Encode(x.cdxDoc(), sbom.XML, nil)
		return len(must(out, err).Bytes())
	}, 20, nil},
	{"cyclonedx-go JSON to XML", "Parse CycloneDX", func(x *documents) int {
		return theirs(x.cdx(), cdx.BOMFileFormatJSON, cdx.BOMFileFormatXML, cdx.SpecVersion1_6)
	}, 0, nil},
	{"Parse XML", "Parse CycloneDX", func(x *documents) int { parse(x.xml()); return len(x.xml()) }, 12, nil},
	{"cyclonedx-go decode XML", "Parse CycloneDX", func(x *documents) int {
		if err := cdx.NewBOMDecoder(bytes.NewReader(x.xml()), cdx.BOMFileFormatXML).Decode(new(cdx.BOM)); err != nil {
			log.Fatal(err)
		}
		return len(x.xml())
	}, 0, nil},
}

// A result is what one job took.
type result struct {
	cpu, floor time.Duration
	alloc      uint64
	size       int // the larger of input and output
}

// input is the text that a job works on.
func (x *documents) input(j *job) []byte {
	switch cmp.Or(j.parse, j.name) {
	case "Parse CycloneDX":
		return x.cdx()
	case "Parse SPDX 2.3":
		return x.spdx2()
	}
	return x.spdx3()
}

// ready makes what a job works on, so that its time is not the job's.
func (x *documents) ready(j *job) {
	x.input(j)
	if j.parse == "Parse SPDX 2.3" {
		x.spdx2Doc()
	}
	if j.parse == "Parse CycloneDX" {
		x.cdxDoc()
	}
	if strings.HasPrefix(j.name, "Diff") {
		x.reordered()
	} else if delete(x.docs, "reordered"); strings.Contains(j.name, "XML") {
		x.xml()
	}
}

func measure(j *job, x *documents, least time.Duration) (r result) {
	x.ready(j)
	if x.n < 10_000 {
		j.do(x) // what is read once, such as schemas
	}
	r.cpu = math.MaxInt64
	var before, after runtime.MemStats
	repeat(least, func() time.Duration {
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := cpuTime()
		out := j.do(x)
		took := cpuTime() - start
		runtime.ReadMemStats(&after)
		r.cpu, r.alloc, r.size = min(r.cpu, took), after.TotalAlloc-before.TotalAlloc, max(len(x.input(j)), out)
		return took
	})
	if j.floor == nil {
		return r
	}
	floor := j.floor(x)
	r.floor = math.MaxInt64
	repeat(least, func() time.Duration {
		runtime.GC()
		start := cpuTime()
		floor()
		took := cpuTime() - start
		r.floor = min(r.floor, took)
		return took
	})
	return r
}

// repeat runs a job until it took enough time, twice at least: the first run of a large document asks the system for memory, which
// some machines give at seconds for a gigabyte.
func repeat(least time.Duration, do func() time.Duration) {
	for total, runs := time.Duration(0), 0; runs < 2 || total < least && runs < 20; runs++ {
		total += do()
	}
}

func main() {
	sizes := flag.String("sizes", "5000,20000", "components, with commas")
	only := flag.String("only", "", "rows whose names have this in them, and Parse")
	profile := flag.String("profile", "", "write a CPU profile of the last row, for -only, to a file")
	asLines := flag.Bool("lines", false, "print Go's benchmark format, for the command in the folder above")
	least := flag.Duration("time", 400*time.Millisecond, "CPU time for each row")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(100)
	table := map[string][]result{}
	var counts []int
	if *profile != "" {
		defer pprof.StopCPUProfile()
	}
	for _, s := range strings.Split(*sizes, ",") {
		n := must(strconv.Atoi(s))
		counts = append(counts, n)
		x := newDocuments(n)
		for i := range jobs {
			j := &jobs[i]
			if j.parse != "" && !strings.Contains(j.name, *only) {
				continue
			}
			if j.parse == "" { // what a Parse begins is of another format
				x = newDocuments(n)
			}
			if *profile != "" && j.parse != "" {
				if err := pprof.StartCPUProfile(must(os.Create(*profile))); err != nil {
					log.Fatal(err)
				}
			}
			r := measure(j, x, *least)
			if *profile != "" && j.parse != "" {
				pprof.StopCPUProfile()
			}
			table[j.name] = append(table[j.name], r)
			fmt.Fprintf(os.Stderr, "%6d %-26s%s\n", n, j.name, strings.ReplaceAll(cells(j, table, len(counts)-1), "|", ""))
		}
	}
	if *asLines {
		lines(os.Stdout, table, counts)
		return
	}
	write(os.Stdout, table, counts)
}

// lines prints each result as a benchmark's (https://go.dev/design/14313-benchmark-format).
func lines(w io.Writer, table map[string][]result, counts []int) {
	for _, j := range jobs {
		for i, r := range table[j.name] {
			name := strings.ReplaceAll(j.name, " ", "_")
			if len(counts) > 1 {
				name += fmt.Sprintf("/n=%d", counts[i])
			}
			floor := ""
			if r.floor > 0 {
				floor = fmt.Sprintf(" %d floor-ns/op", r.floor.Nanoseconds())
			}
			fmt.Fprintf(w, "BenchmarkVerbs/%s 1 %d cpu-ns/op%s %.3f x-size\n", name, r.cpu.Nanoseconds(), floor,
				float64(r.alloc)/float64(r.size))
		}
	}
}

func write(w io.Writer, table map[string][]result, counts []int) {
	fmt.Fprint(w, "| work |")
	for _, n := range counts {
		fmt.Fprintf(w, " %d: ms | x Parse | floor | x size allocated |", n)
	}
	fmt.Fprintln(w, " exponent | target |")
	fmt.Fprintln(w, "|---|"+strings.Repeat("---:|", 4*len(counts)+2))
	for _, j := range jobs {
		rows := table[j.name]
		if rows == nil {
			continue
		}
		fmt.Fprintf(w, "| %s |", j.name)
		for i := range rows {
			fmt.Fprint(w, cells(&j, table, i))
		}
		if last := len(rows) - 1; last > 0 {
			growth := float64(rows[last].cpu) / float64(rows[0].cpu)
			fmt.Fprintf(w, " %.2f |", math.Log(growth)/math.Log(float64(counts[last])/float64(counts[0])))
		} else {
			fmt.Fprint(w, " |")
		}
		if j.target > 0 {
			fmt.Fprintf(w, " %g", j.target)
		}
		fmt.Fprintln(w, " |")
	}
}

// cells are those of one job and size: time, times Parse, the same of its floor, and what was allocated.
func cells(j *job, table map[string][]result, i int) string {
	r := table[j.name][i]
	times, floor := "", ""
	if base := table[j.parse]; base != nil {
		times = fmt.Sprintf("%.1f ", float64(r.cpu)/float64(base[i].cpu))
		if r.floor > 0 {
			floor = fmt.Sprintf("%.1f ", float64(r.floor)/float64(base[i].cpu))
		}
	}
	return fmt.Sprintf(" %.0f | %s| %s| %.1f |", float64(r.cpu)/1e6, times, floor, float64(r.alloc)/float64(r.size))
}
