// Service is the program that the quick start puts into a container image: a small HTTP server with a few real
// dependencies, so that its SBOM has something to tell.
package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzhttp"
	"golang.org/x/time/rate"
)

func main() {
	limit := rate.NewLimiter(rate.Every(10*time.Millisecond), 100)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		if !limit.Allow() {
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"request": uuid.NewString(), "path": r.URL.Path})
	})
	server := &http.Server{Addr: ":8080", Handler: gzhttp.GzipHandler(mux), ReadHeaderTimeout: 5 * time.Second}
	slog.Info("listening", "address", server.Addr)
	if err := server.ListenAndServe(); err != nil {
		slog.Error("stopped", "error", err)
		os.Exit(1)
	}
}
