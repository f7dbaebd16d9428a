package enginetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// image is an image of one platform, without the content of its base.
type image struct {
	ref      string
	platform string
	config   dockerspec.DockerOCIImage
	// base is how many layers come from the base image; layers are the others.
	base   int
	layers []layer
}

// layer is one layer of ours.
type layer struct {
	diffID, digest, created string
	entries                 []entry
}

type entry struct {
	*tar.Header
	data []byte
}

// push builds a project, pushes it to the registry under the test's name and
// reads it from there.
func (e engine) push(t *testing.T, dir string, args ...string) (*outcome, *image) {
	t.Helper()
	ref := e.ref(t)
	o := e.build(t, dir, append([]string{"-t", ref, "--push"}, args...)...).ok(t)
	return o, pull(t, ref, "linux/amd64")
}

// ref is a name for the image of a test.
func (e engine) ref(t *testing.T) string {
	name := strings.NewReplacer("/", "-", " ", "-", "_", "-", "#", "-", ",", "", "`", "", "'", "").Replace(strings.ToLower(t.Name()))
	return fmt.Sprintf("%s/enginetest/%s-%s", registry, name, e.name)
}

// load builds a project into the engine's own store and reads it from there.
func (e engine) load(t *testing.T, dir string, args ...string) (*outcome, *image) {
	t.Helper()
	ref := e.ref(t)
	o := e.build(t, dir, append([]string{"-t", ref}, args...)...).ok(t)
	return o, e.saved(t, ref)
}

// pull reads an image of one platform from the registry.
func pull(t *testing.T, ref, platform string) *image {
	t.Helper()
	name, tag, _ := strings.Cut(strings.TrimPrefix(ref, registry+"/"), ":")
	if tag == "" {
		tag = "latest"
	}
	var index ocispecs.Index
	data := get(t, name, "manifests/"+tag)
	unmarshal(t, data, &index)
	for _, m := range index.Manifests {
		if m.Platform != nil && m.Platform.OS+"/"+m.Platform.Architecture == platform {
			data = get(t, name, "manifests/"+m.Digest.String())
		}
	}
	var manifest ocispecs.Manifest
	unmarshal(t, data, &manifest)
	img := &image{ref: ref, platform: platform}
	unmarshal(t, get(t, name, "blobs/"+manifest.Config.Digest.String()), &img.config)
	img.name(t)
	for i := range img.layers {
		l := &img.layers[i]
		l.digest = manifest.Layers[img.base+i].Digest.String()
		l.read(t, get(t, name, "blobs/"+l.digest))
	}
	return img
}

// name pairs layers and history.
func (img *image) name(t *testing.T) {
	t.Helper()
	var named []ocispecs.History
	for _, h := range img.config.History {
		if !h.EmptyLayer {
			named = append(named, h)
		}
	}
	ids := img.config.RootFS.DiffIDs
	if len(named) != len(ids) {
		t.Fatalf("%s has %d layers and %d entries of history: %v", img.ref, len(ids), len(named), named)
	}
	for i, h := range named {
		if h.Comment != "buildkit.pyfrontend.v0" {
			img.base = i + 1
			continue
		}
		img.layers = append(img.layers, layer{diffID: ids[i].String(), created: h.CreatedBy})
	}
	if img.base+len(img.layers) != len(ids) {
		t.Fatalf("%s has layers of the base between ours: %v", img.ref, named)
	}
}

func (l *layer) read(t *testing.T, data []byte) {
	t.Helper()
	var r io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("layer %q: %v", l.created, err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		l.entries = append(l.entries, entry{h, data})
	}
}

// names lists a layer's entries.
func (l layer) names() []string {
	names := make([]string, len(l.entries))
	for i, e := range l.entries {
		names[i] = path.Clean(e.Name)
	}
	return names
}

// find gives a file as the last layer of ours has it, nil if none does.
func (img *image) find(name string) *entry {
	for _, l := range slices.Backward(img.layers) {
		for i := range l.entries {
			if path.Clean(l.entries[i].Name) == strings.TrimPrefix(name, "/") {
				return &l.entries[i]
			}
		}
	}
	return nil
}

// layer gives the layer whose history begins so.
func (img *image) layer(t *testing.T, created string) layer {
	t.Helper()
	for _, l := range img.layers {
		if strings.HasPrefix(l.created, created) {
			return l
		}
	}
	t.Fatalf("%s has no layer %q, only %q", img.ref, created, img.history())
	return layer{}
}

func (img *image) history() []string {
	names := make([]string, len(img.layers))
	for i, l := range img.layers {
		names[i] = l.created
	}
	return names
}

func unmarshal(t *testing.T, data []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
}

// get reads from the registry.
func get(t *testing.T, name, what string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+registry+"/v2/"+name+"/"+what, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{ocispecs.MediaTypeImageIndex, ocispecs.MediaTypeImageManifest,
		"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json"} {
		request.Header.Add("Accept", kind)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s of %s: %s %v %s", what, name, response.Status, err, data)
	}
	return data
}
