// Command sbomtable measures what takes time after Parse, beside cyclonedx-go in the same run: CPU time and memory allocated of
// each verb, as multiples of Parse of the same document and of its size, for documents of several sizes, and how both grow.
//
//	cd internal/interop/bench && GOWORK=off go run ./sbomtable -sizes 5000,20000,100000
//
// Times are the least of some runs, on one thread.
package main

import (
	"bytes"
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
}

// documents are what the jobs of one size work on.
type documents struct {
	n                        int
	cdx, xml, spdx2, spdx3   []byte
	cdxDoc, spdx2Doc, spdx3D *sbom.Document
	reordered                *sbom.Document
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func parse(data []byte) *sbom.Document { return must(sbom.Parse(bytes.NewReader(data))) }

func newDocuments(n int) *documents {
	x := &documents{n: n, cdx: sbomgen.CycloneDX("1.6", n, 1), spdx2: sbomgen.SPDX2("2.3", n, 1), spdx3: sbomgen.SPDX3(n, 1)}
	x.cdxDoc, x.spdx2Doc, x.spdx3D = parse(x.cdx), parse(x.spdx2), parse(x.spdx3)
	out, _, err := sbom.Encode(x.cdxDoc, sbom.XML, nil)
	x.xml = must(out, err).Bytes()
	x.reordered = parse(reorder(x.cdx))
	return x
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

func convert(d *sbom.Document, spec sbom.Spec, version string) int {
	out, _, err := sbom.Convert(d, sbom.Format{Spec: spec, Version: version}, nil)
	return len(must(out, err).Bytes())
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
	{"Parse CycloneDX", "", func(x *documents) int { parse(x.cdx); return 0 }, 0},
	{"Parse SPDX 2.3", "", func(x *documents) int { parse(x.spdx2); return 0 }, 0},
	{"Parse SPDX 3", "", func(x *documents) int { parse(x.spdx3); return 0 }, 0},
	{"Validate CycloneDX", "Parse CycloneDX", func(x *documents) int { return validate(x.cdx) }, 4},
	{"Validate SPDX 2.3", "Parse SPDX 2.3", func(x *documents) int { return validate(x.spdx2) }, 0},
	{"Validate SPDX 3", "Parse SPDX 3", func(x *documents) int { return validate(x.spdx3) }, 10},
	{"Convert 1.6 to 1.5", "Parse CycloneDX", func(x *documents) int { return convert(x.cdxDoc, sbom.CycloneDX, "1.5") }, 8},
	{"cyclonedx-go 1.6 to 1.5", "Parse CycloneDX", func(x *documents) int {
		return theirs(x.cdx, cdx.BOMFileFormatJSON, cdx.BOMFileFormatJSON, cdx.SpecVersion1_5)
	}, 0},
	{"CycloneDX to SPDX 2.3", "Parse CycloneDX", func(x *documents) int { return convert(x.cdxDoc, sbom.SPDX, "2.3") }, 12},
	{"CycloneDX to SPDX 3", "Parse CycloneDX", func(x *documents) int { return convert(x.cdxDoc, sbom.SPDX, "3.0.1") }, 20},
	{"SPDX 2.3 to CycloneDX", "Parse SPDX 2.3", func(x *documents) int { return convert(x.spdx2Doc, sbom.CycloneDX, "1.6") }, 0},
	{"Encode to XML", "Parse CycloneDX", func(x *documents) int {
		out, _, err := sbom.Encode(x.cdxDoc, sbom.XML, nil)
		return len(must(out, err).Bytes())
	}, 20},
	{"cyclonedx-go JSON to XML", "Parse CycloneDX", func(x *documents) int {
		return theirs(x.cdx, cdx.BOMFileFormatJSON, cdx.BOMFileFormatXML, cdx.SpecVersion1_6)
	}, 0},
	{"Parse XML", "Parse CycloneDX", func(x *documents) int { parse(x.xml); return len(x.xml) }, 12},
	{"cyclonedx-go decode XML", "Parse CycloneDX", func(x *documents) int {
		if err := cdx.NewBOMDecoder(bytes.NewReader(x.xml), cdx.BOMFileFormatXML).Decode(new(cdx.BOM)); err != nil {
			log.Fatal(err)
		}
		return len(x.xml)
	}, 0},
	{"Details of all", "Parse CycloneDX", func(x *documents) int {
		for ref := range x.cdxDoc.Components() {
			x.cdxDoc.Details(ref)
		}
		return 0
	}, 2},
	{"quality, NTIA", "Parse CycloneDX", func(x *documents) int { quality.Check(x.cdxDoc, quality.NTIA2021, nil); return 0 }, 2},
	{"Diff, another order", "Parse CycloneDX", func(x *documents) int { sbom.Diff(x.cdxDoc, x.reordered, nil); return 0 }, 0.6},
}

// A result is what one job took.
type result struct {
	cpu   time.Duration
	alloc uint64
	size  int // the larger of input and output

}

func measure(j *job, x *documents, least time.Duration) (r result) {
	input := map[bool]int{true: len(x.cdx)}[strings.Contains(j.parse+j.name, "CycloneDX")]
	switch {
	case strings.Contains(j.parse+j.name, "SPDX 2.3") && input == 0 || j.parse == "Parse SPDX 2.3":
		input = len(x.spdx2)
	case input == 0:
		input = len(x.spdx3)
	}
	r.cpu = math.MaxInt64
	var before, after runtime.MemStats
	for total, runs := time.Duration(0), 0; runs < 2 || total < least && runs < 20; runs++ {
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := cpuTime()
		out := j.do(x)
		took := cpuTime() - start
		runtime.ReadMemStats(&after)
		total += took
		r.cpu, r.alloc, r.size = min(r.cpu, took), after.TotalAlloc-before.TotalAlloc, max(input, out)
		if runs == 0 && took > 8*time.Second {
			break
		}
	}
	return r
}

func main() {
	sizes := flag.String("sizes", "5000,20000", "components, with commas")
	only := flag.String("only", "", "rows whose names have this in them, and Parse")
	profile := flag.String("profile", "", "write a CPU profile of the rows, for -only, to a file")
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
		if *profile != "" {
			pprof.StopCPUProfile()
			if err := pprof.StartCPUProfile(must(os.Create(*profile))); err != nil {
				log.Fatal(err)
			}
		}
		for i := range jobs {
			if strings.Contains(jobs[i].name, *only) || jobs[i].parse == "" {
				table[jobs[i].name] = append(table[jobs[i].name], measure(&jobs[i], x, *least))
			}
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
			fmt.Fprintf(w, "BenchmarkVerbs/%s 1 %d cpu-ns/op %.3f x-size\n", name, r.cpu.Nanoseconds(), float64(r.alloc)/float64(r.size))
		}
	}
}

func write(w io.Writer, table map[string][]result, counts []int) {
	fmt.Fprint(w, "| work |")
	for _, n := range counts {
		fmt.Fprintf(w, " %d: ms | x Parse | x size allocated |", n)
	}
	fmt.Fprintln(w, " exponent | target |")
	fmt.Fprintln(w, "|---|"+strings.Repeat("---:|", 3*len(counts)+2))
	for _, j := range jobs {
		rows := table[j.name]
		if rows == nil {
			continue
		}
		fmt.Fprintf(w, "| %s |", j.name)
		for i, r := range rows {
			fmt.Fprintf(w, " %.0f |", float64(r.cpu)/1e6)
			if base := table[j.parse]; base != nil {
				fmt.Fprintf(w, " %.1f |", float64(r.cpu)/float64(base[i].cpu))
			} else {
				fmt.Fprint(w, " |")
			}
			fmt.Fprintf(w, " %.1f |", float64(r.alloc)/float64(r.size))
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
