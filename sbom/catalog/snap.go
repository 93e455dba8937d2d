package catalog

import (
	"github.com/google/osv-scalibr/extractor/filesystem/os/snap"
)

// snapFinders read what snapd installed, by a library alone.
func snapFinders() ([]finder, error) { return byLibrary(snap.New, finder{max: maxText}) }
