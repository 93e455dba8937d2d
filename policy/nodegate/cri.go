package nodegate

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// CRI returns a function that asks a container runtime to pull an image as the kubelet does: PullImage of runtime.v1.ImageService
// (kubernetes/cri-api, pkg/apis/runtime/v1/api.proto), without credentials, over the Unix socket of the runtime, such as
// /run/containerd/containerd.sock. Its error is the runtime's message.
func CRI(socket string) func(ctx context.Context, image string) error {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{
		Protocols: protocols,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}
	return func(ctx context.Context, image string) error {
		if err := pull(ctx, transport, image); err != nil {
			return fmt.Errorf("nodegate: pull %s over %s: %w", image, socket, err)
		}
		return nil
	}
}

// pull makes one unary call of gRPC (grpc/doc/PROTOCOL-HTTP2.md), which is less than gRPC's module would add to a program on a
// node.
func pull(ctx context.Context, transport http.RoundTripper, image string) error {
	message := field(1, field(1, []byte(image))) // PullImageRequest.image, ImageSpec.image
	body := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/runtime.v1.ImageService/PullImage",
		bytes.NewReader(append(body, message...)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("TE", "trailers")
	if deadline, ok := ctx.Deadline(); ok {
		r.Header.Set("grpc-timeout", strconv.FormatInt(max(time.Until(deadline).Milliseconds(), 1), 10)+"m")
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the runtime answers with HTTP status %d", resp.StatusCode)
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil { // trailers come after it
		return err
	}
	trailer := resp.Trailer
	if trailer.Get("grpc-status") == "" { // an answer without a message has them in its header
		trailer = resp.Header
	}
	switch status := trailer.Get("grpc-status"); status {
	case "0":
		return nil
	case "":
		return fmt.Errorf("the runtime's answer ends without a status")
	default:
		text := trailer.Get("grpc-message")
		if plain, err := url.PathUnescape(text); err == nil {
			text = plain
		}
		return fmt.Errorf("status %s: %s", status, text)
	}
}

// field is one length-delimited field of a protocol buffer.
func field(number byte, data []byte) []byte {
	b := binary.AppendUvarint([]byte{number<<3 | 2}, uint64(len(data)))
	return append(b, data...)
}
