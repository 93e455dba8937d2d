// Package cri lets gRPC's own server judge the one call that policy/nodegate makes of a container runtime.
package cri

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/ladingdev/lading/policy/nodegate"
)

// raw passes messages as they are on the wire.
type raw struct{}

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}
func (raw) Name() string { return "proto" }

// image reads PullImageRequest.image.image.
func image(message []byte) string {
	for range 2 {
		number, kind, n := protowire.ConsumeTag(message)
		if number != 1 || kind != protowire.BytesType || n < 0 {
			return "not a PullImageRequest"
		}
		value, m := protowire.ConsumeBytes(message[n:])
		if m != len(message)-n {
			return "more than a PullImageRequest"
		}
		message = value
	}
	return string(message)
}

func serve(t *testing.T, answer func(ctx context.Context, image string) error) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.ForceServerCodecV2(raw{}), grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if method, _ := grpc.MethodFromServerStream(stream); method != "/runtime.v1.ImageService/PullImage" {
			return status.Errorf(codes.Unimplemented, "no method %s", method)
		}
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		if err := answer(stream.Context(), image(message)); err != nil {
			return err
		}
		return stream.SendMsg(protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "sha256:00"))
	}))
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return socket
}

func TestPull(t *testing.T) {
	const refused = "image verifier bindir blocked pull of \"r/a:1\" for reason: 100 % \u00e9\nno signature"
	socket := serve(t, func(ctx context.Context, image string) error {
		switch image {
		case "r/good:1":
			return nil
		case "r/slow:1":
			<-ctx.Done()
			return ctx.Err()
		}
		return status.Error(codes.Unknown, refused)
	})
	pull := nodegate.CRI(socket)
	if err := pull(t.Context(), "r/good:1"); err != nil {
		t.Error(err)
	}
	if err := pull(t.Context(), "r/"+strings.Repeat("a", 300)+":1"); err == nil || !strings.Contains(err.Error(), refused) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := pull(ctx, "r/slow:1"); err == nil {
		t.Error("a pull that never ended is no error")
	}
	if err := nodegate.CRI(filepath.Join(t.TempDir(), "nothing"))(t.Context(), "r/a:1"); err == nil || errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
