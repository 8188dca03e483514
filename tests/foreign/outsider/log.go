package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = torchwood.TileHeight

// readLog checks the checkpoint's signature, every bundle against the lowest tiles, every tile above, the root, the
// inclusion of every entry, some hundred consistency proofs, and that there is no other file.
func readLog(dir, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	checkpoint, err := torchwood.ParseCheckpoint(opened.Text)
	if err != nil {
		return err
	}
	if checkpoint.Origin != verifier.Name() {
		return fmt.Errorf("origin %q", checkpoint.Origin)
	}
	hashes, err := readEntries(dir, checkpoint.N)
	if err != nil {
		return err
	}
	stored := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			if index >= int64(len(hashes)) {
				return nil, fmt.Errorf("no hash %d", index)
			}
			found[i] = hashes[index]
		}
		return found, nil
	})
	root, err := tlog.TreeHash(checkpoint.N, stored)
	if err != nil {
		return err
	}
	if root != checkpoint.Hash {
		return fmt.Errorf("the entries lead to %v, the checkpoint says %v", root, checkpoint.Hash)
	}
	tiles, err := readTiles(dir, checkpoint.N, stored)
	if err != nil {
		return err
	}
	if err := proveEntries(checkpoint.Tree, stored, hashes); err != nil {
		return err
	}
	trees, err := proveTrees(checkpoint.Tree, stored)
	if err != nil {
		return err
	}
	fmt.Printf("%d entries, %d tiles, %d prefixes\n", checkpoint.N, tiles, trees)
	return nil
}

// readEntries returns every stored hash of the tree over the entries in the bundles.
func readEntries(dir string, size int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = hashes[index]
		}
		return found, nil
	})
	for start := int64(0); start < size; start += 1 << height {
		wide := min(size-start, 1<<height)
		path := torchwood.TilePath(tlog.Tile{H: height, L: -1, N: start >> height, W: int(wide)})
		rest, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return nil, err
		}
		for n := start; n < start+wide; n++ {
			var entry []byte
			if entry, rest, err = torchwood.ReadTileEntry(rest); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			more, err := tlog.StoredHashes(n, entry, reader)
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, more...)
		}
		if len(rest) != 0 {
			return nil, fmt.Errorf("%s: %d bytes too many", path, len(rest))
		}
	}
	return hashes, nil
}

// readTiles holds each tile of the tree against the hashes, and looks for files that are none of them.
func readTiles(dir string, size int64, stored tlog.HashReader) (int, error) {
	known := map[string]bool{"checkpoint": true}
	count := 0
	for level := 0; size>>(height*level) > 0; level++ {
		for start := int64(0); start < size>>(height*level); start += 1 << height {
			wide := min(size>>(height*level)-start, 1<<height)
			tile := tlog.Tile{H: height, L: level, N: start >> height, W: int(wide)}
			path := torchwood.TilePath(tile)
			found, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil {
				return 0, err
			}
			expected, err := tlog.ReadTileData(tile, stored)
			if err != nil {
				return 0, err
			}
			if !bytes.Equal(found, expected) {
				return 0, fmt.Errorf("%s is not made of the entries", path)
			}
			known[path] = true
			if level == 0 {
				known[torchwood.TilePath(tlog.Tile{H: height, L: -1, N: tile.N, W: tile.W})] = true
			}
			count++
		}
	}
	return count, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err == nil && !entry.IsDir() && !known[filepath.ToSlash(name)] {
			return fmt.Errorf("%s is not of the tree", name)
		}
		return err
	})
}

func proveEntries(tree tlog.Tree, stored tlog.HashReader, hashes []tlog.Hash) error {
	for n := int64(0); n < tree.N; n++ {
		proof, err := tlog.ProveRecord(tree.N, n, stored)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, hashes[tlog.StoredHashIndex(0, n)]); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
	}
	return nil
}

func proveTrees(tree tlog.Tree, stored tlog.HashReader) (int, error) {
	count := 0
	for old := int64(1); old <= tree.N; old += max(1, tree.N/400) {
		before, err := tlog.TreeHash(old, stored)
		if err != nil {
			return 0, err
		}
		proof, err := tlog.ProveTree(tree.N, old, stored)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old, before); err != nil {
			return 0, fmt.Errorf("prefix %d: %w", old, err)
		}
		count++
	}
	return count, nil
}
