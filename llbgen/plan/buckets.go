package plan

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
)

// A class of wheels is spread over at most 1<<bits buckets. Wheels of
// different classes never share a bucket, so that a small dependency is not
// pushed again together with a large one.
type class struct {
	name string
	// from is the smallest wheel of the class, in bytes.
	from int64
	// capacity is the size at which a bucket is split in two, in bytes.
	capacity int64
	bits     int
}

// classes are tried in order. With them an image has at most 16 layers of
// dependencies. The sizes are measured, see docs/performance.md.
var classes = []class{
	{"large", 4 << 20, 32 << 20, 3},
	{"small", 0, 3 << 20, 3},
}

// buckets groups wheels by extendible hashing over their names: a bucket that
// outgrows its capacity is split by the next bit of the hash, alone. So a
// wheel that comes or goes changes its own bucket and at times splits it, and
// never moves a wheel from one of the others.
func buckets(distributions []lock.Distribution) []Bucket {
	var all []Bucket
	for i, c := range classes {
		var members []lock.Distribution
		for _, d := range distributions {
			size := d.File.Size
			if size >= c.from && (i == 0 || size < classes[i-1].from) {
				members = append(members, d)
			}
		}
		all = append(all, c.split(members, 0, 0)...)
	}
	return all
}

func (c class) split(members []lock.Distribution, depth int, prefix byte) []Bucket {
	if len(members) == 0 {
		return nil
	}
	var size int64
	for _, d := range members {
		size += d.File.Size
	}
	if depth == c.bits || size <= c.capacity || len(members) == 1 {
		slices.SortFunc(members, func(a, b lock.Distribution) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
		})
		name := c.name
		if depth > 0 {
			name += fmt.Sprintf("-%0*b", depth, prefix)
		}
		return []Bucket{{Name: name, Distributions: members, Size: size}}
	}
	var halves [2][]lock.Distribution
	for _, d := range members {
		bit := sha256.Sum256([]byte(d.Name))[0] >> (7 - depth) & 1
		halves[bit] = append(halves[bit], d)
	}
	return append(
		c.split(halves[0], depth+1, prefix<<1),
		c.split(halves[1], depth+1, prefix<<1|1)...)
}
