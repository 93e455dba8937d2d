package document

import "reflect"

// A known is how a field of package policy/rules is written in a document.
type known struct {
	name, help, ref, format string
	enum                    []string
	required                bool
}

// ruleField returns how a field of a struct of package policy/rules is written.
func ruleField(t reflect.Type, name string) known { return known{} }

// hidden reports whether a field of package policy/rules is none of a document.
func hidden(t reflect.Type, name string) bool { return false }
