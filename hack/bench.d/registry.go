package main

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// repository is a repository of the benchmark's registry, read on disk.
type repository struct {
	root string
	name string
}

func (s *stack) repository(ref string) repository {
	name, _, _ := strings.Cut(ref, ":")
	return repository{filepath.Join(s.data, "registry", "docker", "registry", "v2"), name}
}

// blobs gives the size of every blob in the repository: what was uploaded to
// it, whether or not another repository has the same bytes.
func (r repository) blobs() (map[string]int64, error) {
	dir := filepath.Join(r.root, "repositories", r.name, "_layers", "sha256")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]int64{}, nil
	}
	if err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(dir, e.Name(), "link")); err != nil {
			continue
		}
		info, err := os.Stat(r.blob("sha256:" + e.Name()))
		if err != nil {
			return nil, err
		}
		sizes["sha256:"+e.Name()] = info.Size()
	}
	return sizes, nil
}

func (r repository) blob(digest string) string {
	hex := strings.TrimPrefix(digest, "sha256:")
	return filepath.Join(r.root, "blobs", "sha256", hex[:2], hex, "data")
}

// layer is one layer of a pushed image.
type layer struct {
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
	// Uncompressed is the size of its tar, where it was asked for.
	Uncompressed int64  `json:"uncompressed,omitempty"`
	Created      string `json:"created"`
	Dependency   bool   `json:"dependency,omitempty"`
}

type manifest struct {
	MediaType string
	Config    struct{ Digest string }
	Layers    []struct {
		Digest string
		Size   int64
	}
	Manifests []struct {
		Digest      string
		Platform    struct{ OS, Architecture string }
		Annotations map[string]string
	}
}

func (r repository) read(digest string, to any) error {
	data, err := os.ReadFile(r.blob(digest))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}

// layers gives the layers of the amd64 image that a tag names.
func (r repository) layers(tag string) ([]layer, error) {
	link, err := os.ReadFile(filepath.Join(r.root, "repositories", r.name, "_manifests", "tags", tag, "current", "link"))
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := r.read(string(link), &m); err != nil {
		return nil, err
	}
	for _, entry := range m.Manifests {
		if entry.Platform.OS == "linux" && entry.Platform.Architecture == "amd64" {
			m = manifest{}
			if err := r.read(entry.Digest, &m); err != nil {
				return nil, err
			}
			break
		}
	}
	var config struct {
		History []struct {
			CreatedBy  string `json:"created_by"`
			EmptyLayer bool   `json:"empty_layer"`
		}
	}
	if err := r.read(m.Config.Digest, &config); err != nil {
		return nil, err
	}
	var created []string
	for _, h := range config.History {
		if !h.EmptyLayer {
			created = append(created, h.CreatedBy)
		}
	}
	layers := make([]layer, len(m.Layers))
	for i, l := range m.Layers {
		layers[i] = layer{Digest: l.Digest, Size: l.Size}
		if len(created) == len(layers) {
			layers[i].Created = created[i]
		}
	}
	markDependencies(layers)
	return layers, nil
}

var (
	ownLayer  = regexp.MustCompile(`^install app$`)
	ourLayer  = regexp.MustCompile(`^install `)
	peerLayer = regexp.MustCompile(`^COPY .*/app/\.venv /app/\.venv`)
)

// markDependencies tells by the history which layers hold dependencies. Of the
// peer's two copies of an environment the first is that of the dependencies.
func markDependencies(layers []layer) {
	copies := 0
	for i, l := range layers {
		switch {
		case peerLayer.MatchString(l.Created):
			copies++
			layers[i].Dependency = copies == 1
		case ownLayer.MatchString(l.Created):
		default:
			layers[i].Dependency = ourLayer.MatchString(l.Created)
		}
	}
}

// measure adds the sizes of the unpacked layers.
func (r repository) measure(layers []layer) error {
	for i, l := range layers {
		file, err := os.Open(r.blob(l.Digest))
		if err != nil {
			return err
		}
		zr, err := gzip.NewReader(file)
		if err == nil {
			layers[i].Uncompressed, err = io.Copy(io.Discard, zr)
		}
		file.Close()
		if err != nil {
			return fmt.Errorf("unpacking layer %s: %w", l.Digest, err)
		}
	}
	return nil
}

// recompress replaces the sizes of layers by those that an engine's compression
// gives: hack/frontend compresses for speed.
func (r repository) recompress(layers []layer) error {
	for i, l := range layers {
		file, err := os.Open(r.blob(l.Digest))
		if err != nil {
			return err
		}
		defer file.Close()
		zr, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		var size counter
		zw := gzip.NewWriter(&size)
		if layers[i].Uncompressed, err = io.Copy(zw, zr); err != nil {
			return fmt.Errorf("reading layer %s: %w", l.Digest, err)
		}
		if err := zw.Close(); err != nil {
			return err
		}
		layers[i].Size = int64(size)
	}
	return nil
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(data []byte) (int, error) {
	*c += counter(len(data))
	return len(data), nil
}

// pushed is what a build added to a repository.
type pushed struct {
	// Bytes are those of all new blobs, DependencyBytes those of new layers
	// with dependencies.
	Bytes           int64 `json:"bytes"`
	DependencyBytes int64 `json:"dependencyBytes"`
	Blobs           int   `json:"blobs"`
	// TotalDependencyBytes are those of all dependency layers of the image.
	TotalDependencyBytes int64 `json:"totalDependencyBytes"`
}

func (r repository) since(before map[string]int64, tag string) (*pushed, error) {
	after, err := r.blobs()
	if err != nil {
		return nil, err
	}
	layers, err := r.layers(tag)
	if err != nil {
		return nil, err
	}
	p := &pushed{}
	isNew := map[string]bool{}
	for digest, size := range after {
		if _, ok := before[digest]; !ok {
			p.Bytes += size
			p.Blobs++
			isNew[digest] = true
		}
	}
	for _, l := range layers {
		if l.Dependency {
			p.TotalDependencyBytes += l.Size
			if isNew[l.Digest] {
				p.DependencyBytes += l.Size
			}
		}
	}
	return p, nil
}
