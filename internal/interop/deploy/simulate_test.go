package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// An evaluator that others wrote says the same as ours of every call of the start paths.
//
//	npm install --ignore-scripts @cloud-copilot/iam-simulate@0.1.173
//	LADING_NODE_MODULES=$PWD/node_modules go test -run Simulate .
func TestSimulate(t *testing.T) {
	modules := os.Getenv("LADING_NODE_MODULES")
	if _, err := os.Stat(filepath.Join(modules, "@cloud-copilot", "iam-simulate")); modules == "" || err != nil {
		t.Skip("LADING_NODE_MODULES names no folder with @cloud-copilot/iam-simulate")
	}
	testdata := filepath.Join("..", "..", "..", "policy", "ecsgate", "iam", "testdata")
	out, err := exec.Command("node", filepath.Join("testdata", "simulate.mjs"), modules, filepath.Join(testdata, "calls.json"),
		filepath.Join(testdata, "account")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
