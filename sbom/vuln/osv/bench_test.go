package osv

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ladingdev/lading/internal/strictjson"
	"github.com/ladingdev/lading/internal/versions"
	"github.com/ladingdev/lading/sbom"
)

// Of 200,000 generated records; without LADING_HEAVY of fewer, so that benchmarks can be run at any time.
func size() int {
	if os.Getenv("LADING_HEAVY") != "" {
		return 200_000
	}
	return 5_000
}

var ecosystemsOfDump = []struct{ ecosystem, purl, kind string }{
	{"npm", "pkg:npm/name-%d@%s", "SEMVER"}, {"PyPI", "pkg:pypi/name-%d@%s", "ECOSYSTEM"},
	{"Go", "pkg:golang/example.com/name-%d@v%s", "SEMVER"}, {"Maven", "pkg:maven/org.example/name-%d@%s", "ECOSYSTEM"},
	{"Debian:12", "pkg:deb/debian/name-%d@%s?distro=debian-12", "ECOSYSTEM"},
	{"Alpine:v3.20", "pkg:apk/alpine/name-%d@%s?distro=alpine-3.20.1", "ECOSYSTEM"},
}

func packageName(ecosystem string, i int) string {
	switch ecosystem {
	case "Go":
		return fmt.Sprintf("example.com/name-%d", i)
	case "Maven":
		return fmt.Sprintf("org.example:name-%d", i)
	}
	return fmt.Sprintf("name-%d", i)
}

// generate writes n records in the layout of OSV's bucket: a folder for each ecosystem, with all.zip. A package has two or
// three records, a record two kilobytes of text, as real ones.
func generate(t testing.TB, dir string, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("a remote attacker can cause denial of service by sending crafted input to the parser, which allocates " +
		"memory without bound")
	for e, of := range ecosystemsOfDump {
		base, _, _ := strings.Cut(of.ecosystem, ":")
		if err := os.MkdirAll(filepath.Join(dir, base), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(dir, base, "all.zip"))
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		for i := range n / len(ecosystemsOfDump) {
			var text strings.Builder
			for range 200 + r.IntN(200) {
				text.WriteString(words[r.IntN(len(words))] + " ")
			}
			id := fmt.Sprintf("X%d-%d", e, i)
			record := fmt.Sprintf(`{"id": %q, "modified": "2026-%02d-%02dT00:00:00Z", "published": "2026-01-01T00:00:00Z", "aliases": ["CVE-%d-%d"],
				"schema_version": "1.7.5", "summary": "a generated record", "details": %q,
				"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
				"affected": [{"package": {"ecosystem": %q, "name": %q}, "ranges": [{"type": %q, "events": [{"introduced": "0"}, {"fixed": "1.%d.%d"}]}],
				"versions": ["0.1.0", "0.2.0", "0.3.0", "0.9.1"]}], "references": [{"type": "WEB", "url": "https://example.com/%s"}]}`,
				id, 1+r.IntN(11), 1+r.IntN(28), 3000+e, i, text.String(), of.ecosystem,
				packageName(of.ecosystem, r.IntN(n/len(ecosystemsOfDump)*2/5+1)), of.kind, r.IntN(10), r.IntN(10), id)
			w, err := z.Create(id + ".json")
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, record)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

var generated = sync.OnceValue(func() (dir string) {
	dir, err := os.MkdirTemp("", "lading-osv")
	if err != nil {
		panic(err)
	}
	return dir
})

var built sync.Once

// corpus is the generated dump and its index, made once for all benchmarks.
func corpus(t testing.TB) (dump, index string) {
	dir := generated()
	dump, index = filepath.Join(dir, "dump"), filepath.Join(dir, "osv.index")
	built.Do(func() {
		generate(t, dump, size())
		if _, err := Build(context.Background(), index, nil, dump); err != nil {
			t.Fatal(err)
		}
	})
	return dump, index
}

func TestMain(m *testing.M) {
	if from := os.Getenv("LADING_OSV_BUILD"); from != "" {
		if _, err := Build(context.Background(), from+".index", nil, from); err != nil {
			panic(err)
		}
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			panic(err)
		}
		os.Stdout.Write(status)
		return
	}
	code := m.Run()
	os.RemoveAll(generated())
	os.Exit(code)
}

// scanTokens is what nobody can do without: it unzips all records of a dump and reads their JSON.
func scanTokens(t testing.TB, dump string, read func(data []byte) error) {
	err := filepath.WalkDir(dump, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		z, err := zip.OpenReader(path)
		if err != nil {
			return err
		}
		defer z.Close()
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				return err
			}
			data, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			if err := read(data); err != nil {
				return err
			}
			r.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func standardTokens(data []byte) error {
	d := json.NewDecoder(strings.NewReader(string(data)))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// BenchmarkBuild gives the time of indexing, of unzipping and scanning the same dump for tokens with encoding/json, and of that
// with our own scanner.
func BenchmarkBuild(b *testing.B) {
	dump, _ := corpus(b)
	var own, standard, strict time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := Build(b.Context(), filepath.Join(b.TempDir(), "index"), nil, dump); err != nil {
			b.Fatal(err)
		}
		own += time.Since(start)
		start = time.Now()
		scanTokens(b, dump, standardTokens)
		standard += time.Since(start)
		start = time.Now()
		scanTokens(b, dump, func(data []byte) error { return strictjson.Check(data, strictjson.Limits{}) })
		strict += time.Since(start)
	}
	b.ReportMetric(float64(own)/float64(standard), "x-unzip+json.Token")
	b.ReportMetric(float64(own)/float64(strict), "x-unzip+strictjson")
	b.ReportMetric(float64(own.Milliseconds())/float64(b.N), "ms/build")
}

// BenchmarkOpen gives what opening the index takes beyond opening the file.
func BenchmarkOpen(b *testing.B) {
	_, index := corpus(b)
	var own, file time.Duration
	for b.Loop() {
		start := time.Now()
		db, err := Open(index)
		if err != nil {
			b.Fatal(err)
		}
		own += time.Since(start)
		db.Close()
		start = time.Now()
		f, err := os.Open(index)
		if err != nil {
			b.Fatal(err)
		}
		file += time.Since(start)
		f.Close()
	}
	b.ReportMetric((own-file).Seconds()*1e3/float64(b.N), "ms-over-file")
}

// thousand are components, of all ecosystems of the dump.
func thousand(n int) (purls []string) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		of := ecosystemsOfDump[r.IntN(len(ecosystemsOfDump))]
		v := fmt.Sprintf("1.%d.%d", r.IntN(10), r.IntN(10))
		purls = append(purls, fmt.Sprintf(of.purl, r.IntN(n/len(ecosystemsOfDump)*2/5+1), v))
	}
	return purls
}

