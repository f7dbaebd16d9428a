package plan

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pyfrontend/pyfrontend/llbgen/lock"
)

func distribution(name string, size int64) lock.Distribution {
	return lock.Distribution{Name: name, Version: "1.0", File: lock.File{Name: name + ".whl", Size: size}}
}

// many gives n small wheels and, for each ten of them, a large one.
func many(n int) []lock.Distribution {
	var all []lock.Distribution
	for i := range n {
		all = append(all, distribution(fmt.Sprintf("small%d", i), int64(20_000+i*i*7%400_000)))
		if i%10 == 0 {
			all = append(all, distribution(fmt.Sprintf("large%d", i), int64(5<<20+i*1_000_000)))
		}
	}
	return all
}

// assignment gives each wheel's companions, which is what its vertex depends on.
func assignment(distributions []lock.Distribution) map[string][]string {
	of := map[string][]string{}
	for _, b := range buckets(distributions) {
		var names []string
		for _, d := range b.Distributions {
			names = append(names, d.Name)
		}
		for _, name := range names {
			of[name] = names
		}
	}
	return of
}

func TestBucketsHoldEveryWheelOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 30, 300, 1500} {
		all := many(n)
		var seen []string
		got := buckets(all)
		for _, b := range got {
			var size int64
			for _, d := range b.Distributions {
				seen = append(seen, d.Name)
				size += d.File.Size
			}
			if size != b.Size {
				t.Errorf("n=%d: bucket %s says %d bytes and has %d", n, b.Name, b.Size, size)
			}
		}
		slices.Sort(seen)
		if len(seen) != len(all) || len(slices.Compact(seen)) != len(all) {
			t.Errorf("n=%d: %d wheels in buckets", n, len(seen))
		}
		if len(got) > 16 {
			t.Errorf("n=%d: %d buckets, an image has room for 16", n, len(got))
		}
	}
}

// One wheel more, and only the bucket it falls into changes.
func TestBucketsAreStable(t *testing.T) {
	t.Parallel()
	all := many(300)
	before := assignment(all)
	for i := range 40 {
		name := fmt.Sprintf("added%d", i)
		after := assignment(append(slices.Clone(all), distribution(name, 100_000)))
		companions := after[name]
		for other, group := range before {
			if slices.Equal(group, after[other]) {
				continue
			}
			shared := slices.Contains(companions, other)
			split := slices.ContainsFunc(group, func(n string) bool { return slices.Contains(companions, n) })
			if !shared && !split {
				t.Fatalf("adding %s moved %s, which is in another bucket", name, other)
			}
		}
	}
}

// A wheel of the other class never shares a bucket.
func TestBucketsKeepLargeApart(t *testing.T) {
	t.Parallel()
	for _, b := range buckets(many(100)) {
		large := 0
		for _, d := range b.Distributions {
			if d.File.Size >= classes[0].from {
				large++
			}
		}
		if large != 0 && large != len(b.Distributions) {
			t.Errorf("bucket %s mixes wheels of both classes", b.Name)
		}
	}
}
