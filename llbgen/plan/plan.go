// Package plan decides what an image is made of: from the declaration, the
// lock and what is known of the base image it makes a Plan for one platform,
// which says everything the compiler needs. It holds the tables of bases,
// Python versions, servers, build backends and system libraries. It knows no
// BuildKit, runs nothing and reads no file but through the fs.FS it is given.
package plan

import (
	"fmt"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// Venv is where the virtual environment lies in the image. It is outside the
// working directory, so that a bind mount over the application does not hide it.
//
// It is at the root because the times of directories above it, which no
// operation of BuildKit keeps, would be part of every layer.
const Venv = "/venv"

// UVVersion is the version of uv in the frontend image. It decides which
// `uv_build` requirements uv answers by itself.
const UVVersion = "0.13.9"

// Epoch is the time of every file that comes from a locked distribution or a
// base, in Unix seconds: 1980-01-01, the earliest a zip file can say. The
// user's SOURCE_DATE_EPOCH never replaces it, or each commit would reinstall
// everything.
const Epoch = 315532800

// Plan is one platform's image, decided. Slices are in their final order.
type Plan struct {
	Base   Base
	Target packaging.Target
	// Setup is what the base gets before anything is installed.
	Setup Setup
	// Buckets are the locked wheels, in groups that are installed together.
	Buckets []Bucket
	// Projects are built to wheels from the context: workspace members, path
	// dependencies and, in wheel mode, the project itself.
	Projects []Project
	// Files are the application files of directory mode; nil in wheel mode.
	Files *Files
	// Smoke is the import test; nil if the user turned it off.
	Smoke *Smoke
	Image Image
}

// Setup is what one file operation does to the base.
type Setup struct {
	// Trim removes the base's own installers, such as pip: true for a base
	// that the user did not name.
	Trim bool
	// Name, UID and Home are the user's, unless the base has one of that
	// number; 0 is root, which every base has.
	Name string
	UID  int
	Home string
	// Workdir is made, owned by root.
	Workdir string
	At      spec.Place
}

// Bucket is a group of wheels that one vertex installs.
type Bucket struct {
	// Name is stable: it depends on the names in the bucket, not on the rest.
	Name          string
	Distributions []lock.Distribution
	// Size is the sum of the wheels' sizes as the lock states them, in bytes.
	Size int64
}

// Project is a source tree of the context that becomes a wheel.
type Project struct {
	// Name is the distribution's name; Dir its directory in the context, "."
	// for the context itself.
	Name, Dir string
	// Include and Exclude are patterns relative to the context, in the form of
	// a .dockerignore.
	Include, Exclude []string
	// Requires is `requires` of [build-system]; Resolve tells that they have to
	// be resolved, because uv does not hold the backend itself.
	Requires []string
	Resolve  bool
	At       spec.Place
}

// Files are application files that are copied as they are.
type Files struct {
	Dir              string
	Include, Exclude []string
	Target           string
	At               spec.Place
}

// Smoke is the import test of the finished file system.
type Smoke struct {
	// Projects are the distributions whose top-level packages must import;
	// Modules are imported beside them.
	Projects, Modules []string
	// Server is the "module:object" that must exist; Interface is what the
	// server takes it for, "asgi" or "wsgi".
	Server, Interface string
	At                spec.Place
}

// Image is what goes into the image's config, over what the base has.
type Image struct {
	Command    []string
	Env        []spec.Pair
	Labels     []spec.Pair
	User       string
	Workdir    string
	Port       int // 0 for none
	StopSignal string
}

// TargetPlatform names the platform as uv's --python-platform does.
func (p *Plan) TargetPlatform() string {
	libc := "manylinux"
	if p.Target.Libc.Musl {
		libc = "musllinux"
	}
	return fmt.Sprintf("%s-%s_%d_%d", p.Target.Arch, libc, p.Target.Libc.Major, p.Target.Libc.Minor)
}
