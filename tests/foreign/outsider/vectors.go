package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// vector is one proof, right or spoiled, and whether transparency-dev/merkle takes it.
type vector struct {
	Kind     string   `json:"kind"`
	What     string   `json:"what"`
	Index    uint64   `json:"index"`
	Old      uint64   `json:"old"`
	Size     uint64   `json:"size"`
	Leaf     []byte   `json:"leaf"`
	OldRoot  []byte   `json:"old_root"`
	Root     []byte   `json:"root"`
	Proof    [][]byte `json:"proof"`
	Accepted bool     `json:"accepted"`
}

func (v *vector) judge() {
	hasher := rfc6962.DefaultHasher
	if v.Kind == "inclusion" {
		v.Accepted = proof.VerifyInclusion(hasher, v.Index, v.Size, v.Leaf, v.Proof, v.Root) == nil
	} else {
		v.Accepted = proof.VerifyConsistency(hasher, v.Old, v.Size, v.Proof, v.OldRoot, v.Root) == nil
	}
}

// tree keeps every complete subtree, by its place, and the root of every size.
type tree struct {
	leaves [][]byte
	nodes  map[compact.NodeID][]byte
	roots  [][]byte
}

func grow(size int) (*tree, error) {
	made := &tree{nodes: map[compact.NodeID][]byte{}}
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	all := factory.NewEmptyRange(0)
	for n := 0; n <= size; n++ {
		root := rfc6962.DefaultHasher.EmptyRoot()
		if n > 0 {
			var err error
			if root, err = all.GetRootHash(nil); err != nil {
				return nil, err
			}
		}
		made.roots = append(made.roots, root)
		leaf := rfc6962.DefaultHasher.HashLeaf([]byte(strconv.Itoa(n)))
		made.leaves = append(made.leaves, leaf)
		keep := func(id compact.NodeID, hash []byte) { made.nodes[id] = hash }
		if err := all.Append(leaf, keep); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (t *tree) path(nodes proof.Nodes) ([][]byte, error) {
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		hashes[i] = t.nodes[id]
	}
	return nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren)
}

func writeVectors(seed string) error {
	number, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return err
	}
	chance := rand.New(rand.NewPCG(number, number))
	made, err := grow(300)
	if err != nil {
		return err
	}
	var all []vector
	for size := uint64(1); size <= 300; size += 1 + chance.Uint64N(4) {
		index, old := chance.Uint64N(size), 1+chance.Uint64N(size)
		within, err := proof.Inclusion(index, size)
		if err != nil {
			return err
		}
		path, err := made.path(within)
		if err != nil {
			return err
		}
		between, err := proof.Consistency(old, size)
		if err != nil {
			return err
		}
		bridge, err := made.path(between)
		if err != nil {
			return err
		}
		root := made.roots[size]
		all = append(all, spoiled(vector{Kind: "inclusion", Index: index, Size: size, Leaf: made.leaves[index], Root: root, Proof: path}, chance)...)
		all = append(all, spoiled(vector{Kind: "consistency", Old: old, Size: size, OldRoot: made.roots[old], Root: root, Proof: bridge}, chance)...)
	}
	accepted := 0
	for i := range all {
		all[i].judge()
		if all[i].Accepted {
			accepted++
		}
	}
	if accepted == 0 || accepted == len(all) {
		return fmt.Errorf("%d of %d accepted: these vectors show nothing", accepted, len(all))
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

// spoiled returns the right proof and what an attacker or a mistake could make of it.
func spoiled(right vector, chance *rand.Rand) []vector {
	right.What = "as it is"
	all := []vector{right}
	change := func(what string, with func(*vector)) {
		wrong := right
		wrong.What = what
		wrong.Leaf, wrong.OldRoot, wrong.Root = clone(right.Leaf), clone(right.OldRoot), clone(right.Root)
		wrong.Proof = make([][]byte, len(right.Proof))
		for i, hash := range right.Proof {
			wrong.Proof[i] = clone(hash)
		}
		with(&wrong)
		all = append(all, wrong)
	}
	stray := rfc6962.DefaultHasher.HashLeaf([]byte("stray"))
	change("root", func(v *vector) { v.Root[chance.IntN(32)] ^= 1 })
	change("size + 1", func(v *vector) { v.Size++ })
	change("size - 1", func(v *vector) { v.Size-- })
	change("size * 2", func(v *vector) { v.Size *= 2 })
	change("longer", func(v *vector) { v.Proof = append(v.Proof, stray) })
	change("longer in front", func(v *vector) { v.Proof = append([][]byte{stray}, v.Proof...) })
	change("root at the end", func(v *vector) { v.Proof = append(v.Proof, v.Root) })
	change("no proof", func(v *vector) { v.Proof = nil })
	if len(right.Proof) > 0 {
		change("shorter", func(v *vector) { v.Proof = v.Proof[:len(v.Proof)-1] })
		change("shorter in front", func(v *vector) { v.Proof = v.Proof[1:] })
		change("one bit", func(v *vector) { v.Proof[chance.IntN(len(v.Proof))][chance.IntN(32)] ^= 1 << chance.IntN(8) })
	}
	if right.Kind == "inclusion" {
		change("leaf", func(v *vector) { v.Leaf[0] ^= 1 })
		change("index + 1", func(v *vector) { v.Index++ })
		change("index ^ 1", func(v *vector) { v.Index ^= 1 })
		change("index = size", func(v *vector) { v.Index = v.Size })
	} else {
		change("old root", func(v *vector) { v.OldRoot[0] ^= 1 })
		change("old + 1", func(v *vector) { v.Old++ })
		change("old - 1", func(v *vector) { v.Old-- })
		change("old = size", func(v *vector) { v.Old = v.Size })
		change("roots swapped", func(v *vector) { v.OldRoot, v.Root = v.Root, v.OldRoot })
	}
	return all
}

func clone(data []byte) []byte { return append([]byte(nil), data...) }
