package sweep

import (
	"cmp"
	"html"
	"io"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/htmlpage"
	"github.com/ladingdev/lading/policy"
)

// HTML writes the report as one page that needs nothing else: no script, no image, no font, and a content security policy that lets
// none in. It is for light and dark displays, for narrow and wide ones, and for printing.
func (r *Report) HTML(w io.Writer) error {
	p := &page{htmlpage.Begin(w, "Sweep", style)}
	p.Printf("<h1>Sweep of ")
	p.text(strings.Join(r.Regions, ", "))
	p.Printf("</h1>\n<p class=\"verdict s%d\">", r.Status())
	p.text(r.verdict())
	p.Printf("</p>\n<p>Begun ")
	p.text(r.Started.UTC().Format(time.RFC3339))
	if r.PolicyDigest != "" {
		p.Printf(", by policy ")
		p.text(r.PolicyDigest)
	}
	p.Printf(".</p>\n")
	p.sums(r)
	p.rows(r)
	p.images(r)
	return p.End()
}

// page is a page whose texts are those of strangers, each in one line.
type page struct{ *htmlpage.Page }

func (p *page) text(s string) { p.Foreign(line(s)) }

func (p *page) sums(r *Report) {
	p.Printf("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"What was looked at\"><table>\n" +
		"<caption>What was looked at</caption>\n<thead><tr><th scope=\"col\">service</th>")
	for _, name := range []string{"seen", "allowed", "denied", "unknown", "problems", "gaps", "warnings"} {
		p.Printf("<th scope=\"col\">%s</th>", name)
	}
	p.Printf("</tr></thead>\n<tbody>\n")
	for _, s := range r.sums() {
		p.Printf("<tr><th scope=\"row\">")
		p.text(s.service + " " + s.region)
		p.Printf("</th>")
		for _, n := range []int64{s.seen, s.allowed, s.denied, s.unknown, s.problems, s.incomplete, s.warnings} {
			p.Printf("<td>%d</td>", n)
		}
		p.Printf("</tr>\n")
	}
	p.Printf("</tbody>\n</table></div>\n")
}

func (p *page) rows(r *Report) {
	level := Level("")
	for i := range r.Rows {
		row := &r.Rows[i]
		if len(row.Findings) == 0 {
			return
		}
		if l := row.Findings[0].Kind.Level(); l != level {
			level = l
			p.Printf("<h2>%s</h2>\n", titles[l])
		}
		p.Printf("<section class=\"%s\">\n<h3>", level)
		if row.Count > 1 {
			p.Printf("%d × ", row.Count)
		}
		p.text(row.where())
		p.Printf("</h3>\n")
		if name := cmp.Or(row.Judged, row.Image); name != "" {
			p.Printf("<p class=\"name\">")
			p.text(name)
			p.Printf("</p>\n")
		}
		p.Printf("<ul>\n")
		for _, f := range row.Findings {
			p.Printf("<li class=\"%s\"><b>%s</b>: ", f.Kind.Level(), html.EscapeString(string(f.Kind)))
			p.text(cmp.Or(f.Detail, f.Kind.About()))
			p.Printf("</li>\n")
		}
		p.Printf("</ul>\n")
		if list := row.examples(); len(list) > 0 {
			p.Printf("<p class=\"arns\">")
			for i, arn := range list {
				if i > 0 {
					p.Printf("<br>")
				}
				p.text(arn)
			}
			p.Printf("</p>\n")
		}
		p.Printf("</section>\n")
	}
}

func (p *page) images(r *Report) {
	list := r.images()
	if len(list) == 0 {
		return
	}
	p.Printf("<h2>What runs, or is set to run</h2>\n" +
		"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Images\"><table class=\"images\">\n" +
		"<thead><tr><th scope=\"col\">verdict</th><th scope=\"col\">times</th><th scope=\"col\">image, and " +
		"why</th></tr></thead>\n<tbody>\n")
	for _, i := range list {
		class := map[policy.Verdict]Level{policy.Deny: Problem, policy.Indeterminate: Incomplete}[i.verdict]
		p.Printf("<tr><td class=\"%s\">%s</td><td>%d</td><td class=\"name\">", cmp.Or(string(class), "good"), i.verdict, i.count)
		p.text(i.judged)
		p.Printf("<br>")
		p.text(i.reason)
		p.Printf("</td></tr>\n")
	}
	p.Printf("</tbody>\n</table></div>\n")
}

const style = `
:root{color-scheme:light dark;--back:#fff;--card:#f6f7f9;--text:#1b1f24;--soft:#57606a;--line:#d0d7de;
--problem:#b3202c;--gap:#7a5300;--warn:#4a5a78;--good:#14713a}
@media(prefers-color-scheme:dark){:root{--back:#0f1318;--card:#181d24;--text:#e6eaef;--soft:#a2acb8;--line:#333b46;
--problem:#ff8e88;--gap:#e8b34b;--warn:#a9bbdd;--good:#6fd394}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:70rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:.5rem 0}
h2{font-size:1.2rem;margin:1.5rem 0 .5rem}
h3{font-size:1rem;margin:0 0 .25rem;overflow-wrap:anywhere}
p{margin:.25rem 0;overflow-wrap:anywhere}
.verdict{border-left:.4rem solid var(--good);padding:.25rem .75rem;background:var(--card);font-weight:600}
.verdict.s1,.verdict.s3{border-color:var(--problem)}
.verdict.s2{border-color:var(--gap)}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;width:100%}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
th:first-child{text-align:left}
table.images td,table.images th{text-align:left;vertical-align:top}
table.images td.name{white-space:normal;min-width:16rem}
section{background:var(--card);border:1px solid var(--line);border-left:.4rem solid var(--soft)}
section{border-radius:.4rem;padding:.6rem .9rem;margin:.6rem 0}
section.problem{border-left-color:var(--problem)}
section.incomplete{border-left-color:var(--gap)}
section.warning{border-left-color:var(--warn)}
.name,.arns{font-family:ui-monospace,monospace;font-size:.85rem;overflow-wrap:anywhere}
.arns{color:var(--soft)}
ul{margin:.25rem 0;padding-left:1.25rem;overflow-wrap:anywhere}
.problem>b,td.problem{color:var(--problem)}
.incomplete>b,td.incomplete{color:var(--gap)}
.warning>b{color:var(--warn)}
td.good{color:var(--good)}
@media(max-width:30rem){main{padding:.5rem}section{padding:.5rem .6rem}}
@media print{section{break-inside:avoid}}
`
