package llbgen_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// graph is a marshalled definition in the order of its vertices.
type graph struct {
	ops      []*pb.Op
	numbers  map[string]int
	def      *llb.Definition
	metadata []llb.OpMetadata
}

func decode(def *llb.Definition) (*graph, error) {
	g := &graph{def: def, numbers: map[string]int{}}
	for _, data := range def.Def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(data); err != nil {
			return nil, err
		}
		dgst := digest.FromBytes(data)
		g.numbers[dgst.String()] = len(g.ops)
		g.ops = append(g.ops, op)
		g.metadata = append(g.metadata, def.Metadata[dgst])
	}
	return g, nil
}

// String gives one paragraph a vertex: its number, kind and name, what it is
// made of, and its inputs by number.
func (g *graph) String() string {
	var b strings.Builder
	for i, op := range g.ops {
		m := g.metadata[i]
		if op.Op == nil {
			fmt.Fprintf(&b, "%d. result of %s\n", i, g.inputs(op))
			continue
		}
		fmt.Fprintf(&b, "%d. %s\n", i, m.Description["llb.customname"])
		for _, l := range g.def.Source.Locations[digest.FromBytes(g.def.Def[i]).String()].GetLocations() {
			fmt.Fprintf(&b, "   at %s:%d\n", g.def.Source.Infos[l.SourceIndex].Filename, l.Ranges[0].Start.Line)
		}
		if m.ProgressGroup != nil {
			fmt.Fprintf(&b, "   group %s\n", m.ProgressGroup.Name)
		}
		for _, line := range g.lines(op) {
			fmt.Fprintf(&b, "   %s\n", line)
		}
	}
	return b.String()
}

func (g *graph) inputs(op *pb.Op) string {
	names := make([]string, len(op.Inputs))
	for i, in := range op.Inputs {
		names[i] = fmt.Sprint(g.numbers[in.Digest])
		if in.Index > 0 {
			names[i] += fmt.Sprintf("[%d]", in.Index)
		}
	}
	return strings.Join(names, ", ")
}

func (g *graph) lines(op *pb.Op) []string {
	switch o := op.Op.(type) {
	case *pb.Op_Source:
		lines := []string{"source " + o.Source.Identifier}
		for _, key := range slices.Sorted(mapKeys(o.Source.Attrs)) {
			lines = append(lines, fmt.Sprintf("%s = %s", key, o.Source.Attrs[key]))
		}
		return lines
	case *pb.Op_Exec:
		return g.exec(op, o.Exec)
	case *pb.Op_File:
		var lines []string
		for _, a := range o.File.Actions {
			lines = append(lines, fileAction(a))
		}
		return append(lines, "of "+g.inputs(op))
	case *pb.Op_Merge:
		return []string{"merge " + g.inputs(op)}
	case *pb.Op_Diff:
		return []string{"diff " + g.inputs(op)}
	}
	return []string{fmt.Sprintf("%T", op.Op)}
}

func (g *graph) exec(op *pb.Op, e *pb.ExecOp) []string {
	lines := []string{"run " + strings.Join(e.Meta.Args, " "), "network " + e.Network.String()}
	for _, v := range e.Meta.Env {
		lines = append(lines, "env "+v)
	}
	for _, m := range e.Mounts {
		line := "mount " + m.Dest
		switch {
		case m.MountType == pb.MountType_SECRET:
			line += " secret " + m.SecretOpt.ID
		case m.MountType == pb.MountType_TMPFS:
			line += " tmpfs"
		case m.Input < 0:
			line += " = scratch"
		default:
			in := op.Inputs[m.Input]
			line += fmt.Sprintf(" = %d", g.numbers[in.Digest])
			if in.Index > 0 {
				line += fmt.Sprintf("[%d]", in.Index)
			}
			line += m.Selector
		}
		if m.Readonly {
			line += " readonly"
		}
		if m.Output >= 0 {
			line += fmt.Sprintf(" -> [%d]", m.Output)
		}
		lines = append(lines, line)
	}
	return lines
}

func fileAction(a *pb.FileAction) string {
	switch f := a.Action.(type) {
	case *pb.FileAction_Mkdir:
		return fmt.Sprintf("mkdir %s %o", f.Mkdir.Path, f.Mkdir.Mode)
	case *pb.FileAction_Mkfile:
		return fmt.Sprintf("mkfile %s %o %q", f.Mkfile.Path, f.Mkfile.Mode, f.Mkfile.Data)
	case *pb.FileAction_Copy:
		return fmt.Sprintf("copy %s to %s include %v exclude %d patterns mode %q", f.Copy.Src, f.Copy.Dest, f.Copy.IncludePatterns, len(f.Copy.ExcludePatterns), f.Copy.ModeStr)
	}
	return fmt.Sprintf("%T", a.Action)
}

func mapKeys[K comparable, V any](m map[K]V) func(yield func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
