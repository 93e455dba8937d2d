package keyless

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ladingdev/lading/internal/sigstore"
)

// configType is the one version of signing configs that is read (protobuf-specs, sigstore_trustroot.proto, SigningConfig).
const configType = "application/vnd.dev.sigstore.signingconfig.v0.2+json"

// An Instance is a Sigstore instance: where its services are, and what proves that they did what they were asked. It is safe for
// concurrent use.
type Instance struct {
	root   *sigstore.Root
	config config
}

type config struct {
	MediaType string    `json:"mediaType"`
	CAs       []service `json:"caUrls"`
	Logs      []service `json:"rekorTlogUrls"`
	LogRule   selection `json:"rekorTlogConfig"`
	TSAs      []service `json:"tsaUrls"`
	TSARule   selection `json:"tsaConfig"`
}

// A service is where one is and when it serves. Its URL is a base, but for a timestamp authority's, which is whole.
type service struct {
	URL      string `json:"url"`
	Version  int    `json:"majorApiVersion"`
	Operator string `json:"operator"`
	ValidFor struct {
		Start time.Time `json:"start"`
		End   time.Time `json:"end"`
	} `json:"validFor"`
}

type selection struct {
	Selector string `json:"selector"`
	Count    int    `json:"count"`
}

// ParseInstance reads trusted_root.json and signing_config.json of an instance. The signing config is of version 0.2. Errors wrap
// ErrConfig.
func ParseInstance(trustedRoot, signingConfig []byte) (*Instance, error) {
	root, err := sigstore.ParseRoot(trustedRoot, nil)
	if err != nil {
		return nil, fmt.Errorf("keyless: %w: %w", ErrConfig, err)
	}
	i := &Instance{root: root}
	if err := json.Unmarshal(signingConfig, &i.config); err != nil {
		return nil, fmt.Errorf("keyless: %w: signing config: %w", ErrConfig, err)
	}
	if i.config.MediaType != configType {
		return nil, fmt.Errorf("keyless: %w: a signing config of media type %.80q: %s is read", ErrConfig, i.config.MediaType, configType)
	}
	for _, list := range [][]service{i.config.CAs, i.config.Logs, i.config.TSAs} {
		for _, s := range list {
			if u, err := url.Parse(s.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil ||
				u.RawQuery != "" {
				return nil, fmt.Errorf("keyless: %w: signing config: %.200q is not the URL of a service", ErrConfig, s.URL)
			}
		}
	}
	return i, nil
}

func (s service) serves(now time.Time) bool {
	return !now.Before(s.ValidFor.Start) && (s.ValidFor.End.IsZero() || !now.After(s.ValidFor.End))
}

// usable are the services that serve now by the highest version of the API that we speak, which is never mixed with another: the newest
// of each operator, in the order of the list.
func usable(list []service, now time.Time, versions ...int) (out []service) {
	highest := 0
	for _, s := range list {
		if s.serves(now) && slices.Contains(versions, s.Version) {
			highest = max(highest, s.Version)
		}
	}
	for _, s := range list {
		if s.Version != highest || highest == 0 || !s.serves(now) {
			continue
		}
		same := func(o service) bool { return o.Operator == s.Operator }
		switch i := slices.IndexFunc(out, same); { // services that name no operator are of one
		case i < 0:
			out = append(out, s)
		case s.ValidFor.Start.After(out[i].ValidFor.Start):
			out[i] = s
		}
	}
	return out
}

// choose applies a selector to those of the listed services that can be used now. A list without a usable one is an error: what its
// instance demands would be left out. An empty list demands nothing.
func (r selection) choose(what string, listed []service, now time.Time, versions ...int) ([]service, error) {
	list := usable(listed, now, versions...)
	switch {
	case len(listed) == 0 && r.Selector != "EXACT":
		return nil, nil
	case len(list) == 0:
		return nil, fmt.Errorf("keyless: %w: of %d %s in the signing config none serves now by an API that is spoken here (%v): "+
			"get its newest version", ErrConfig, len(listed), what, versions)
	}
	switch r.Selector {
	case "ANY":
		return list[:1], nil
	case "ALL":
		return list, nil
	case "":
		return nil, fmt.Errorf("keyless: %w: the signing config does not say how many of its %s are asked (ANY, ALL or EXACT)",
			ErrConfig, what)
	case "EXACT":
		if r.Count <= 0 || r.Count > len(list) {
			return nil, fmt.Errorf("keyless: %w: the signing config asks for %d %s, and %d can be used", ErrConfig, r.Count,
				what, len(list))
		}
		return list[:r.Count], nil
	}
	return nil, fmt.Errorf("keyless: %w: the signing config selects %s by %.40q, which is not known", ErrConfig, what, r.Selector)
}

// authority returns the newest certificate authority.
func (i *Instance) authority(now time.Time) (service, error) {
	list := usable(i.config.CAs, now, 1)
	if len(list) == 0 {
		return service{}, fmt.Errorf("keyless: %w: the signing config has no certificate authority that serves now", ErrConfig)
	}
	return slices.MaxFunc(list, func(a, b service) int { return a.ValidFor.Start.Compare(b.ValidFor.Start) }), nil
}

// witnesses returns the logs and timestamp authorities that must see a signature.
func (i *Instance) witnesses(now time.Time) (logs, tsas []service, err error) {
	if i == nil {
		return nil, nil, fmt.Errorf("keyless: %w: no instance", ErrConfig)
	}
	if logs, err = i.config.LogRule.choose("transparency logs", i.config.Logs, now, 1, 2); err != nil {
		return nil, nil, err
	}
	if tsas, err = i.config.TSARule.choose("timestamp authorities", i.config.TSAs, now, 1); err != nil {
		return nil, nil, err
	}
	tiled := slices.ContainsFunc(logs, func(s service) bool { return s.Version == 2 })
	switch {
	case len(logs)+len(tsas) == 0:
		return nil, nil, fmt.Errorf("keyless: %w: the signing config has neither a log nor a timestamp authority that "+
			"serves now", ErrConfig)
	case len(tsas) == 0 && (tiled || len(logs) == 0):
		return nil, nil, fmt.Errorf(
			"keyless: %w: nothing would prove the time: logs of the second generation need a timestamp authority",
			ErrConfig,
		)
	}
	return logs, tsas, nil
}

func (s service) at(path string) string { return strings.TrimSuffix(s.URL, "/") + path }

// Errors of this package, for errors.Is. What is of one service is a [ServiceError] as well.
var (
	ErrConfig      = errors.New("the instance cannot be used") // its files are wrong, or have ended
	ErrToken       = errors.New("no usable identity token")    // none was there, or it is expired or for another audience
	ErrCertificate = errors.New("no certificate")              // the authority gave none, or one that does not verify
	ErrLog         = errors.New(
		"the signature is not logged",
	) // a log did not take it, or what it answered does not verify
	ErrTimestamp  = errors.New("the signature is not timestamped") // likewise
	ErrUnverified = errors.New(
		"what was signed does not verify: not handed out",
	) // a service lies, or the trusted root is of another instance
)

// A ServiceError is what a service answered, or that it did not.
type ServiceError struct {
	Service string // "fulcio", "rekor", "timestamp authority" or "identity provider"
	URL     string
	Status  int    // of HTTP; zero if there was no answer
	Message string // the service's own, one line
	Err     error  // why there was no answer
}

// Error says which service failed, and how.
func (e *ServiceError) Error() string {
	what := cmp.Or(e.Message, fmt.Sprint(e.Err))
	if e.Message != "" && e.Err != nil {
		what += ", " + e.Err.Error()
	}
	return fmt.Sprintf("%s at %s: %s", e.Service, e.URL, what)
}

// Unwrap is how.
func (e *ServiceError) Unwrap() error { return e.Err }
