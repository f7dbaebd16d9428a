// Golden files show the whole way from a project to its graph. Each
// testdata/*.txtar holds a project, its pylock.toml as uv exports it, and what
// has to come out: want.llb and want.config, or want.err. After a change that
// is meant, run
//
//	go test ./llbgen -update
//
// and read the diff.
package llbgen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	capspb "github.com/moby/buildkit/util/apicaps/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/tools/txtar"

	"github.com/pyfrontend/pyfrontend/llbgen"
	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/plan"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

var update = flag.Bool("update", false, "rewrite the wanted results")

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := compileCase(t, archive)
			if *update {
				writeCase(t, file, archive, got)
				return
			}
			for _, f := range archive.Files {
				if strings.HasPrefix(f.Name, "want.") {
					if diff := cmp.Diff(string(f.Data), got[f.Name]); diff != "" {
						t.Errorf("%s (-want +got):\n%s", f.Name, diff)
					}
					delete(got, f.Name)
				}
			}
			for name := range got {
				t.Errorf("the case has no %s; run with -update", name)
			}
		})
	}
}

func writeCase(t *testing.T, file string, archive *txtar.Archive, got map[string]string) {
	archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "want.") })
	for _, name := range slices.Sorted(maps.Keys(got)) {
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got[name])})
	}
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// compileCase runs the compiler and gives its results as texts by name.
func compileCase(t *testing.T, archive *txtar.Archive) map[string]string {
	result, def, err := compile(t, archive, nil)
	if err != nil {
		var text strings.Builder
		for _, e := range spec.Errors(err) {
			text.WriteString(e.Error() + "\n")
		}
		if text.Len() == 0 {
			t.Fatal(err)
		}
		return map[string]string{"want.err": text.String()}
	}
	g, err := decode(def)
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.MarshalIndent(result.Config, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"want.llb": g.String(), "want.config": string(config) + "\n"}
}

// variant changes the options of a case before it is compiled.
type variant func(*llbgen.Options)

func compile(t *testing.T, archive *txtar.Archive, change variant) (*llbgen.Result, *llb.Definition, error) {
	t.Helper()
	files := fstest.MapFS{}
	for _, f := range archive.Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	p, o, err := prepare(t, archive, files)
	if err != nil {
		return nil, nil, err
	}
	if change != nil {
		change(&o)
	}
	for _, project := range p.Projects {
		if project.Resolve {
			o.Resolved[project.Name] = llbgen.Resolve(p, o, project, p.Index(), "2026-11-01")
			// Any wheel does for a build requirement here.
			o.BuildWheels[project.Name] = p.Buckets[0].Distributions[:1]
		}
	}
	result, err := llbgen.Generate(p, o)
	if err != nil {
		return nil, nil, err
	}
	def, err := result.Image.Marshal(context.Background(), llb.WithCaps(o.Caps), llb.Platform(o.Build), llb.LocalUniqueID("test"))
	return result, def, err
}

func prepare(t *testing.T, archive *txtar.Archive, files fstest.MapFS) (*plan.Plan, llbgen.Options, error) {
	read := func(name string) spec.File {
		if f, ok := files[name]; ok {
			return spec.File{Name: name, Data: f.Data}
		}
		return spec.File{Name: name}
	}
	build := "pyproject.toml"
	if _, ok := files["Dockerfile"]; ok {
		build = "Dockerfile"
	}
	s, err := spec.Parse(read(build), read("pyproject.toml"))
	if err != nil {
		return nil, llbgen.Options{}, err
	}
	l, err := lock.ParsePylock(files["pylock.toml"].Data, lock.Places{File: "pylock.toml"})
	if err != nil {
		return nil, llbgen.Options{}, err
	}
	target := ocispecs.Platform{OS: "linux", Architecture: comment(archive, "arch", "amd64")}
	members := map[string]*spec.Spec{".": s}
	manifests, _ := fs.Glob(files, "packages/*/pyproject.toml")
	for _, name := range manifests {
		if members[path.Dir(name)], err = spec.Parse(read(name), read(name)); err != nil {
			return nil, llbgen.Options{}, err
		}
	}
	p, err := plan.New(plan.Input{
		Spec: s, Lock: l, Context: files, Dir: ".", Members: members, Base: base(t, s),
		Arch: target.Architecture, Platform: "linux/" + target.Architecture, Target: comment(archive, "target", ""),
	})
	if err != nil {
		return nil, llbgen.Options{}, err
	}
	return p, options(p, target, comment(archive, "engine", "merge"), files), nil
}

// comment reads "key: value" from the text before the first file of a case.
func comment(archive *txtar.Archive, key, fallback string) string {
	for line := range strings.Lines(string(archive.Comment)) {
		if value, ok := strings.CutPrefix(line, key+": "); ok {
			return strings.TrimSpace(value)
		}
	}
	return fallback
}

func base(t *testing.T, s *spec.Spec) plan.Base {
	python, err := packaging.ParseVersion("3.13.9")
	if err != nil {
		t.Fatal(err)
	}
	_, known := plan.BaseRef(s, "3.13")
	return plan.Base{
		Ref: "python:3.13-slim", Pinned: "docker.io/library/python:3.13-slim@sha256:" + strings.Repeat("b", 64), Digest: "sha256:" + strings.Repeat("b", 64),
		Interpreter: "/usr/local/bin/python3.13", Python: python, Libc: packaging.Libc{Major: 2, Minor: 36}, Trim: known,
	}
}

