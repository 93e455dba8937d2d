package versions

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Programs that read pairs, a tab between, and answer each with a line: <, =, > or invalid.
const (
	pythonPackaging = `
import sys
from packaging.version import Version
for line in sys.stdin:
    a, b = line.rstrip("\n").split("\t")
    try:
        a, b = Version(a), Version(b)
        print("<" if a < b else ">" if a > b else "=")
    except Exception:
        print("invalid")`
	perlVersion = `
use version;
while (<STDIN>) { chomp; my ($a, $b) = split /\t/, $_, -1;
  my $r = eval { my ($x, $y) = (version->parse($a), version->parse($b)); $x <=> $y };
  print defined $r ? ("<", "=", ">")[$r + 1] : "invalid", "\n"; }`
	perlLinux = `
use DebianLinux qw(version_cmp);
while (<STDIN>) { chomp; my ($a, $b) = split /\t/, $_, -1; print +("<", "=", ">")[version_cmp($a, $b) + 1], "\n"; }`
	rubyGems = `
STDIN.each_line do |line|
  a, b = line.chomp.split("\t", -1)
  begin
    puts ["=", ">", "<"][Gem::Version.new(a) <=> Gem::Version.new(b)]
  rescue ArgumentError
    puts "invalid"
  end
end`
	phpComposer = `
require "Composer/Semver/autoload.php";
use Composer\Semver\{VersionParser, Comparator};
$p = new VersionParser;
while (($line = fgets(STDIN)) !== false) {
  [$a, $b] = explode("\t", rtrim($line, "\n"));
  try {
    $a = $p->normalize($a); $b = $p->normalize($b);
    echo Comparator::lessThan($a, $b) ? "<" : (Comparator::equalTo($a, $b) ? "=" :
      (Comparator::greaterThan($a, $b) ? ">" : "invalid")), "\n";
  } catch (\UnexpectedValueException $e) { echo "invalid\n"; }
}`
	nodeSemver = `
const semver = require("semver");
for (const line of require("fs").readFileSync(0, "utf8").trimEnd().split("\n")) {
  const [a, b] = line.split("\t");
  console.log(semver.valid(a) && semver.valid(b) ? ["<", "=", ">"][semver.compare(a, b) + 1] : "invalid");
}`
	rpmLua = `%{lua: for line in io.lines("FILE") do
  local a, b = line:match("^(.-)\t(.*)$")
  local ok, r = pcall(rpm.vercmp, a, b)
  print(ok and (r < 0 and "<" or r > 0 and ">" or "=") or "invalid", "\n")
end}`
)

// What the real tools answer, where they are installed, for versions made by changing those of the corpus.
func TestTools(t *testing.T) {
	versions := map[string][]string{}
	for _, p := range pairs(t) {
		versions[p.ecosystem] = append(versions[p.ecosystem], p.a, p.b)
	}
	count := 400
	if os.Getenv("LADING_HEAVY") != "" {
		count = 5000
	}
	for _, tool := range []struct {
		ecosystem string
		argv      []string
	}{
		{"PyPI", []string{"/usr/bin/python3", "-c", pythonPackaging}},
		{"CPAN", []string{"perl", "-e", perlVersion}},
		{"Linux", []string{"perl", "-e", perlLinux}},
		{"RubyGems", []string{"ruby", "-W0", "-e", rubyGems}},
		{"Packagist", []string{"php", "-r", phpComposer}},
		{"npm", []string{"node", "-e", nodeSemver}},
		{"RPM", []string{"rpm", "--eval", rpmLua}},
	} {
		t.Run(tool.ecosystem, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(len(tool.ecosystem))))
			rows := make([][2]string, count)
			var in bytes.Buffer
			for i := range rows {
				rows[i] = [2]string{change(random, versions[tool.ecosystem]), change(random, versions[tool.ecosystem])}
				if random.IntN(3) == 0 { // close to each other
					rows[i][1] = change(random, []string{rows[i][0]})
				}
				if tool.ecosystem == "npm" { // older releases of semver do not take blanks around
					rows[i] = [2]string{strings.TrimSpace(rows[i][0]), strings.TrimSpace(rows[i][1])}
				}
				fmt.Fprintf(&in, "%s\t%s\n", rows[i][0], rows[i][1])
			}
			file := filepath.Join(t.TempDir(), "pairs")
			if err := os.WriteFile(file, in.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			argv := slices.Clone(tool.argv)
			argv[len(argv)-1] = strings.Replace(argv[len(argv)-1], "FILE", file, 1)
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Stdin = &in
			out, err := cmd.Output()
			answers := strings.Fields(string(out))
			if err != nil && len(answers) == 0 {
				t.Skipf("%s does not run here: %v", argv[0], err)
			}
			if err != nil || len(answers) != count {
				t.Fatalf("%d answers: %v", len(answers), err)
			}
			for i, row := range rows {
				want := map[string]Order{"<": Before, "=": Same, ">": After, "invalid": CannotTell}[answers[i]]
				if got := Compare(tool.ecosystem, row[0], row[1]); got != want {
					t.Errorf("%+q is %v %+q, and should be %v", row[0], got, row[1], want)
				}
			}
		})
	}
}

