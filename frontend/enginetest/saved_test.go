package enginetest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"testing"
)

// saved reads an image from an engine's own store, through `docker save`. The
// layers of the base are read past.
func (e engine) saved(t *testing.T, ref string) *image {
	t.Helper()
	cmd := e.command(t, "save", ref)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	blobs := readBlobs(t, out)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("docker save %s: %v\n%s", ref, err, stderr.String())
	}
	var manifests []struct {
		Config string
		Layers []string
	}
	unmarshal(t, blobs["manifest.json"], &manifests)
	img := &image{ref: ref, platform: "linux/amd64"}
	unmarshal(t, blobs[manifests[0].Config], &img.config)
	img.name(t)
	for i := range img.layers {
		data, ok := blobs[manifests[0].Layers[img.base+i]]
		if !ok {
			t.Fatalf("layer %q was too large to be read", img.layers[i].created)
		}
		img.layers[i].read(t, data)
	}
	return img
}

// readBlobs reads the files of an archive that are not those of a base.
func readBlobs(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	const large = 8 << 20
	blobs := map[string][]byte{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return blobs
		}
		if err != nil {
			t.Fatal(fmt.Errorf("docker save: %w", err))
		}
		if h.Typeflag != tar.TypeReg || h.Size > large {
			continue
		}
		if blobs[h.Name], err = io.ReadAll(tr); err != nil {
			t.Fatal(err)
		}
	}
}
