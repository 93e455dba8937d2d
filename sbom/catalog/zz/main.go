package main

import (
	"context"
	"fmt"
	"os"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/catalog"
)

func main() {
	f := sbom.Format{Spec: sbom.CycloneDX, Version: "1.6"}
	if len(os.Args) > 2 && os.Args[2] == "spdx" {
		f = sbom.Format{Spec: sbom.SPDX, Version: "2.3"}
	}
	doc, r, err := catalog.Dir(context.Background(), os.DirFS(os.Args[1]), &catalog.Options{Format: f})
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stderr, r)
	for _, w := range r.Warnings {
		fmt.Fprintln(os.Stderr, "warning:", w)
	}
	if len(os.Args) > 2 && os.Args[2] == "list" {
		for ref, c := range doc.Components() {
			var ls []string
			for _, l := range doc.Licenses(ref) {
				ls = append(ls, l.Expression+l.Name)
			}
			var to []string
			for _, n := range doc.Graph().Direct(ref) {
				to = append(to, doc.Component(n).Name)
			}
			fmt.Println(c.PURL, c.Kind, ls, "->", to)
		}
		return
	}
	os.Stdout.Write(doc.Bytes())
}
