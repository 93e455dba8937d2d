package sweep

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"github.com/ladingdev/lading/policy"
)

// HTML writes the report as one page that needs nothing else: no script, no image, no font, and a content security policy that lets
// none in. It is for light and dark displays, for narrow and wide ones, and for printing.
func (r *Report) HTML(w io.Writer) error {
	p := &page{bufio.NewWriter(w)}
	hash := sha256.Sum256([]byte(style))
	p.printf(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-%s'">
<title>Sweep</title>
<style>%s</style>
</head>
<body>
<main>
<h1>Sweep of `, base64.StdEncoding.EncodeToString(hash[:]), style)
	p.text(strings.Join(r.Regions, ", "))
	p.printf("</h1>\n<p class=\"verdict s%d\">", r.Status())
	p.text(r.verdict())
	p.printf("</p>\n<p>Begun ")
	p.text(r.Started.UTC().Format(time.RFC3339))
	if r.PolicyDigest != "" {
		p.printf(", by policy ")
		p.text(r.PolicyDigest)
	}
	p.printf(".</p>\n")
	p.sums(r)
	p.rows(r)
	p.images(r)
	p.printf("</main>\n</body>\n</html>\n")
	return p.w.Flush()
}

// page writes HTML; what is not a constant of this file goes through text.
type page struct{ w *bufio.Writer }

func (p *page) printf(format string, args ...any) { fmt.Fprintf(p.w, format, args...) }

// text is that of strangers, isolated from the direction of what stands around it.
func (p *page) text(s string) {
	p.printf("<bdi>")
	_, _ = p.w.WriteString(html.EscapeString(line(s)))
	p.printf("</bdi>")
}

func (p *page) sums(r *Report) {
	p.printf("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"What was looked at\"><table>\n" +
		"<caption>What was looked at</caption>\n<thead><tr><th scope=\"col\">service</th>")
	for _, name := range []string{"seen", "allowed", "denied", "unknown", "problems", "gaps", "warnings"} {
		p.printf("<th scope=\"col\">%s</th>", name)
	}
	p.printf("</tr></thead>\n<tbody>\n")
	for _, s := range r.sums() {
		p.printf("<tr><th scope=\"row\">")
		p.text(s.service + " " + s.region)
		p.printf("</th>")
		for _, n := range []int64{s.seen, s.allowed, s.denied, s.unknown, s.problems, s.incomplete, s.warnings} {
			p.printf("<td>%d</td>", n)
		}
		p.printf("</tr>\n")
	}
	p.printf("</tbody>\n</table></div>\n")
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
			p.printf("<h2>%s</h2>\n", titles[l])
		}
		p.printf("<section class=\"%s\">\n<h3>", level)
		if row.Count > 1 {
			p.printf("%d × ", row.Count)
		}
		p.text(row.where())
		p.printf("</h3>\n")
		if name := cmp.Or(row.Judged, row.Image); name != "" {
			p.printf("<p class=\"name\">")
			p.text(name)
			p.printf("</p>\n")
		}
		p.printf("<ul>\n")
		for _, f := range row.Findings {
			p.printf("<li class=\"%s\"><b>%s</b>: ", f.Kind.Level(), html.EscapeString(string(f.Kind)))
			p.text(cmp.Or(f.Detail, f.Kind.About()))
			p.printf("</li>\n")
		}
		p.printf("</ul>\n")
		if list := row.examples(); len(list) > 0 {
			p.printf("<p class=\"arns\">")
			for i, arn := range list {
				if i > 0 {
					p.printf("<br>")
				}
				p.text(arn)
			}
			p.printf("</p>\n")
		}
		p.printf("</section>\n")
	}
}

func (p *page) images(r *Report) {
	list := r.images()
	if len(list) == 0 {
		return
	}
	p.printf("<h2>What runs, or is set to run</h2>\n" +
		"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Images\"><table class=\"images\">\n" +
		"<thead><tr><th scope=\"col\">verdict</th><th scope=\"col\">times</th><th scope=\"col\">image, and why</th></tr></thead>\n<tbody>\n")
	for _, i := range list {
		class := map[policy.Verdict]Level{policy.Deny: Problem, policy.Indeterminate: Incomplete}[i.verdict]
		p.printf("<tr><td class=\"%s\">%s</td><td>%d</td><td class=\"name\">", cmp.Or(string(class), "good"), i.verdict, i.count)
		p.text(i.judged)
		p.printf("<br>")
		p.text(i.reason)
		p.printf("</td></tr>\n")
	}
	p.printf("</tbody>\n</table></div>\n")
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
