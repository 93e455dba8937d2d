package gate

// A Request says who asks for what, and where. A door fills it with what it knows, and it is believed as far as the door proves
// it: a cluster's API server names its users, a label of the object to be admitted is anybody's word. Empty means unknown.
type Request struct {
	Gate       string            `json:"gate,omitempty"`      // the door that asks
	Operation  string            `json:"operation,omitempty"` // in the words of the platform, such as "CREATE" or "PRE_SCALE_UP"
	User       string            `json:"user,omitempty"`
	Groups     []string          `json:"groups,omitempty"`
	Cluster    string            `json:"cluster,omitempty"`
	Namespace  string            `json:"namespace,omitempty"`
	Kind       string            `json:"kind,omitempty"`     // of the workload, such as "Deployment" or "service"
	Workload   string            `json:"workload,omitempty"` // its name
	Account    string            `json:"account,omitempty"`
	Region     string            `json:"region,omitempty"`
	DryRun     bool              `json:"dryRun,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}
