package catalog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rpmdb "github.com/erikvarga/go-rpmdb/pkg"
)

// headersOf returns the headers of the database in testdata, which rpm wrote.
func headersOf(t testing.TB) (out [][]byte) {
	t.Helper()
	data := testdata(t, "rpmdb.sqlite.gz")
	if err := readSQLite(t.Context(), strings.NewReader(data), int64(len(data)), func(b []byte) error {
		out = append(out, bytes.Clone(b))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// ndbOf writes headers as rpm's own kind of database.
func ndbOf(headers [][]byte) []byte {
	order := binary.LittleEndian
	out := make([]byte, 4096)
	copy(out, "RpmP")
	order.PutUint32(out[12:], 1)
	for i := 32; i < len(out); i += 16 {
		copy(out[i:], "Slot")
	}
	for i, h := range headers {
		slot := out[32+16*i:]
		order.PutUint32(slot[4:], uint32(i+1))
		order.PutUint32(slot[8:], uint32(len(out)/16))
		out = append(out, "BlbS"...)
		out = order.AppendUint32(out, uint32(i+1))
		out = order.AppendUint32(out, 0)
		out = order.AppendUint32(out, uint32(len(h)))
		out = append(append(out, h...), make([]byte, 32-len(h)%16)...)
	}
	return out
}

// bdbOf writes headers as a hash table of Berkeley DB.
func bdbOf(headers [][]byte, order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}) []byte {
	const size = 512
	pages := [][]byte{make([]byte, size), make([]byte, size)}
	table := pages[1]
	table[25] = bdbHash
	free := size
	for i, h := range headers {
		free -= 16 // the key's four bytes, and the value's entry
		table[free] = 1
		table[free+4] = bdbOffPage
		order.PutUint32(table[free+8:], uint32(len(pages)))
		order.PutUint32(table[free+12:], uint32(len(h)))
		order.PutUint16(table[26+4*i:], uint16(free))
		order.PutUint16(table[28+4*i:], uint16(free+4))
		for chunk := range slices.Chunk(h, size-26) {
			page := make([]byte, size)
			page[25] = bdbOverflow
			order.PutUint16(page[22:], uint16(len(chunk)))
			copy(page[26:], chunk)
			if pages = append(pages, page); len(chunk) == size-26 {
				order.PutUint32(page[16:], uint32(len(pages)))
			}
		}
	}
	order.PutUint16(table[20:], uint16(2*len(headers)))
	order.PutUint32(pages[0][12:], bdbMagic)
	order.PutUint32(pages[0][16:], 9)
	order.PutUint32(pages[0][20:], size)
	pages[0][25] = 8
	order.PutUint32(pages[0][32:], uint32(len(pages)-1))
	return bytes.Join(pages, nil)
}

// The same packages in every kind of database.
func TestRPM(t *testing.T) {
	headers := headersOf(t)
	release := item{name: "etc/os-release", body: "ID=fedora\nVERSION_ID=40\n"}
	for name, body := range map[string]string{
		"var/lib/rpm/rpmdb.sqlite":         testdata(t, "rpmdb.sqlite.gz"),
		"usr/lib/sysimage/rpm/Packages.db": string(ndbOf(headers)),
		"var/lib/rpm/Packages":             string(bdbOf(headers, binary.LittleEndian)),
		"usr/share/rpm/Packages":           string(bdbOf(headers, binary.BigEndian)),
	} {
		doc, report, err := Dir(t.Context(), mapFS(release, item{name: name, body: body}), nil)
		if err != nil || len(report.Warnings) > 0 {
			t.Fatal(name, err, report.Warnings)
		}
		licences, suppliers := map[string]string{}, map[string]bool{}
		for r, c := range doc.Components() {
			if strings.HasPrefix(c.PURL, "pkg:rpm/") {
				licences[c.PURL] = strings.Join(licensesOf(doc, c.PURL), "; ")
				if s := doc.Details(r).Supplier; s != nil {
					suppliers[s.Name] = true
				}
			}
		}
		if want := map[string]string{
			"pkg:rpm/fedora/lading-lib@1.0-1?arch=noarch&distro=fedora-40&upstream=lading-lib-1.0-1.src.rpm":   "GPLv2+",
			"pkg:rpm/fedora/lading-extra@1.0-1?arch=noarch&distro=fedora-40&upstream=lading-lib-1.0-1.src.rpm": "MIT",
			"pkg:rpm/fedora/lading-tool@1.2-3?arch=noarch&distro=fedora-40&epoch=2&" +
				"upstream=lading-tool-1.2-3.src.rpm": "Apache-2.0 AND MIT",
		}; !maps.Equal(licences, want) {
			t.Errorf("%s: %q", name, licences)
		}
		if !suppliers["Lading"] {
			t.Errorf("%s: suppliers %v", name, suppliers)
		}
		if edges, want := edgesOf(doc), []string{"lading-tool -> lading-extra", "lading-tool -> lading-lib"}; !slices.Equal(edges, want) {
			t.Errorf("%s: %q", name, edges)
		}
	}
}

// headerOf makes a header of texts.
func headerOf(tags map[uint32]string) []byte {
	var entries, data []byte
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		for _, n := range []uint32{tag, rpmString, uint32(len(data)), 1} {
			entries = binary.BigEndian.AppendUint32(entries, n)
		}
		data = append(data, tags[tag]+"\x00"...)
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	head = binary.BigEndian.AppendUint32(head, uint32(len(data)))
	return slices.Concat(head, entries, data)
}

// Package URLs as vendors have them, and the module of a package.
func TestRPMPURL(t *testing.T) {
	headers := [][]byte{
		headerOf(map[uint32]string{rpmName: "nodejs", rpmVersion: "18.20", rpmRelease: "1.module_el9", rpmArch: "x86_64",
			rpmSource: "nodejs-18.20-1.module_el9.src.rpm", rpmModule: "nodejs:18:9040020240301:rhel9"}),
		headerOf(map[uint32]string{rpmName: "gpg-pubkey", rpmVersion: "5a6340b3", rpmRelease: "6229229e", rpmSource: "(none)"}),
	}
	for release, want := range map[string][]string{
		"ID=\"rhel\"\nVERSION_ID=\"9.4\"\n": {"pkg:rpm/redhat/nodejs@18.20-1.module_el9?arch=x86_64&distro=rhel-9.4&" +
			"rpmmod=nodejs:18:9040020240301:rhel9&upstream=nodejs-18.20-1.module_el9.src.rpm",
			"pkg:rpm/redhat/gpg-pubkey@5a6340b3-6229229e?distro=rhel-9.4"},
		"ID=opensuse-tumbleweed\n" +
			"VERSION_ID=20241101\n": {"pkg:rpm/opensuse/nodejs@18.20-1.module_el9?arch=x86_64&distro=opensuse-tumbleweed-20241101&" +
			"rpmmod=nodejs:18:9040020240301:rhel9&upstream=nodejs-18.20-1.module_el9.src.rpm",
			"pkg:rpm/opensuse/gpg-pubkey@5a6340b3-6229229e?distro=opensuse-tumbleweed-20241101"},
		"": {"pkg:rpm/nodejs@18.20-1.module_el9?arch=x86_64&rpmmod=nodejs:18:9040020240301:rhel9&" +
			"upstream=nodejs-18.20-1.module_el9.src.rpm", "pkg:rpm/gpg-pubkey@5a6340b3-6229229e"},
	} {
		doc, _ := dirOf(t, item{name: "etc/os-release", body: release},
			item{name: "usr/lib/sysimage/rpm/Packages.db", body: string(ndbOf(headers))})
		same(t, release, purlsOf(doc), want)
		if got := propertiesOf(t, doc, want[0]); !slices.Contains(got, "aquasecurity:trivy:Modularitylabel=nodejs:18:9040020240301:rhel9") {
			t.Errorf("%q", got)
		}
	}
}

// Another library reads the same from each.
func TestRPMByAnother(t *testing.T) {
	headers := headersOf(t)
	for _, name := range []string{"rpmdb.sqlite.gz", "rpm-Packages", "ndb", "bdb"} {
		var data string
		read := readBDB
		switch name {
		case "ndb":
			data, read = string(ndbOf(headers)), readNDB
		case "bdb":
			data = string(bdbOf(headers, binary.LittleEndian))
		default:
			data = testdata(t, name)
		}
		file := filepath.Join(t.TempDir(), "db")
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := rpmdb.Open(file)
		if err != nil {
			t.Fatal(name, err)
		}
		theirs, err := db.ListPackages()
		if err != nil {
			t.Fatal(name, err)
		}
		db.Close()
		var ours []*rpmHeader
		take := func(b []byte) error {
			h, err := readRPMHeader(b)
			ours = append(ours, h)
			return err
		}
		if name == "rpmdb.sqlite.gz" {
			err = readSQLite(t.Context(), strings.NewReader(data), int64(len(data)), take)
		} else {
			err = read(strings.NewReader(data), int64(len(data)), take)
		}
		if err != nil || len(ours) != len(theirs) {
			t.Fatalf("%s: %d packages, another library has %d: %v", name, len(ours), len(theirs), err)
		}
		for i, h := range ours {
			p := theirs[i]
			if h.name != p.Name || h.version != p.Version || h.release != p.Release || h.arch != p.Arch || h.epoch != p.EpochNum() ||
				h.license != p.License || h.vendor != p.Vendor || h.source != p.SourceRpm || !slices.Equal(h.requires, p.Requires) {
				t.Errorf("%s: %+v, another library has %+v", name, h, p)
			}
		}
	}
}

// Whatever is damaged is an error, and what is whole counts.
func TestDamagedRPM(t *testing.T) {
	headers := headersOf(t)
	ndb, bdb, sqlite := ndbOf(headers), bdbOf(headers, binary.LittleEndian), []byte(testdata(t, "rpmdb.sqlite.gz"))
	change := func(b []byte, at int, to ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], to)
		return b
	}
	for _, tt := range []struct {
		name, file string
		data       []byte
	}{
		{"empty", "Packages", nil},
		{"another file", "Packages", []byte("hello")},
		{"no table", "Packages", make([]byte, 1024)},
		{"cut short", "Packages", bdb[:len(bdb)-1]},
		{"pages of 3 bytes", "Packages", change(bdb, 20, 3, 0)},
		{"encrypted", "Packages", change(bdb, 24, 1)},
		{"an odd number of entries", "Packages", change(bdb, 512+20, 5)},
		{"more entries than fit", "Packages", change(bdb, 512+20, 0xfe, 0xff)},
		{"an entry outside", "Packages", change(bdb, 512+28, 0xff, 0xff)},
		{"an entry at the end", "Packages", change(change(bdb, 512+28, 0xff, 1), 512+511, bdbOffPage)},
		{"4 GiB", "Packages", change(bdb, 512+512-4, 0xff, 0xff, 0xff, 0xff)},
		{"a page outside", "Packages", change(bdb, 512+512-8, 0xff, 0xff, 0xff, 0x7f)},
		{"a page that goes round", "Packages", change(bdb, 1024+16, 2)},
		{"a page of another kind", "Packages", change(bdb, 1024+25, 13)},
		{"empty", "Packages.db", nil},
		{"another file", "Packages.db", []byte(strings.Repeat("hello", 10))},
		{"more pages than there are", "Packages.db", change(ndb, 12, 0xff, 0xff, 0xff)},
		{"no pages", "Packages.db", change(ndb, 12, 0)},
		{"a slot that is none", "Packages.db", change(ndb, 32, 'X')},
		{"a package outside", "Packages.db", change(ndb, 32+8, 0xff, 0xff, 0xff)},
		{"another package", "Packages.db", change(ndb, 4096+4, 9)},
		{"4 GiB", "Packages.db", change(ndb, 4096+12, 0xff, 0xff, 0xff, 0xff)},
		{"longer than there is", "Packages.db", change(ndb, 4096+12, 0xff, 0xff)},
		{"a header without entries", "Packages.db", ndbOf([][]byte{make([]byte, 8)})},
		{"a header of 4 G entries", "Packages.db", ndbOf([][]byte{bytes.Repeat([]byte{0xff}, 8)})},
		{"a short header", "Packages.db", ndbOf([][]byte{{1}})},
		{"empty", "rpmdb.sqlite", nil},
		{"another file", "rpmdb.sqlite", []byte("hello")},
		{"cut short", "rpmdb.sqlite", sqlite[:5000]},
		{"no table", "rpmdb.sqlite", bytes.ReplaceAll(sqlite, []byte("Packages"), []byte("Packagez"))},
		{"a made up column", "rpmdb.sqlite", bytes.Replace(sqlite, []byte("blob BLOB NOT NULL"), []byte("blob AS(0) NOTNULL"), 1)},
	} {
		doc, report, err := Dir(t.Context(), mapFS(item{name: "var/lib/rpm/" + tt.file, body: string(tt.data)}), nil)
		if err != nil || doc.Len() > 1 {
			t.Errorf("%s %s: %v", tt.file, tt.name, err)
			continue
		}
		if len(report.Warnings) != 1 || !errors.Is(report.Warnings[0].Err, errRPM) {
			t.Errorf("%s %s: %v", tt.file, tt.name, report.Warnings)
		}
	}

	// A header that is damaged does not take the others along.
	doc, report, err := Dir(t.Context(),
		mapFS(item{name: "var/lib/rpm/Packages.db", body: string(ndbOf(append([][]byte{{1}}, headers...)))}), nil)
	if err != nil || len(report.Warnings) != 1 || report.Packages["rpm"] != 3 {
		t.Errorf("%v %v, %v", doc.Len(), report.Warnings, err)
	}

	// What SQLite has not put into the database yet is missing, and that is said.
	_, report, err = Dir(t.Context(),
		mapFS(item{name: "var/lib/rpm/rpmdb.sqlite", body: string(sqlite)}, item{name: "var/lib/rpm/rpmdb.sqlite-wal", body: "more"}), nil)
	if err != nil || len(report.Warnings) != 1 || report.Packages["rpm"] != 3 {
		t.Errorf("%v, %v", report.Warnings, err)
	}
}

