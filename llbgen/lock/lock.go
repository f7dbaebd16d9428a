// Package lock reads lock files into one form, PEP 751's pylock.toml as Go
// values, and selects from it what one Python on one platform installs. It
// knows the formats uv.lock and pylock.toml, what makes a lock stale, and which
// hashes, names and addresses are acceptable. It knows no image, no BuildKit
// and no index; it reads no file, runs no program and opens no connection: uv
// itself turns uv.lock into pylock.toml, and its caller hands over both texts.
package lock

import (
	"time"

	"github.com/pyfrontend/pyfrontend/llbgen/packaging"
	"github.com/pyfrontend/pyfrontend/llbgen/spec"
)

// Lock is PEP 751 as Go values, with the place of each entry in the file the
// user committed. It is not changed after ParsePylock, so several goroutines
// may select from one.
type Lock struct {
	// File is the lock file the user knows: pylock.toml, or the uv.lock that
	// the pylock was exported from. It is relative to the build context.
	File           string
	RequiresPython packaging.Specifiers
	// Environments are the markers of which one must hold; none means any.
	Environments []*packaging.Marker
	// Extras, Groups and DefaultGroups are what the file offers to choose from.
	// uv's export has none of them: uv has chosen already.
	Extras, Groups, DefaultGroups []string
	// Packages are in file order.
	Packages []Package
	// At is the place of `requires-python`, else of the first line.
	At spec.Place
}

// Package is one entry. Exactly one of Wheels/Sdist, Directory, VCS and Archive
// is there.
type Package struct {
	// Name is normalised (PEP 503).
	Name string
	// Version is empty for a source tree whose version is not locked.
	Version string
	// Marker is nil if there is none.
	Marker         *packaging.Marker
	RequiresPython packaging.Specifiers
	// Index is the URL of the index the files come from, if stated.
	Index     string
	Wheels    []File
	Sdist     *File
	Directory *Directory
	VCS       *VCS
	Archive   *Archive
	// At is the entry's place in Lock.File.
	At spec.Place

	// version is Version, parsed.
	version packaging.Version
}

// File is one locked file: a wheel or a source archive.
type File struct {
	// Name is the file name, stated or taken from the URL or path.
	Name string
	// URL is where the file is; or else Path, relative to the build context.
	URL, Path string
	// SHA256 is 64 lower-case hexadecimal digits, or empty. What Select returns
	// has it.
	SHA256 string
	// Size is in bytes, 0 if it is not stated.
	Size int64
	// UploadTime is zero if it is not stated.
	UploadTime time.Time
	// At is the file's line in Lock.File, or else the package's.
	At spec.Place

	// otherHashes names the algorithms stated beside or instead of sha256.
	otherHashes string
	// wheel is the parsed Name, wheelErr why there is none.
	wheel    packaging.WheelName
	wheelErr error
	// outside is true where Path, then as stated, leaves the build context.
	outside bool
}

// Directory is a source tree: a workspace member or a path dependency.
type Directory struct {
	// Path is relative to the build context, cleaned; "." is the context.
	Path     string
	Editable bool
}

// VCS is a source repository at one commit.
type VCS struct{ Type, URL, Path, Revision, Commit, Subdirectory string }

// Archive is a file by its own address, outside an index: a wheel or a source
// archive, as File.Name tells.
type Archive struct {
	File         File
	Subdirectory string
}

// Distribution is one thing to install: a wheel, or a directory to build.
type Distribution struct {
	Name string
	// Version is empty for a directory whose version is not locked.
	Version string
	// File is the wheel; it is zero if Directory is set.
	File      File
	Directory *Directory
	// Index is the URL of the index the wheel comes from, if stated.
	Index string
	// Tags are the wheel's own.
	Tags []packaging.Tag
	At   spec.Place
}
