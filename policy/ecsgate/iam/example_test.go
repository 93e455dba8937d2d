package iam_test

import (
	"fmt"
	"log"

	"github.com/ladingdev/lading/policy/ecsgate/iam"
)

func ExampleGuard_Documents() {
	g := &iam.Guard{
		Account:   "111122223333",
		Family:    "gated-",
		Registrar: "arn:aws:iam::111122223333:role/lading-registrar",
	}
	documents, err := g.Documents()
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range documents {
		fmt.Printf("%s: %s\n", d.Name, d.Kind)
	}
	fmt.Println(documents[0].Statements[1].Why)
	// Output:
	// scp-1: service control policy
	// boundary: permissions boundary
	// deployer: identity policy
	// registrar: identity policy
	// trust: trust policy
	// A task runs what the registrar made; people, schedules, rules, pipes and state machines start it by these two calls.
}
