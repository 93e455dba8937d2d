package sbom

type vulnerability struct{}

func (h *hub) cycloneDXVulnerabilities(root *node)      {}
func (h *hub) writeCycloneDXVulnerabilities(root *node) {}
func (r *reader3) security()                            {}
func (w *writer3) security()                            {}
