package catalog

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// BenchmarkDir reads trees of one kind each: a root of Debian, a project of npm, a Go program, jars.
func BenchmarkDir(b *testing.B) {
	add := func(files fstest.MapFS, name, body string) {
		files[name] = &fstest.MapFile{Data: []byte(body), Mode: 0o644}
	}
	deb, npm, program, jars := fstest.MapFS{}, fstest.MapFS{}, fstest.MapFS{}, fstest.MapFS{}
	var status, lock strings.Builder
	lock.WriteString(`{"lockfileVersion":3,"packages":{"":{"name":"app","version":"1.0.0"}`)
	for i := range 500 {
		fmt.Fprintf(&status, "Package: p%d\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: A <a@example.org>\n"+
			"Version: 1.%d-1\nDepends: p%d (>= 1), p%d | x\nDescription: one\n more\n\n", i, i, i/2, i/3)
		add(deb, fmt.Sprintf("usr/share/doc/p%d/copyright", i), copyright)
		add(deb, fmt.Sprintf("usr/bin/p%d", i), "\x7fELF")
		add(npm, fmt.Sprintf("node_modules/p%d/package.json", i),
			fmt.Sprintf(`{"name":"p%d","version":"1.0.0","license":"MIT","dependencies":{"p%d":"^1"},"author":"A"}`, i, i/2))
		add(npm, fmt.Sprintf("node_modules/p%d/index.js", i), "x")
		fmt.Fprintf(&lock, `,"node_modules/p%d":{"version":"1.0.0","resolved":"https://registry.npmjs.org/p/-/p-1.0.0.tgz",`+
			`"license":"MIT","dependencies":{"p%d":"^1"}}`, i, i/2)
	}
	add(deb, "var/lib/dpkg/status", status.String())
	add(deb, "etc/os-release", debianRelease)
	add(npm, "package-lock.json", lock.String()+"}}")
	add(npm, "package.json", `{"name":"app","version":"1.0.0","dependencies":{"p1":"1"}}`)
	program["usr/bin/app"] = &fstest.MapFile{Data: []byte(thisBinary()), Mode: 0o755}
	for i := range 50 {
		body := benchJar(b, i)
		jars[fmt.Sprintf("app/lib%d-1.0.jar", i)] = &fstest.MapFile{Data: []byte(body), Mode: 0o644}
	}
	for _, bb := range []struct {
		name  string
		files fstest.MapFS
	}{{"debian", deb}, {"npm", npm}, {"go", program}, {"jars", jars}} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := Dir(b.Context(), bb.files, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchJar(b *testing.B, i int) string {
	b.Helper()
	entries := []entryOf{manifestOf(fmt.Sprintf("Implementation-Title: lib%d", i), "Implementation-Version: 1.0"),
		pomOf("org.example", fmt.Sprintf("lib%d", i), "1.0")}
	for n := range 200 {
		entries = append(entries, entryOf{fmt.Sprintf("org/example/C%d.class", n), strings.Repeat("x", 500)})
	}
	return zipOf(b, entries...)
}
