package sbom_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ladingdev/lading/sbom"
)

// A component is found by its ID or by a hash of its content, and the document tells more of it than its Component has.
func ExampleDocument_Details() {
	doc, err := sbom.Parse(strings.NewReader(`{"bomFormat": "CycloneDX", "specVersion": "1.6",
		"metadata": {"authors": [{"name": "A. Writer"}]},
		"components": [{"type": "library", "bom-ref": "a", "name": "a", "version": "1.0", "supplier": {"name": "Acme"},
			"hashes": [{"alg": "SHA-256", "content": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	ref, ok := doc.ByID("a")
	fmt.Println(ok, doc.Details(ref).Supplier.Name, doc.About().Authors[0].Name)
	for found := range doc.ByHash(doc.Details(ref).Hashes[0]) {
		c := doc.Component(found)
		fmt.Println(c.Name, len(c.Raw()), "bytes of text")
	}
	// Output:
	// true Acme A. Writer
	// a 210 bytes of text
}

// What nobody needs is cut off: here b, which only a needs, goes with a.
func ExampleDocument_Subset() {
	doc, err := sbom.Parse(strings.NewReader(strings.Replace(document, `"dependsOn": ["a"]`, `"dependsOn": []`, 1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	needed := slices.Collect(doc.Graph().Reachable(doc.Roots()...))
	out, err := doc.Subset(needed...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doc.Len(), "components, and", out.Len(), "of them needed")
	// Output: 3 components, and 1 of them needed
}

// All Go programs of a release, in one document.
func ExampleGoDir() {
	exe, err := os.Executable() // a Go binary: this program, as two
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "dist")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	program, err := os.ReadFile(exe)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"server", "client"} {
		if err := os.WriteFile(filepath.Join(dir, name), program, 0o755); err != nil {
			fmt.Println(err)
			return
		}
	}
	doc, err := sbom.GoDir(context.Background(), os.DirFS(dir), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	std := 0
	for _, c := range doc.Components() {
		if c.Name == "stdlib" {
			std++
		}
	}
	fmt.Println("the standard library of both stands there", std, "time")
	// Output: the standard library of both stands there 1 time
}
