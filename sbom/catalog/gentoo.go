package catalog

import (
	"github.com/google/osv-scalibr/extractor/filesystem/os/portage"
)

// gentooFinders read what Portage installed, by a library alone.
func gentooFinders() ([]finder, error) { return byLibrary(portage.New, finder{max: maxText}) }
