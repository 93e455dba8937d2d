package gate

import (
	"fmt"

	"github.com/ladingdev/lading/policy"
)

// See returns a function for Rules.See that keeps some fields of a request, by their names in JSON, such as "gate" and "namespace".
// A policy that asks for another one is told that it is not known.
func See(fields ...string) (func(*policy.Request) *policy.Request, error) {
	copies := make([]func(to, from *policy.Request), len(fields))
	for i, name := range fields {
		if copies[i] = fieldCopies[name]; copies[i] == nil {
			return nil, fmt.Errorf("gate: a request has no field %.80q", name)
		}
	}
	return func(from *policy.Request) *policy.Request {
		to := new(policy.Request)
		for _, c := range copies {
			c(to, from)
		}
		return to
	}, nil
}

var fieldCopies = map[string]func(to, from *policy.Request){
	"gate":       func(to, from *policy.Request) { to.Gate = from.Gate },
	"operation":  func(to, from *policy.Request) { to.Operation = from.Operation },
	"user":       func(to, from *policy.Request) { to.User = from.User },
	"groups":     func(to, from *policy.Request) { to.Groups = from.Groups },
	"cluster":    func(to, from *policy.Request) { to.Cluster = from.Cluster },
	"namespace":  func(to, from *policy.Request) { to.Namespace = from.Namespace },
	"kind":       func(to, from *policy.Request) { to.Kind = from.Kind },
	"workload":   func(to, from *policy.Request) { to.Workload = from.Workload },
	"account":    func(to, from *policy.Request) { to.Account = from.Account },
	"region":     func(to, from *policy.Request) { to.Region = from.Region },
	"attributes": func(to, from *policy.Request) { to.Attributes = from.Attributes },
}
