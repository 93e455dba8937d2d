//go:build !unix

package nodegate

// writable knows nothing here: containerd's nodes with verifiers are Unix systems, or have access lists.
func writable(string) string { return "" }
