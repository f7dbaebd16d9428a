package lock

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUVLockErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, data, want string }{
		{"other version", "# made by uv\nversion = 2\nrevision = 1\n", "uv.lock:2:1: `uv.lock` has version 2; this pyfrontend reads version 1\n" +
			"  hint: use a newer pyfrontend, or make the lock with the uv that this one knows"},
		{"no version", "revision = 1", "uv.lock:1:1: `uv.lock` states no `version`\n  hint: run `uv lock` to make it again"},
		{"version is a string", "version = \"1\"", "uv.lock:1:1: `uv.lock` has version 1; this pyfrontend reads version 1\n" +
			"  hint: use a newer pyfrontend, or make the lock with the uv that this one knows"},
		{"any revision", "version = 1\nrevision = 99\nfuture = { a = 1 }\n[new]\nb = 2", ""},
		{"not TOML", "version = 1\n<<<<<<< HEAD\n", "uv.lock:2:1: `uv.lock` is not valid TOML: invalid character at start of key: U+003C '<'"},
		{"control characters", "version = 1\n[[package]]\nname = \"a\\u001b[2Jb\"\nsource = { virtual = \".\" }", "uv.lock:3:1: `a\\x1b[2Jb` is not a package name"},
		{"no source", "version = 1\n[[package]]\nname = \"a\"\n[[package]]\nname = \"b\"\nsource = { hg = \"x\" }",
			"uv.lock:2:3: the source of `a` is not understood\n  hint: use a newer pyfrontend, or make the lock again with `uv lock`\n" +
				"uv.lock:6:1: the source of `b` is not understood\n  hint: use a newer pyfrontend, or make the lock again with `uv lock`"},
		{"requires-python", "version = 1\nrequires-python = \"three\"", "uv.lock:2:1: `three` is not a version specifier"},
		{"too large", strings.Repeat("#", maxSize+1), "uv.lock: `uv.lock` is larger than 64 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseUVLock("uv.lock", []byte(test.data))
			if diff := cmp.Diff(test.want, lines(t, err)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	var got []string
	for _, name := range []string{"workspace", "direct", "fastapi", "dynamic"} {
		members, err := uvLock(t, name).Members()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			got = append(got, fmt.Sprintf("%s: %s %s %s %v", name, m.Name, m.Path, m.Kind, m.Workspace))
		}
	}
	want := []string{
		"workspace: api packages/api editable true",
		"workspace: core packages/core editable true",
		"workspace: root-app . editable true",
		"workspace: tools packages/tools editable true",
		"workspace: vendored vendor/vendored directory false",
		"direct: direct . virtual true",
		"direct: editme editme editable false",
		"direct: idna wheels/idna-3.10-py3-none-any.whl path false",
		"fastapi: shop . virtual true",
		"dynamic: dyn . editable true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMembersOutsideTheContext(t *testing.T) {
	t.Parallel()
	data := "version = 1\n"
	for i, path := range []string{"../shared", "/srv/x", "a/../../b", `C:\\x`, `a\u0000b`, "file:///x", "ok"} {
		data += fmt.Sprintf("[[distribution]]\nname = \"p%d\"\nsource = { editable = \"%s\" }\n", i, path)
	}
	u, err := ParseUVLock("uv.lock", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	members, err := u.Members()
	if len(members) != 1 || members[0].Path != "ok" {
		t.Errorf("members %+v", members)
	}
	const hint = "\n  hint: move it into the project, or build with the folder that holds both as the context"
	want := "uv.lock:4:1: `p0` lies at `../shared`, outside the build context" + hint +
		"\nuv.lock:7:1: `p1` lies at `/srv/x`, outside the build context" + hint +
		"\nuv.lock:10:1: `p2` lies at `a/../../b`, outside the build context" + hint +
		"\nuv.lock:13:1: `p3` lies at `C:\\x`, outside the build context" + hint +
		"\nuv.lock:16:1: `p4` lies at `a\\x00b`, outside the build context" + hint +
		"\nuv.lock:19:1: `p5` lies at `file:///x`, outside the build context" + hint
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	u, err = ParseUVLock("app/uv.lock", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	if members, _ = u.Members(); len(members) != 3 || members[0].Path != "shared" {
		t.Errorf("members of a lock in a folder %+v", members)
	}
}
