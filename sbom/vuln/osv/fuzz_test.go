package osv

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
)

// What a record says goes through the index as it was.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(oneRecord("X-1", "npm", "a", until("1.0.0"), `, "aliases": ["CVE-1"], "severity": [{"type": "CVSS_V3", "score": "x"}]`)))
	f.Add([]byte(`{"id": "X", "modified": "2026-01-01T00:00:00Z", "affected": null, "aliases": null, "database_specific": []}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := parse(data)
		if err != nil {
			return
		}
		text := string(rec.advisory.append(nil))
		d := decoder{rest: text}
		var a advisory
		if d.advisory(&a); d.bad || d.rest != "" || string(a.append(nil)) != text {
			t.Errorf("advisory %+v became %+v", rec.advisory, a)
		}
		var again affected
		for i := range rec.affected {
			text := string(rec.affected[i].append(nil))
			d := decoder{rest: text}
			if d.affected(&again); d.bad || d.rest != "" || string(again.append(nil)) != text {
				t.Errorf("%+v became %+v", rec.affected[i], again)
			}
			release(rec.affected[i].ecosystem)
		}
	})
}

// Nothing in a file makes Open or Scan fail otherwise than with an error.
func FuzzIndex(f *testing.F) {
	path := filepath.Join(f.TempDir(), "index")
	source := dump(f, "all.zip", map[string]string{"1.json": oneRecord("X-1", "npm", "a", until("2.0.0"), "")})
	if _, err := Build(context.Background(), path, nil, source); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	doc := document(f, "", "pkg:npm/a@1.0.0")
	f.Fuzz(func(t *testing.T, data []byte) {
		db := &DB{file: bytes.NewReader(data)}
		if db.open(int64(len(data))) == nil {
			db.Scan(context.Background(), doc)
		}
		// What the checksums would refuse.
		d := decoder{rest: string(data)}
		d.advisory(new(advisory))
		d = decoder{rest: string(data)}
		var a affected
		d.affected(&a)
	})
}

func FuzzZip(f *testing.F) {
	data, err := os.ReadFile(
		dump(f, "all.zip", map[string]string{"1.json": oneRecord("X-1", "npm", "a", until("2.0.0"), ""), "2.json": "x"}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var buf bytes.Buffer
		walkZip(bytes.NewReader(data), "all.zip", int64(len(data)), &buf, func(found) error { return nil })
	})
}

// Package URLs of any kind are looked up or said to be not.
func FuzzQueries(f *testing.F) {
	f.Add("pkg:rpm/suse/libz1@1.2?distro=sles-15.5&upstream=zlib-1-2.src.rpm", "debian-12")
	f.Add("pkg:deb/x@1?distro=opensuse-tumbleweed", "v1")
	db := open(f, dump(f, "all.zip", map[string]string{"1.json": oneRecord("X-1", "npm", "a", until("2.0.0"), "")}))
	f.Fuzz(func(t *testing.T, purl, system string) {
		newDistribution(system)
		r, err := db.Scan(context.Background(), document(t, "os "+system, purl))
		if err != nil || len(r.Findings)+len(r.Skipped)+len(r.Databases) == 0 && purl != "" && r.Components > 0 {
			t.Errorf("%v %+v", err, r)
		}
	})
}