// Maven's own class compares each of its arguments with the next.
func TestToolsMaven(t *testing.T) {
	const classes = "/usr/share/java/maven-artifact-3.x.jar:/usr/share/java/commons-lang3.jar" // of Debian's libmaven3-core-java
	if _, err := os.Stat("/usr/share/java/maven-artifact-3.x.jar"); err != nil {
		t.Skip("no Maven here")
	}
	var versions, args []string
	for _, p := range pairs(t) {
		if p.ecosystem == "Maven" {
			versions = append(versions, p.a, p.b)
		}
	}
	random := rand.New(rand.NewPCG(3, 3))
	for range 2000 {
		v := change(random, versions)
		if random.IntN(2) == 0 && len(args) > 0 {
			v = change(random, args[len(args)-1:])
		}
		if v != "" && strings.TrimSpace(v) == v && !strings.ContainsRune(v, 0xfffd) {
			args = append(args, v)
		}
	}
	out, err := exec.Command("java", append([]string{"-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-cp", classes,
		"org.apache.maven.artifact.versioning.ComparableVersion"}, args...)...).Output()
	if err != nil {
		t.Skipf("no Java here: %v", err)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if line, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "   "); ok {
			lines = append(lines, line)
		}
	}
	if len(lines) != len(args)-1 {
		t.Fatalf("%d answers about %d versions", len(lines), len(args))
	}
	for i, line := range lines {
		a, b := args[i], args[i+1]
		if a+b != strings.Map(ascii, a+b) { // which the program's arguments may not survive
			continue
		}
		op := strings.TrimSuffix(strings.TrimPrefix(line, a+" "), " "+b)
		want := map[string]Order{"<": Before, "==": Same, ">": After}[op]
		if got := Compare("Maven", a, b); got != want {
			t.Errorf("%q is %v %q, and should be %v: %s", a, got, b, want, line)
		}
	}
}

func ascii(r rune) rune {
	if r >= 0x80 {
		return -1
	}
	return r
}

// The same for tools that are asked one question at a time.
func TestToolsByPair(t *testing.T) {
	versions := map[string][]string{}
	for _, p := range pairs(t) {
		versions[p.ecosystem] = append(versions[p.ecosystem], p.a, p.b)
	}
	count := 15
	if os.Getenv("LADING_HEAVY") != "" {
		count = 150
	}
	run := func(argv ...string) bool { return exec.Command(argv[0], argv[1:]...).Run() == nil }
	for ecosystem, tool := range map[string]struct {
		program string
		ask     func(a, b string) Order
	}{
		"Debian": {"dpkg", func(a, b string) Order {
			switch {
			case !run("dpkg", "--validate-version", a) || !run("dpkg", "--validate-version", b):
				return CannotTell
			case run("dpkg", "--compare-versions", a, "lt", b):
				return Before
			case run("dpkg", "--compare-versions", a, "gt", b):
				return After
			}
			return Same
		}},
		"Arch": {"vercmp", func(a, b string) Order {
			out, err := exec.Command("vercmp", a, b).Output()
			n, err2 := strconv.Atoi(strings.TrimSpace(string(out)))
			if err != nil || err2 != nil {
				return CannotTell
			}
			return order(n)
		}},
	} {
		t.Run(ecosystem, func(t *testing.T) {
			if _, err := exec.LookPath(tool.program); err != nil {
				t.Skipf("no %s here", tool.program)
			}
			random := rand.New(rand.NewPCG(2, 2))
			for range count {
				a := change(random, versions[ecosystem])
				b := change(random, versions[ecosystem])
				if random.IntN(2) == 0 {
					b = change(random, []string{a})
				}
				if strings.HasPrefix(a, "-") || strings.HasPrefix(b, "-") || a == "" || b == "" { // options of the program
					continue
				}
				if got, want := Compare(ecosystem, a, b), tool.ask(a, b); got != want {
					t.Errorf("%+q is %v %+q, and should be %v", a, got, b, want)
				}
			}
		})
	}
}

// change takes one of versions, and changes some of its bytes to those of others.
func change(random *rand.Rand, versions []string) string {
	other := versions[random.IntN(len(versions))] + "0.1"
	s := []byte(versions[random.IntN(len(versions))])
	for range random.IntN(3) {
		at := random.IntN(len(s) + 1)
		c := other[random.IntN(len(other))]
		switch random.IntN(3) {
		case 0:
			s = slices.Insert(s, at, c)
		case 1:
			if at < len(s) {
				s = slices.Delete(s, at, at+1)
			}
		default:
			if at < len(s) {
				s[at] = c
			}
		}
	}
	return strings.ToValidUTF8(strings.NewReplacer("\t", "", "\n", "").Replace(string(s)), "")
}
