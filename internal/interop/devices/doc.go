// Package devices has no code: its tests need cgo, for PKCS #11.
package devices
