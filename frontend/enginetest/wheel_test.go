package enginetest

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

var longAgo = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)

// wheel is a distribution of the tests' own.
type wheel struct {
	name, version, tag string
	// data is the file, sha its hash as the lock says it.
	data []byte
	sha  string
	// size is what the lock says, where it is not the truth.
	size int64
}

// newWheel makes a pure wheel of files, given as name and content in turn.
func newWheel(name, version string, contents ...string) *wheel {
	return taggedWheel(name, version, "py3-none-any", contents...)
}

// sized states another size in the lock, which decides the bucket.
func (w *wheel) sized(n int64) *wheel {
	w.size = n
	return w
}

func taggedWheel(name, version, tag string, contents ...string) *wheel {
	all := map[string]string{}
	for i := 0; i < len(contents); i += 2 {
		all[contents[i]] = contents[i+1]
	}
	if len(all) == 0 {
		all[name+"/__init__.py"] = fmt.Sprintf("version = %q\n", version)
	}
	info := fmt.Sprintf("%s-%s.dist-info/", name, version)
	all[info+"METADATA"] = fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)
	all[info+"WHEEL"] = fmt.Sprintf("Wheel-Version: 1.0\nGenerator: enginetest\nRoot-Is-Purelib: %v\nTag: %s\n", strings.HasSuffix(tag, "-any"), tag)
	var record strings.Builder
	names := slices.Sorted(maps.Keys(all))
	for _, file := range names {
		sum := sha256.Sum256([]byte(all[file]))
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", file, base64.RawURLEncoding.EncodeToString(sum[:]), len(all[file]))
	}
	fmt.Fprintf(&record, "%sRECORD,,\n", info)
	all[info+"RECORD"] = record.String()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, file := range append(names, info+"RECORD") {
		w, err := z.CreateHeader(&zip.FileHeader{Name: file, Method: zip.Deflate, Modified: longAgo})
		if err != nil {
			panic(err)
		}
		if _, err := w.Write([]byte(all[file])); err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	sum := sha256.Sum256(b.Bytes())
	return &wheel{name: name, version: version, tag: tag, data: b.Bytes(), sha: hex.EncodeToString(sum[:])}
}

func (w *wheel) file() string { return fmt.Sprintf("%s-%s-%s.whl", w.name, w.version, w.tag) }

// url is where the wheel is served; the hash in it keeps tests apart.
func (w *wheel) url() string { return fmt.Sprintf("%s/files/%s/%s", wheels.url, w.sha[:16], w.file()) }

// unique is a comment that no other run has: no cache has what it is in.
func unique() string { return fmt.Sprintf("# %d\n", time.Now().UnixNano()) }

// house serves wheels to the engines' daemons and counts the requests.
type house struct {
	url    string
	server *http.Server

	mu       sync.Mutex
	files    map[string][]byte
	requests map[string]int
}

// wheels is the one index of all tests.
var wheels = &house{files: map[string][]byte{}, requests: map[string]int{}}

func (h *house) start() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	h.url = "http://" + l.Addr().String()
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = h.server.Serve(l) }()
}

func (h *house) stop() { h.server.Close() }

func (h *house) add(w *wheel) { h.put(strings.TrimPrefix(w.url(), h.url), w.data) }

func (h *house) put(name string, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.files[name] = data
}

// count is how often a wheel was downloaded.
func (h *house) count(w *wheel) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.requests[strings.TrimPrefix(w.url(), h.url)]
}

func (h *house) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	data, ok := h.files[r.URL.Path]
	if r.Method == http.MethodGet {
		h.requests[r.URL.Path]++
	}
	h.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, path.Base(r.URL.Path), longAgo, bytes.NewReader(data))
}
