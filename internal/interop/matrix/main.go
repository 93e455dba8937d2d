// Command matrix runs each cell of the table of who reads whom, and writes docs/interop.md.
//
//	cd internal/interop && GOWORK=off go run ./matrix
//
// A cell is a test, which runs here with the other project's own library, or the reason why there is nothing to run.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var stores = []string{"API", "fallback", "layout"}

// row is one format, and what shows it in each direction and store.
type row struct {
	name        string
	write, read func(store string) cell // we write and they read; they write and we read
}

// cell is a test, or why there is none.
type cell struct{ module, pkg, test, none string }

func in(format, direction string, pkg string) func(string) cell {
	return func(store string) cell {
		return cell{module: ".", pkg: pkg, test: "TestMatrix/" + strings.ReplaceAll(format+"/"+direction+"/"+store, " ", "_")}
	}
}

func matrixRow(format, pkg string) row {
	return row{format, in(format, "we write", pkg), in(format, "they write", pkg)}
}

var rows = []row{
	matrixRow("cosign v3", "./sigstore"),
	matrixRow("first formats", "./sigstore"),
	matrixRow("Notary JWS", "./notary"),
	matrixRow("Notary COSE", "./notary"),
	matrixRow("AWS Signer", "./notary"),
	matrixRow("keyless v1", "./sigstore"),
	matrixRow("keyless v2", "./sigstore"),
	{"BuildKit's attestations", func(string) cell {
		return cell{none: "BuildKit's documentation, \"Image attestation storage\": attestations are made at build time, by the build, " +
			"and stand unsigned in the image's index"}
	}, func(store string) cell {
		part := map[string]string{"API": "memory", "fallback": "API_answers_404", "layout": "layout"}[store]
		return cell{module: "../..", pkg: "./registry", test: "TestBuildKitAttestations/" + part}
	}},
	{"containers/image", containersCell("TestTheirsReadOurs"), containersCell("TestOursReadTheirs")},
}

func containersCell(test string) func(string) cell {
	return func(store string) cell {
		if store == "layout" {
			return cell{none: "containers/image stores signatures of Sigstore as attachments of a registry (containers-registries.d, " +
				"use-sigstore-attachments); its layouts keep none"}
		}
		return cell{module: "containers", pkg: ".", test: test}
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

func run() error {
	passed, err := runAll()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	bad := render(&out, passed)
	if bad != nil {
		return fmt.Errorf("these cells do not hold: %s", strings.Join(bad, "; "))
	}
	return os.WriteFile(filepath.Join("..", "..", "docs", "interop.md"), out.Bytes(), 0o644)
}

// each calls f for every cell.
func each(f func(r row, direction, store string, c cell)) {
	for _, r := range rows {
		for _, store := range stores {
			f(r, "we write", store, r.write(store))
			f(r, "they write", store, r.read(store))
		}
	}
}

// runAll runs each package's tests once and returns the names of those that passed, as MODULE PACKAGE TEST.
func runAll() (map[string]bool, error) {
	tests := make(map[[2]string][]string)
	each(func(_ row, _, _ string, c cell) {
		if c.none != "" {
			return
		}
		top, _, _ := strings.Cut(c.test, "/")
		at := [2]string{c.module, c.pkg}
		if !slices.Contains(tests[at], top) {
			tests[at] = append(tests[at], top)
		}
	})
	passed := make(map[string]bool)
	for at, names := range tests {
		fmt.Fprintf(os.Stderr, "%s %s: %s\n", at[0], at[1], strings.Join(names, ", "))
		cmd := exec.Command("go", "test", "-json", "-count=1", "-tags", "containers_image_openpgp", "-run",
			"^("+strings.Join(names, "|")+")$", at[1])
		cmd.Dir, cmd.Env = at[0], append(os.Environ(), "GOWORK=off")
		data, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			return nil, err
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var event struct{ Action, Test string }
			if json.Unmarshal(lines.Bytes(), &event) == nil && event.Action == "pass" && event.Test != "" {
				passed[at[0]+" "+at[1]+" "+event.Test] = true
			}
		}
		if err := lines.Err(); err != nil {
			return nil, err
		}
	}
	return passed, nil
}

const head = `# Who reads whom

What Lading writes, other projects' own code reads, and the reverse: from a
registry with a referrers API, from one where lists stand under tags
(*fallback*), and from an OCI layout. Every cell was run by
` + "`cd internal/interop && GOWORK=off go run ./matrix`" + ` on %s, or names why there is
nothing to run.

| format | direction | API | fallback | layout |
| ------ | --------- | --- | -------- | ------ |
`

func render(out *bytes.Buffer, passed map[string]bool) (bad []string) {
	fmt.Fprintf(out, head, time.Now().UTC().Format(time.DateOnly))
	var reasons []string
	text := func(r row, direction, store string, c cell) string {
		switch {
		case c.none != "":
			i := slices.Index(reasons, c.none)
			if i < 0 {
				i, reasons = len(reasons), append(reasons, c.none)
			}
			return fmt.Sprintf("n/a (%d)", i+1)
		case passed[c.module+" "+c.pkg+" "+c.test]:
			return "yes"
		}
		bad = append(bad, r.name+", "+direction+", "+store)
		return "no"
	}
	for _, r := range rows {
		for _, d := range []struct {
			words, key string
			cell       func(string) cell
		}{{"we write, they read", "we write", r.write}, {"they write, we read", "they write", r.read}} {
			fmt.Fprintf(out, "| %s | %s |", r.name, d.words)
			for _, store := range stores {
				fmt.Fprintf(out, " %s |", text(r, d.key, store, d.cell(store)))
			}
			fmt.Fprintln(out)
		}
	}
	fmt.Fprintln(out)
	for i, reason := range reasons {
		fmt.Fprintf(out, "%d. %s.\n", i+1, reason)
	}
	fmt.Fprint(out, "\n## By what\n\n| project | version |\n| ------- | ------- |\n")
	for _, v := range versions() {
		fmt.Fprintf(out, "| %s | %s |\n", v[0], v[1])
	}
	fmt.Fprint(out, notes)
	return bad
}

const notes = `
*AWS Signer* is its API's stand-in, which makes the envelopes that the service
makes; notation-go reads them with a plugin that is asked in process in the place
of AWS's program. *They write* there means that notation-go stored the envelope.
*Keyless* signs at an instance in process ([keylesstest](../sign/keyless/keylesstest)):
v1 with Rekor's first API, v2 with the second; on real servers, the step
` + "`sigstore`" + ` of ` + "`.ci/run`" + ` does the same. BuildKit's are laid out
as docker buildx build --provenance --sbom does. What containers/image
reads and writes stands under cosign's tag, with and without a referrers API alike.
`

var require = regexp.MustCompile(`(?m)^\s*(\S+) (v\S+)`)

// versions are those that the modules here require.
func versions() (out [][2]string) {
	want := map[string]string{"github.com/sigstore/cosign/v3": "cosign", "github.com/notaryproject/notation-go": "notation-go",
		"oras.land/oras-go/v2":                   "oras-go",
		"github.com/google/go-containerregistry": "go-containerregistry", "go.podman.io/image/v5": "containers/image",
		"github.com/sigstore/sigstore-go": "sigstore-go"}
	for _, file := range []string{"go.mod", filepath.Join("containers", "go.mod")} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, m := range require.FindAllStringSubmatch(string(data), -1) {
			if name := want[m[1]]; name != "" {
				out = append(out, [2]string{name, m[2]})
				delete(want, m[1])
			}
		}
	}
	slices.SortFunc(out, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	return out
}