func TestRPMNames(t *testing.T) {
	for in, want := range map[string][]string{
		"libc.so.6(GLIBC_2.34)(64bit)": {"libc.so.6(GLIBC_2.34)(64bit)"},
		"/bin/sh":                      {"/bin/sh"},
		"rpmlib(FileDigests)":          nil,
		"(a or b)":                     {"a", "b"},
		"((a >= 1 with a < 2) or c)":   {"a", "c"},
		"(foo if bar)":                 {"foo"},
		"()":                           nil,
		"(glibc-langpack-en or glibc-all-langpacks) ": {"glibc-langpack-en", "glibc-all-langpacks"},
	} {
		if got := rpmNames(in); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// Databases from strangers.
func FuzzRPM(f *testing.F) {
	headers := headersOf(f)
	for _, data := range [][]byte{ndbOf(headers), bdbOf(headers, binary.LittleEndian), bdbOf(headers, binary.BigEndian),
		[]byte(testdata(f, "rpm-Packages")), headers[0]} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, size := bytes.NewReader(data), int64(len(data))
		var total int64
		add := func(b []byte) error {
			if total += int64(len(b)); total > size {
				t.Fatalf("%d bytes of packages in a database of %d", total, size)
			}
			_, err := readRPMHeader(b)
			return err
		}
		_ = readNDB(r, size, add)
		total = 0
		_ = readBDB(r, size, add)
		_, _ = readRPMHeader(data)
	})
}

