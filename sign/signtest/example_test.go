package signtest_test

import (
	"testing"

	"github.com/ladingdev/lading/sign"
	"github.com/ladingdev/lading/sign/signtest"
)

func ExampleTestKey() {
	_ = func(t *testing.T) { // func TestMyKey(t *testing.T)
		key, err := sign.GenerateKey(sign.P256)
		if err != nil {
			t.Fatal(err)
		}
		signtest.TestKey(t, key)
		signtest.TestSigner(t, &sign.BundleSigner{Key: key})
	}
}
