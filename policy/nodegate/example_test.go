package nodegate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ladingdev/lading/policy/gate"
	"github.com/ladingdev/lading/policy/nodegate"
)

// A program in containerd's directory of verifiers. Its main ends with what Run returns.
func ExampleGate_Run() {
	var checker *gate.Checker // see package policy/gate; without one, everything is refused
	g := &nodegate.Gate{Checker: checker}
	status := g.Run(context.Background(), []string{"-name", "registry.example.com/shop/web:v1", "-digest", // os.Args[1:]
		"sha256:8a2bac7a408e57147b637f8e54beedbe284a2b2d054e8b4ab61314043b958b78"}, os.Stdin, os.Stdout)
	fmt.Println(status)
	// Output:
	// lading could not decide: the gate has no Checker
	// 2
}

// What a doctor says of a node whose template has one setting too many.
func ExampleDoctor() {
	dump, err := os.ReadFile("testdata/config/node-template-discard-v3.dump.toml") // containerd config dump
	if err != nil {
		panic(err)
	}
	d := &nodegate.Doctor{
		Dump:   dump,
		Canary: "registry.example.com/canary:unsigned",
		// nodegate.CRI("/run/containerd/containerd.sock")
		Pull: func(context.Context, string) error { return errors.New("not tried here") },
	}
	findings := d.Examine(context.Background())
	fmt.Println(nodegate.Verdict(findings))
	fmt.Println(strings.Replace(findings[0].String(), " -> ", "\n  ", 1))
	// Output:
	// OPEN
	// OPEN        plugins.'io.containerd.cri.v1.images'.discard_unpacked_layers: it is true, so the CRI pulls without asking verifiers
	//   set it to false
}
