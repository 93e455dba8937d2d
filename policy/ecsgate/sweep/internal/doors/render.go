package doors

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

const head = `# Doors of AWS

Every way into Amazon ECS and ECR that the types of AWS's own SDK tell of, and every other service that takes a container image.
This page is made from two lists, ` + "`doors.tsv` and `services.tsv` in `policy/ecsgate/sweep/internal/doors`" + `, by
` + "`LADING_WRITE=1 go -C policy/ecsgate/sweep test ./internal/doors`" + `; a test fails when it is old, and when the
SDK has an operation, a field or a value that is on no line. Where a line is wrong, mend the list.

A door is *gated* if something keeps an image that is not allowed from starting there, and *swept* if a sweep
(` + "`policy/ecsgate/sweep`" + `) finds it afterwards. What is neither says why.

`

// Render writes docs/doors.md. Versions are those of the service modules whose types were read; what it says of findings comes from the
// caller, because package sweep has them.
func Render(w io.Writer, versions string, findings []struct{ Word, What string }) error {
	list, err := List()
	if err != nil {
		return err
	}
	services, err := Services()
	if err != nil {
		return err
	}
	fmt.Fprint(w, head)
	fmt.Fprintf(w, "The types are those of %s.\n\n", versions)
	fmt.Fprint(w, "| gated by | what it is | where |\n|---|---|---|\n")
	for _, g := range Gates {
		fmt.Fprintf(w, "| %s | %s | `%s.%s` |\n", g.Word, g.What, g.Package, g.Type)
	}
	fmt.Fprint(w, "\n| swept by | the finding |\n|---|---|\n")
	for _, f := range findings {
		fmt.Fprintf(w, "| %s | %s |\n", f.Word, f.What)
	}
	count(w, list)
	for _, service := range []string{"ecs", "ecr"} {
		for _, class := range []string{Door, OutOfReach} {
			table(w, service, class, list)
		}
	}
	fmt.Fprint(w, "\n## Other services\n\nSearched by type; `services.tsv` says when, in which models, and how to do it again.\n\n")
	fmt.Fprint(w, "| service | what | gated by | swept by | how, or why not |\n|---|---|---|---|---|\n")
	for _, s := range services {
		what := s.Kind
		if len(s.Fields) > 0 {
			what = fields(s.Fields)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", s.Name, what, joined(s.Gated), joined(s.Swept), cell(s.Why))
	}
	rest(w, list)
	return nil
}

// fields are the names of fields, of a long list the first.
func fields(names []string) string {
	const most = 6
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	return "`" + strings.Join(names, "` `") + "`" + more
}

func joined(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}

// cell is text in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func count(w io.Writer, list []Line) {
	fmt.Fprint(w, "\n| | operations | fields | values | doors | out of reach | no door |\n|---|---|---|---|---|---|---|\n")
	for _, service := range []string{"ecs", "ecr"} {
		n := map[string]int{}
		for _, l := range list {
			if l.Service == service {
				n[l.Kind]++
				n[l.Class()]++
			}
		}
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d | %d |\n", service, n["operation"], n["field"], n["value"], n[Door], n[OutOfReach],
			n[NoDoor])
	}
}

func table(w io.Writer, service, class string, list []Line) {
	title := "\n## " + service + ": doors\n\n"
	if class == OutOfReach {
		title = "\n## " + service + ": out of reach\n\n"
	}
	for _, l := range list {
		if l.Service != service || l.Class() != class {
			continue
		}
		if title != "" {
			fmt.Fprint(w, title, "| | gated by | swept by | how, or why not |\n|---|---|---|---|\n")
			title = ""
		}
		fmt.Fprintf(w, "| %s `%s` | %s | %s | %s |\n", l.Kind, l.Name, joined(l.Gated), joined(l.Swept),
			cell(strings.TrimPrefix(l.Why, OutOfReach+": ")))
	}
}

// rest names what is no door, by the reason.
func rest(w io.Writer, list []Line) {
	fmt.Fprint(w, "\n## No doors\n\nHow many operations, fields and values there are of each kind; `doors.tsv` names them.\n\n")
	fmt.Fprint(w, "| why it is no door | ecs | ecr |\n|---|---|---|\n")
	n := map[string]map[string]int{}
	for _, l := range list {
		if l.Class() != NoDoor {
			continue
		}
		why := strings.TrimPrefix(l.Why, NoDoor+": ")
		if n[why] == nil {
			n[why] = map[string]int{}
		}
		n[why][l.Service]++
	}
	for _, why := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(w, "| %s | %d | %d |\n", cell(why), n[why]["ecs"], n[why]["ecr"])
	}
}
