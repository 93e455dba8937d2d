package catalog

import "testing"

// What a Python finds, by the places that it looks in: not what a distribution is tested with, not what pip left behind.
func TestPythonPlaces(t *testing.T) {
	const lib = "usr/local/lib/python3.12/"
	const site = lib + "site-packages/"
	dist := func(dir, name, version string, lines string) item {
		return item{name: dir + name + "-" + version + ".dist-info/METADATA", body: "Metadata-Version: 2.1\nName: " + name + "\nVersion: " +
			version + "\n" + lines}
	}
	wheel := zipOf(t, entryOf{"w-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: w\nVersion: 1.0\n"})
	doc, report := dirOf(t,
		dist(site, "pip", "24.0", ""),
		dist(site, "~ip", "23.0", ""),
		dist(lib+"test/test_importlib/metadata/data/", "example", "21.12", ""),
		item{name: lib + "test/wheeldata/w-1.0-py3-none-any.whl", body: wheel},
		item{name: lib + "ensurepip/_bundled/w-1.0-py3-none-any.whl", body: wheel},
		dist(site+"foo/tests/data/", "bar", "1.0", ""),
		dist(site+"foo/tests/added/", "added", "1.0", ""), dist(site+"foo/tests/rooted/", "rooted", "1.0", ""),
		item{name: site + "more.pth", body: "import x\nfoo/tests/added\n/" + site + "foo/tests/rooted\n"},
		dist(site+"setuptools/_vendor/", "inflect", "7.3.1", ""),
		dist("home/me/tests/venv/lib/python3.12/site-packages/", "there", "1.0", ""),
		item{name: site + "easy-1.0-py3.12.egg/EGG-INFO/PKG-INFO", body: "Metadata-Version: 1.0\nName: easy\nVersion: 1.0\n"},
		item{name: site + "easy-1.0-py3.12.egg/EGG-INFO/requires.txt", body: "pip\n\n[x]\nflat\n"},
		item{name: site + "flat-2.0.egg-info", body: "Metadata-Version: 1.0\nName: flat\nVersion: 2.0\n"},
		dist(site, "asks", "1.0", "Requires-Dist: flat[extra]>=2; sys_platform == 'linux'\nRequires-Dist: easy @ https://example.org/a;"+
			"b.zip ; python_version >= '3.9'\n"+
			"Requires-Dist: pip ; python_version < '3.8'\nRequires-Dist: inflect ; extra == 'words'\nAuthor-email: A. Author "+
			"<a@example.org>\n"))
	if len(report.Warnings) != 1 || report.Warnings[0].Path != site+"~ip-23.0.dist-info/METADATA" {
		t.Errorf("%v", report.Warnings)
	}
	same(t, "packages", purlsOf(doc), []string{"pkg:pypi/added@1.0", "pkg:pypi/asks@1.0", "pkg:pypi/easy@1.0", "pkg:pypi/flat@2.0",
		"pkg:pypi/inflect@7.3.1", "pkg:pypi/pip@24.0", "pkg:pypi/rooted@1.0", "pkg:pypi/there@1.0", "pkg:pypi/w@1.0"})
	same(t, "edges", namedEdges(doc), []string{"asks@1.0 -> easy@1.0", "asks@1.0 -> flat@2.0", "easy@1.0 -> pip@24.0"})
	for r, k := range doc.Components() {
		if s := doc.Details(r).Supplier; k.Name == "asks" && (s == nil || s.Name != "A. Author") {
			t.Errorf("supplier %v", s)
		}
	}
}

// Markers of requirements ("Dependency specifiers"), of what is known of the environment. What is not known may hold.
func TestMarkers(t *testing.T) {
	const at = "usr/lib/python3.12/site-packages/a.dist-info/METADATA"
	for marker, want := range map[string]bool{
		"": true, "python_version < '3.8'": false, "python_version >= '3.8'": true, "python_version == '3.12'": true,
		"'3.9' <= python_version":                           true,
		"python_version < '3.8' or sys_platform == 'linux'": true, "python_version >= '3.8' and sys_platform == 'win32'": false,
		`(python_version < "3.8" or os_name == "nt") and platform_machine == "x86_64"`: false,
		"platform_machine == 'arm64'": true, "platform_machine == 'arm64' and os_name == 'nt'": false,
		"implementation_name != 'cpython'": true,
		"extra == 'x'":                     false, "extra == 'x' or python_version > '3.9'": true, "sys_platform in 'linux linux2'": true,
		"sys_platform not in 'linux linux2'": false,
		"python_version in '3.10 3.11'":      false, "python_version ~= '3.8'": true, "python_full_version < '3.8.1'": true, "(": true,
		"python_version <": true, "x y z": true, "=": true,
	} {
		if got := markerHolds(marker, markerEnvironment(at)); got != want {
			t.Errorf("%q: %v", marker, got)
		}
	}
	if markerHolds("sys_platform == 'linux'", markerEnvironment("Python312/Lib/site-packages/a.dist-info/METADATA")) {
		t.Error("Windows")
	}
}
