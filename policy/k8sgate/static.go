package k8sgate

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// staticDirs are the directories of static manifests, as examples/k8s-gate/static/install.sh makes them, by the plugin of the API server
// that reads each.
var staticDirs = []struct{ dir, plugin string }{
	{"webhooks", "ValidatingAdmissionWebhook"},
	{"policies", "ValidatingAdmissionPolicy"},
}

// static compares the manifests on disk with those that the API server says it has loaded: it keeps the former ones while it cannot
// read the new, and goes on without a word to whoever replaced them.
func (d *Doctor) static(ctx context.Context) (found []Finding) {
	if d.Static == "" {
		return nil
	}
	loaded, err := d.loaded(ctx)
	for _, s := range staticDirs {
		dir := filepath.Join(d.Static, s.dir)
		what := "static manifests " + dir
		sum, e := manifestsSum(dir)
		switch e := cmp.Or(e, err); {
		case e != nil:
			found = append(found, Finding{NotProven, what, e.Error(), "ask on the host of the API server, as one who may get /metrics"})
		case sum == "":
			found = append(found, Finding{Open, what, "there is none", "static/install.sh puts them there"})
		case loaded[s.plugin] == "":
			found = append(found, Finding{Open, what, "the API server that answered has loaded none",
				"name staticManifestsDir in the configuration of " + s.plugin + ", and start it again"})
		case loaded[s.plugin] != sum:
			why := fmt.Sprintf("the API server that answered has loaded others: %s, and these are %s", loaded[s.plugin], sum)
			found = append(found, Finding{Open, what, why, "wait a minute, then look for \"reloading admission manifest config\" " +
				"in its log"})
		default:
			found = append(found, Finding{Guarded, what, "the API server that answered has loaded them: " + sum, ""})
		}
	}
	return found
}

// manifestsSum is what k8s.io/apiserver 0.37.2 makes of a directory of manifests (pkg/admission/plugin/manifest, LoadFiles): SHA-256 over
// the files that are not empty, by name, with a zero byte behind each. It is empty if there is no such file.
func manifestsSum(dir string) (string, error) {
	entries, err := os.ReadDir(dir) // by name
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	h, any := sha256.New(), false
	for _, e := range entries {
		if e.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(e.Name()))) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		if len(data) > 0 {
			h.Write(data)
			h.Write([]byte{0})
			any = true
		}
	}
	if !any {
		return "", nil
	}
	return fmt.Sprintf("sha256:%x", h.Sum(nil)), nil
}

// loaded reads, for each plugin, the sum of what is loaded, of the API server's metrics in the text format of Prometheus.
func (d *Doctor) loaded(ctx context.Context) (map[string]string, error) {
	status, text, err := d.API.Do(ctx, http.MethodGet, "/metrics", "", nil)
	if err != nil {
		return nil, fmt.Errorf("k8sgate: GET /metrics: %w", err)
	}
	if status >= 400 {
		return nil, &APIError{http.MethodGet, "/metrics", status, clip(string(text))}
	}
	sums := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		labels, ok := strings.CutPrefix(lines.Text(), "apiserver_manifest_admission_config_controller_last_config_info{")
		if ok {
			sums[label(labels, "plugin")] = label(labels, "hash")
		}
	}
	return sums, lines.Err()
}

// label returns the value of a label that is a word without quotation marks, of name="value",name="value"} VALUE.
func label(labels, name string) string {
	_, value, found := strings.Cut(","+labels, ","+name+`="`)
	value, _, closed := strings.Cut(value, `"`)
	if !found || !closed {
		return ""
	}
	return value
}
