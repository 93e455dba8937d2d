package tuf

import (
	"embed"
	"time"
)

//go:embed embedded/production embedded/staging
var files embed.FS

// A Repository is a TUF repository with the trusted root of a Sigstore instance.
type Repository struct {
	// URL is where the metadata is; trusted_root.json is below /targets. A slash at its end is left out.
	URL string
	// Root is a root.json of any version, with which trust begins: it must come from where you trust it.
	Root []byte

	embedded *store
	date     time.Time // of what is embedded
}

// Production is Sigstore's public instance.
func Production() Repository {
	return embeddedRepository("production", "https://tuf-repo-cdn.sigstore.dev", time.Date(2026, 8, 21, 19, 25, 56, 0, time.UTC))
}

// Staging is the instance on which Sigstore tries things out. Nothing that it signs means anything.
func Staging() Repository {
	return embeddedRepository("staging", "https://tuf-repo-cdn.sigstage.dev", time.Date(2026, 8, 21, 19, 23, 59, 0, time.UTC))
}

func embeddedRepository(name, url string, date time.Time) Repository {
	read := func(file string) []byte {
		data, err := files.ReadFile("embedded/" + name + "/" + file)
		if err != nil {
			panic(err) // it is compiled in
		}
		return data
	}
	root := read("root.json")
	return Repository{URL: url, Root: root, date: date, embedded: &store{
		Roots: [][]byte{root}, Timestamp: read("timestamp.json"), Snapshot: read("snapshot.json"), Targets: read("targets.json"),
		TrustedRoot: read(trustedRoot), SigningConfig: read(signingConfig),
	}}
}
