package policytest_test

import (
	"testing"

	"github.com/ladingdev/lading/policy/document/policytest"
)

func TestShop(t *testing.T) { policytest.Run(t, "testdata/shop_test.yaml", nil) }
