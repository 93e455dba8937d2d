package catalog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/extractor/filesystem/os/osrelease"
	"github.com/google/osv-scalibr/inventory"
	"github.com/google/osv-scalibr/plugin"
)

// rpmManifest reads the list that images of Azure Linux without rpm have in place of its database: a line for each package
// of rpm -qa, with tabs between name, version and release, times of installation and build, vendor, epoch, size,
// architecture, epoch as a number and source (CBL-Mariner's toolkit, "How It Works", Misc).
type rpmManifest struct{ rpmDB }

func (*rpmManifest) Name() string                       { return "os/rpm-manifest" }
func (*rpmManifest) Requirements() *plugin.Capabilities { return &plugin.Capabilities{} }

const rpmManifestName = "container-manifest-2"

// FileRequired says where the list is. Another beside it, of a former form, has less.
func (*rpmManifest) FileRequired(api filesystem.FileAPI) bool {
	return api.Path() == "var/lib/rpmmanifest/"+rpmManifestName
}

// Extract finds the packages.
func (m *rpmManifest) Extract(ctx context.Context, in *filesystem.ScanInput) (out inventory.Inventory, err error) {
	m.headers = map[*extractor.Package]*rpmHeader{}
	release, _ := osrelease.GetOSRelease(in.FS)
	var damaged []error
	s := bufio.NewScanner(in.Reader)
	s.Buffer(nil, maxLine)
	for s.Scan() {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		if strings.TrimSpace(s.Text()) == "" {
			continue
		}
		h := manifestLine(s.Text())
		if h == nil {
			if damaged = append(damaged, fmt.Errorf("not a package: %.100q", s.Text())); len(damaged) == maxDamaged {
				return out, errors.Join(append(damaged, errors.New("and so on"))...)
			}
			continue
		}
		p := &extractor.Package{Name: h.name, Version: h.version + "-" + h.release, PURLType: "rpm", Metadata: &ownPURL{h.purl(release)}}
		m.headers[p] = h
		out.Packages = append(out.Packages, p)
	}
	return out, errors.Join(append(damaged, s.Err())...)
}

func manifestLine(line string) *rpmHeader {
	f := strings.Split(strings.TrimRight(line, "\r"), "\t")
	if len(f) < 10 {
		return nil
	}
	for i := range f {
		if f[i] == "(none)" {
			f[i] = ""
		}
	}
	version, release, ok := strings.Cut(f[1], "-")
	if f[0] == "" || version == "" || !ok {
		return nil
	}
	epoch, _ := strconv.Atoi(f[8])
	return &rpmHeader{name: f[0], version: version, release: release, vendor: f[4], arch: f[7],
		epoch: epoch, source: f[9], provides: slices.Clone(f[:1])}
}
