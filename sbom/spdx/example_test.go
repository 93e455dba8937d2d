package spdx_test

import (
	"fmt"
	"strings"

	"github.com/ladingdev/lading/sbom"
	"github.com/ladingdev/lading/sbom/spdx"
)

// A program that has tools-golang's types goes on with them, and comes back.
func ExampleFrom() {
	doc, err := sbom.Parse(strings.NewReader(document))
	if err != nil {
		fmt.Println(err)
		return
	}
	typed, losses, err := spdx.To(doc)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(losses) > 0, "losses are told")
	typed.Packages[0].PackageVersion = "1"
	doc, err = spdx.From(typed)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := doc.Component(doc.Roots()[0])
	fmt.Println(c.Name, c.Version)
	// Output:
	// true losses are told
	// a 1
}
