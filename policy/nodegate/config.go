package nodegate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// What of containerd's configuration decides whether a verifier is asked. Names are those of `containerd config dump`.
const (
	pluginImages   = "io.containerd.cri.v1.images"     // of the CRI, since containerd 2.0
	pluginCRI      = "io.containerd.grpc.v1.cri"       // the CRI's service; before 2.0, its images too
	pluginTransfer = "io.containerd.transfer.v1.local" // pulls, and asks verifiers
	pluginVerifier = "io.containerd.image-verifier.v1.bindir"
)

// images are the settings of the CRI's pulls. A pointer is nil where the configuration does not say.
type images struct {
	UseLocalImagePull          *bool  `toml:"use_local_image_pull"`
	DisableSnapshotAnnotations *bool  `toml:"disable_snapshot_annotations"`
	DiscardUnpackedLayers      *bool  `toml:"discard_unpacked_layers"`
	MaxConcurrentDownloads     *int64 `toml:"max_concurrent_downloads"`
	ImagePullWithSyncFs        *bool  `toml:"image_pull_with_sync_fs"`
	Registry                   struct {
		Mirrors map[string]any `toml:"mirrors"`
		Configs map[string]any `toml:"configs"`
		Auths   map[string]any `toml:"auths"`
	} `toml:"registry"`
}

type bindir struct {
	BinDir             string `toml:"bin_dir"`
	MaxVerifiers       *int   `toml:"max_verifiers"`
	PerVerifierTimeout string `toml:"per_verifier_timeout"`
}

// dump is what `containerd config dump` prints, as far as it matters.
type dump struct {
	Version  int            `toml:"version"`
	Disabled []string       `toml:"disabled_plugins"`
	Plugins  map[string]any `toml:"plugins"`

	images   *images
	verifier *bindir
}

// plugin reads the settings of a plugin that the dump has.
func plugin[T any](d *dump, name string) (*T, error) {
	raw, ok := d.Plugins[name]
	if !ok {
		return nil, nil
	}
	data, err := toml.Marshal(raw)
	if err != nil {
		return nil, err
	}
	v := new(T)
	if err := toml.Unmarshal(data, v); err != nil {
		return nil, fmt.Errorf("plugin %s: %w", name, err)
	}
	return v, nil
}

func parseDump(data []byte) (d *dump, err error) {
	defer func() {
		if err != nil {
			d, err = nil, fmt.Errorf("nodegate: what should be the output of containerd config dump cannot be read: %w", err)
		}
	}()
	if len(data) > 4<<20 {
		return nil, fmt.Errorf("it has %d bytes", len(data))
	}
	d = new(dump)
	if err := toml.Unmarshal(data, d); err != nil {
		return nil, err
	}
	if len(d.Plugins) == 0 {
		return nil, fmt.Errorf("it has no plugins: a configuration file says only what differs from the defaults")
	}
	if d.images, err = plugin[images](d, pluginImages); err != nil {
		return nil, err
	}
	d.verifier, err = plugin[bindir](d, pluginVerifier)
	return d, err
}

// disabled reports whether a plugin is switched off. Before version 2 of the configuration, plugins have short names.
func (d *dump) disabled(name string) bool {
	short := name[strings.LastIndexByte(name, '.')+1:]
	return slices.ContainsFunc(d.Disabled, func(s string) bool {
		return s == name || d.Version < 2 && s == short
	})
}

// settings says of each setting what it does to the door.
func (d *dump) settings(timeout time.Duration) (findings []Finding) {
	add := func(state State, what, why, fix string) { findings = append(findings, Finding{state, what, why, fix}) }
	const setting = "containerd's configuration"
	switch {
	case d.images == nil && !d.disabled(pluginImages) && d.verifier == nil:
		add(Open, setting, "this containerd has no image verifiers (no plugin "+pluginVerifier+")", "run containerd 2.1 or later")
		return findings
	case d.disabled(pluginVerifier) || d.verifier == nil:
		add(Open, setting, "the plugin that runs verifiers is off: "+pluginVerifier, "take it out of disabled_plugins")
	}
	switch {
	case d.disabled(pluginImages), d.disabled(pluginCRI):
		add(NotProven, "the CRI", "it is switched off, so no pod pulls here", "examine what starts containers on this node instead")
		return findings
	case d.disabled(pluginTransfer), d.images != nil && d.Plugins[pluginTransfer] == nil:
		add(NotProven, "the CRI", "the transfer service is off, and without it the CRI's image service does not come up",
			"take "+pluginTransfer+" out of disabled_plugins")
		return findings
	case d.images == nil:
		add(Open, "the CRI", "it pulls images by itself and asks no verifier (before containerd 2.1)", "run containerd 2.1 or later")
		return findings
	}
	findings = append(findings, d.images.judge()...)
	if d.verifier != nil {
		findings = append(findings, d.verifier.judge(timeout)...)
	}
	if len(findings) == 0 {
		add(Read, setting, "the CRI pulls through the transfer service, which asks verifiers", "")
	}
	return findings
}

