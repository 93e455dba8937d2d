package main

import (
	"archive/zip"
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// module writes a module of one program into a folder of its own and makes it the working directory.
func module(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("GOWORK", "off")
}

// function builds the program of the working directory and returns the zip and what is in it.
func function(t *testing.T, arch, pkg string) (archive, program []byte) {
	t.Helper()
	var out, errs bytes.Buffer
	if err := run([]string{"-o", "f.zip", "-arch", arch, pkg}, &out, &errs); err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	said := regexp.MustCompile(`(?m)^f\.zip: [0-9.]+ MB, linux/` + arch + `, runtime provided\.al2023\nCodeSha256 [A-Za-z0-9+/]{43}=\n\z`)
	if !said.MatchString(out.String()) {
		t.Errorf("it says %q", &out)
	}
	archive, err := os.ReadFile("f.zip")
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil || len(r.File) != 1 || r.File[0].Name != "bootstrap" || r.File[0].Mode() != 0o755 {
		t.Fatalf("%v, %+v", err, r.File)
	}
	f, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	if program, err = io.ReadAll(f); err != nil {
		t.Fatal(err)
	}
	header, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64}[arch]
	libraries, err := header.ImportedLibraries()
	if header.Machine != want || err != nil || len(libraries) > 0 {
		t.Errorf("it is for %v and needs %v, %v", header.Machine, libraries, err)
	}
	return archive, program
}

// A program of anybody's module, built in two places and with settings that would change it, is the same function.
func TestReproducible(t *testing.T) {
	files := map[string]string{
		"go.mod":       "module example.com/gate\n\ngo 1.26\n",
		"gate/main.go": "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"a function\") }\n",
	}
	for _, arch := range []string{"arm64", "amd64"} {
		if arch == "amd64" && os.Getenv("LADING_HEAVY") == "" {
			continue
		}
		module(t, files)
		first, program := function(t, arch, "./gate")
		module(t, files)
		t.Setenv("GOFLAGS", "-gcflags=-N")
		t.Setenv("GOAMD64", "v3")
		second, _ := function(t, arch, "./gate")
		if !bytes.Equal(first, second) {
			t.Errorf("%s: %d and %d bytes that differ", arch, len(first), len(second))
		}
		info, err := buildinfo.Read(bytes.NewReader(program))
		if err != nil || info.Main.Path != "example.com/gate" {
			t.Errorf("the program does not say what it was built of: %v, %v", info, err)
		}
	}
}

func TestRefused(t *testing.T) {
	module(t, map[string]string{
		"go.mod":      "module example.com/gate\n\ngo 1.26\n",
		"lib/lib.go":  "package lib\n",
		"bad/main.go": "package main\n\nfunc main() { none() }\n",
		"a/main.go":   "package main\n\nfunc main() {}\n",
	})
	for _, c := range []struct{ args, want string }{
		{"./lib", "is not one program"},
		{"./...", "is not one program"},
		{"./bad", "go build ./bad"},
		{"./none", "go list ./none"},
		{"-arch mips ./a", "Lambda has arm64 and amd64"},
		{"./a ./lib", "one package makes one function"},
		{"-o none/f.zip ./a", "none"},
	} {
		var errs bytes.Buffer
		if err := run(strings.Fields(c.args), io.Discard, &errs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q\n%s", c.args, err, c.want, &errs)
		}
	}
	if left, err := filepath.Glob("*.zip*"); err != nil || len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// The function of examples/ecs-gate as a program of one's own module, with the AWS SDK, is below 15 MB.
func TestFunction(t *testing.T) {
	if os.Getenv("LADING_HEAVY") == "" {
		t.Skip("compiles the AWS SDK for two processors: LADING_HEAVY=1")
	}
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(root, "examples", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	mod := strings.Replace(read("go.mod"), "module github.com/ladingdev/lading/examples", "module example.com/gate", 1)
	mod = strings.Replace(mod, "lading => ..", fmt.Sprintf("lading => %q", root), 1)
	files := map[string]string{"go.mod": mod, "go.sum": read("go.sum")}
	for _, dir := range []string{"lambda", "internal/doors"} {
		sources, err := filepath.Glob(filepath.Join(root, "examples", "ecs-gate", filepath.FromSlash(dir), "*.go"))
		if err != nil || len(sources) == 0 {
			t.Fatal("no program: ", err)
		}
		for _, source := range sources {
			if name := filepath.Base(source); !strings.HasSuffix(name, "_test.go") {
				text := read("ecs-gate/" + dir + "/" + name)
				files["gate/"+dir+"/"+name] = strings.ReplaceAll(text, "github.com/ladingdev/lading/examples/ecs-gate/",
					"example.com/gate/gate/")
			}
		}
	}
	for _, arch := range []string{"arm64", "amd64"} {
		module(t, files)
		first, binary := function(t, arch, "./gate/lambda")
		module(t, files)
		second, _ := function(t, arch, "./gate/lambda")
		if !bytes.Equal(first, second) {
			t.Errorf("%s: two builds differ", arch)
		}
		if t.Logf("%s: %.1f MB, unpacked %.1f MB", arch, float64(len(first))/1e6, float64(len(binary))/1e6); len(first) >= 15e6 {
			t.Errorf("%s: %d bytes, 15 MB are allowed", arch, len(first))
		}
	}
}