func options(p *plan.Plan, target ocispecs.Platform, engine string, files fstest.MapFS) llbgen.Options {
	host := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	o := llbgen.Options{
		Platform: target, Build: host, Runs: target.Architecture == host.Architecture,
		Tools: llb.Image("docker.io/org/pyfrontend:1"),
		Base:  llb.Image(p.Base.Pinned, llb.Platform(target)), BuildBase: llb.Image(p.Base.Pinned, llb.Platform(host)),
		BaseImage: dockerspec.DockerOCIImage{Image: ocispecs.Image{History: []ocispecs.History{{CreatedBy: "base"}}}},
		Context: func(name string, include, exclude []string) (llb.State, error) {
			return llb.Local("context", llb.IncludePatterns(include), llb.SharedKeyHint(name), llb.LocalUniqueID("test")), nil
		},
		BuildWheels: map[string][]lock.Distribution{}, Resolved: map[string]llb.State{},
		Sources: map[string]*llb.SourceMap{}, Caps: caps(engine),
	}
	o.BaseImage.Config.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "PYTHON_VERSION=3.13.9"}
	for name, f := range files {
		o.Sources[name] = llb.NewSourceMap(nil, name, "TOML", f.Data)
	}
	return o
}

// caps are those of a current BuildKit, or of a dockerd with a graph driver.
func caps(engine string) apicaps.CapSet {
	all := pb.Caps.All()
	if engine == "linear" {
		all = slices.DeleteFunc(all, func(c *capspb.APICap) bool {
			return c.ID == string(pb.CapMergeOp) || c.ID == string(pb.CapDiffOp)
		})
	}
	return pb.Caps.CapSet(all)
}

// Same inputs, same bytes: nothing of a map's order gets into the graph.
func TestRepeatable(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/service.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, first, err := compile(t, archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 25 {
		shuffled := *archive
		shuffled.Files = slices.Clone(archive.Files)
		for i := range shuffled.Files {
			if shuffled.Files[i].Name == "pylock.toml" {
				shuffled.Files[i].Data = shufflePackages(shuffled.Files[i].Data)
			}
		}
		_, again, err := compile(t, &shuffled, func(o *llbgen.Options) { o.Sources = nil })
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(first.Def, again.Def, bytes.Equal) {
			t.Fatal("the graph depends on the order of the lock's packages")
		}
	}
}

func shufflePackages(pylock []byte) []byte {
	parts := strings.Split(string(pylock), "[[packages]]")
	rand.Shuffle(len(parts)-1, func(i, j int) { parts[i+1], parts[j+1] = parts[j+1], parts[i+1] })
	return []byte(strings.Join(parts, "[[packages]]"))
}

// What a request says of execs holds for every one of them; and no exec has a
// network but those that resolve.
func TestExecOptions(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*.txtar")
	execs := 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, def, err := compile(t, archive, func(o *llbgen.Options) {
			o.Exec = llbgen.Exec{
				Hosts: []llb.HostIP{{Host: "index.example", IP: net.IPv4(10, 0, 0, 1)}}, ShmSize: 1 << 20, Hostname: "builder",
				Ulimits: []*pb.Ulimit{{Name: "nofile", Soft: 1, Hard: 2}}, CgroupParent: "group", Resources: &pb.LinuxResources{Memory: 1 << 30},
			}
		})
		if err != nil {
			continue // a case of a mistake
		}
		g, err := decode(def)
		if err != nil {
			t.Fatal(err)
		}
		for i, op := range g.ops {
			e := op.GetExec()
			if e == nil {
				continue
			}
			execs++
			name := g.metadata[i].Description["llb.customname"]
			resolves := e.Meta.Args[1] == "resolve"
			if (e.Network == pb.NetMode_NONE) == resolves {
				t.Errorf("%s: %s: network is %s", file, name, e.Network)
			}
			// Only what resolves sees the certificates: no code of a project
			// ever runs beside a secret.
			secret := slices.ContainsFunc(e.Mounts, func(m *pb.Mount) bool { return m.MountType == pb.MountType_SECRET })
			if secret && !resolves {
				t.Errorf("%s: %s: has a secret", file, name)
			}
			shm := slices.ContainsFunc(e.Mounts, func(m *pb.Mount) bool { return m.Dest == "/dev/shm" && m.TmpfsOpt.GetSize() == 1<<20 })
			if len(e.Meta.ExtraHosts) != 1 || len(e.Meta.Ulimit) != 1 || e.Meta.CgroupParent != "group" || e.Meta.Hostname != "builder" || !shm {
				t.Errorf("%s: %s: lacks an option of the request", file, name)
			}
		}
	}
	if execs == 0 {
		t.Error("no case has an exec")
	}
}

// The user's SOURCE_DATE_EPOCH reaches the config and the project, and no
// vertex of a dependency.
func TestEpoch(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/service.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dependencies := func(epoch *time.Time) map[string]bool {
		_, def, err := compile(t, archive, func(o *llbgen.Options) { o.Epoch = epoch })
		if err != nil {
			t.Fatal(err)
		}
		g, err := decode(def)
		if err != nil {
			t.Fatal(err)
		}
		digests := map[string]bool{}
		for dgst, i := range g.numbers {
			if e := g.ops[i].GetExec(); e != nil && e.Meta.Args[1] == "install" && !strings.Contains(g.metadata[i].Description["llb.customname"], "install shop") {
				digests[dgst] = true
			}
		}
		return digests
	}
	now := time.Unix(1700000000, 0).UTC()
	if diff := cmp.Diff(dependencies(nil), dependencies(&now)); diff != "" {
		t.Errorf("dependency vertices change with the epoch:\n%s", diff)
	}
}