// judge applies the eight conditions under which the CRI pulls by itself, as containerd 2.1 to 2.4 decide it
// (internal/cri/config, CheckLocalImagePullConfigs). Its log names the first alone; all have to go.
func (c *images) judge() (findings []Finding) {
	plain := "plugins.'" + pluginImages + "'."
	for _, s := range []struct {
		name         string
		known, wrong bool
		value, fix   string
	}{
		{"use_local_image_pull", c.UseLocalImagePull != nil, is(c.UseLocalImagePull), "true", "set it to false"},
		{"disable_snapshot_annotations", c.DisableSnapshotAnnotations != nil, !is(c.DisableSnapshotAnnotations), "false",
			"set it to true; annotations of snapshots are a setting of the snapshotter then"},
		{"discard_unpacked_layers", c.DiscardUnpackedLayers != nil, is(c.DiscardUnpackedLayers), "true", "set it to false"},
		{"max_concurrent_downloads", c.MaxConcurrentDownloads != nil, c.MaxConcurrentDownloads != nil && *c.MaxConcurrentDownloads != 3,
			"not 3", "set it to 3, and max_concurrent_downloads of plugins.'" + pluginTransfer + "' to what you want"},
		{"image_pull_with_sync_fs", c.ImagePullWithSyncFs != nil, is(c.ImagePullWithSyncFs), "true", "set it to false"},
		{"registry.mirrors", true, len(c.Registry.Mirrors) > 0, "set", "use registry.config_path"},
		{"registry.configs", true, len(c.Registry.Configs) > 0, "set", "use registry.config_path"},
		{"registry.auths", true, len(c.Registry.Auths) > 0, "set", "use credentials of the kubelet, or registry.config_path"},
	} {
		switch {
		case s.known && s.wrong:
			findings = append(findings,
				Finding{Open, plain + s.name, "it is " + s.value + ", so the CRI pulls without asking verifiers", s.fix})
		case !s.known && s.name == "use_local_image_pull":
			return []Finding{{Open, "the CRI", "it pulls images by itself and asks no verifier (before containerd 2.1)",
				"run containerd 2.1 or later"}}
		case !s.known:
			findings = append(findings,
				Finding{NotProven, plain + s.name, "the configuration does not say", "give the whole output of containerd config dump"})
		}
	}
	return findings
}

func is(b *bool) bool { return b != nil && *b }

func (c *bindir) judge(own time.Duration) (findings []Finding) {
	const plain = "plugins.'" + pluginVerifier + "'."
	switch {
	case c.BinDir == "":
		findings = append(findings,
			Finding{Open, plain + "bin_dir", "it is empty, so there is no verifier", "name the directory that holds the verifier"})
	case c.MaxVerifiers == nil:
		findings = append(findings, Finding{NotProven, plain + "max_verifiers", "the configuration does not say",
			"give the whole output of containerd config dump"})
	case *c.MaxVerifiers == 0:
		findings = append(findings,
			Finding{Open, plain + "max_verifiers", "it is 0, so no verifier is asked", "set it to 10, or leave it out"})
	}
	if own <= 0 {
		own = DefaultTimeout
	}
	timeout, err := time.ParseDuration(c.PerVerifierTimeout)
	switch {
	case err != nil:
		findings = append(findings,
			Finding{NotProven, plain + "per_verifier_timeout", "it is " + fmt.Sprintf("%.40q", c.PerVerifierTimeout),
				"set it to 10s, or leave it out"})
	case timeout < time.Second:
		findings = append(findings,
			Finding{Blocked, plain + "per_verifier_timeout", fmt.Sprintf("it is %s: containerd kills every verifier before it "+
				"can answer, and blocks the pull", timeout), "set it to 10s, or leave it out"})
	case timeout <= own:
		findings = append(findings,
			Finding{NotProven, plain + "per_verifier_timeout", fmt.Sprintf("it is %s and the verifier takes up to %s: "+
				"containerd kills it when a registry is slow, and shows no reason", timeout, own), "set it to 10s, or leave it out"})
	}
	return findings
}