// The list of an image of Azure Linux without rpm.
func TestRPMManifest(t *testing.T) {
	doc, report := dirOf(t, item{name: "etc/os-release", body: "ID=azurelinux\nVERSION_ID=\"3.0\"\n"},
		item{name: "var/lib/rpmmanifest/container-manifest-1", body: "bash-5.2.15-3.azl3\n"},
		item{name: "var/lib/rpmmanifest/container-manifest-2",
			body: "bash\t5.2.15-3.azl3\t1\t1\tMicrosoft Corporation\t(none)\t1\tx86_64\t0\tbash-5.2.15-3.azl3.src.rpm\n" +
				"openssl-libs\t3.3.2-1.azl3\t1\t1\tMicrosoft Corporation\t1\t1\tx86_64\t1\topenssl-3.3.2-1.azl3.src.rpm\nfrob\n"})
	if len(report.Warnings) != 1 {
		t.Errorf("%v", report.Warnings)
	}
	const openssl = "pkg:rpm/azurelinux/openssl-libs@3.3.2-1.azl3?arch=x86_64&distro=azurelinux-3.0&epoch=1&" +
		"upstream=openssl-3.3.2-1.azl3.src.rpm"
	same(t, "packages", purlsOf(doc),
		[]string{"pkg:rpm/azurelinux/bash@5.2.15-3.azl3?arch=x86_64&distro=azurelinux-3.0&upstream=bash-5.2.15-3.azl3.src.rpm", openssl})
	same(t, openssl, propertiesOf(t, doc, openssl),
		[]string{"aquasecurity:trivy:SrcName=openssl", "aquasecurity:trivy:SrcVersion=3.3.2", "aquasecurity:trivy:SrcRelease=1.azl3"})
}