// BenchmarkScan gives the time of a warm scan of 1,000 components, in that of 1,000 random reads of the same index, each a
// bucket with its checksum, and of the comparisons that the scan makes.
func BenchmarkScan(b *testing.B) {
	_, index := corpus(b)
	db, err := Open(index)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	doc := document(b, "", thousand(size())...)
	keys, judged := floorOf(b, db, doc)
	var own, floor time.Duration
	least, leastFloor := time.Hour, time.Hour
	places := 0
	for b.Loop() {
		start := time.Now()
		r, err := db.Scan(b.Context(), doc)
		if err != nil {
			b.Fatal(err)
		}
		d := time.Since(start)
		own, least = own+d, min(least, d)
		places = 0
		for range r.Places() {
			places++
		}
		start = time.Now()
		var buf []byte
		for _, hash := range keys {
			if buf, err = db.bucket(buf[:0], hash); err != nil {
				b.Fatal(err)
			}
		}
		for i := range judged {
			j := &judged[i]
			versions.Affected(j.a.ecosystem, j.version, j.a.versions, j.a.ranges)
		}
		d = time.Since(start)
		floor, leastFloor = floor+d, min(leastFloor, d)
	}
	b.ReportMetric(float64(own)/float64(floor), "x-reads+comparisons")
	b.ReportMetric(float64(least)/float64(leastFloor), "x-of-minima")
	b.ReportMetric(least.Seconds()*1e3, "ms/scan")
	b.ReportMetric(float64(places), "places")
}

type judgement struct {
	a       affected
	version string
}

// floorOf collects where a scan reads, and what it compares.
func floorOf(t testing.TB, db *DB, doc *sbom.Document) (hashes []uint64, judged []judgement) {
	for _, c := range doc.Components() {
		p, err := sbom.ParsePURL(c.PURL)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := queries(&p, distribution{})
		for _, q := range list {
			key := lookupKey(q.ecosystem, q.name)
			hashes = append(hashes, hashKey(key))
			data, err := db.bucket(nil, hashKey(key))
			if err != nil {
				t.Fatal(err)
			}
			d := decoder{rest: string(data)}
			for d.rest != "" {
				e := decoder{rest: d.text()}
				if e.text() == key {
					e.number()
					e.number()
					var a affected
					e.affected(&a)
					judged = append(judged, judgement{a, q.version})
				}
			}
		}
	}
	return hashes, judged
}

// Indexing takes at most 64 MiB, whatever the dump holds: of a process of its own, all memory counted.
func TestMemory(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc")
	}
	if raceDetector {
		t.Skip("the race detector keeps memory of its own beside each word")
	}
	dump, _ := corpus(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "LADING_OSV_BUILD="+dump)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, after, _ := strings.Cut(string(out), "VmHWM:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		t.Fatalf("no VmHWM in %s", out)
	}
	kib, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records: at most %d MiB", size(), kib>>10)
	if kib > 64<<10 {
		t.Errorf("%d KiB", kib)
	}
}
