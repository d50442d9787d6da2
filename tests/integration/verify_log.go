// SPDX-License-Identifier: Apache-2.0

// Checks a published attestation log with golang.org/x/mod and nothing of ours: the checkpoint's
// signature, every entry's inclusion under its root from the tiles, and the entries themselves.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run verify_log.go DIR VKEY
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8
const tileWidth = 1 << tileHeight

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "verify_log: "+format+"\n", args...)
	os.Exit(1)
}

// The file of a tile in C2SP tlog-tiles, which leaves out the height that Go's own paths carry.
func tilePath(t tlog.Tile) string {
	index := fmt.Sprintf("%03d", t.N%1000)
	for n := t.N / 1000; n > 0; n /= 1000 {
		index = fmt.Sprintf("x%03d/%s", n%1000, index)
	}
	level := strconv.Itoa(t.L)
	if t.L == -1 {
		level = "entries"
	}
	path := "tile/" + level + "/" + index
	if t.W < tileWidth {
		path += ".p/" + strconv.Itoa(t.W)
	}
	return path
}

// A partial tile that has since become full is a prefix of the full one.
func readTile(dir string, t tlog.Tile) ([]byte, bool, error) {
	data, err := os.ReadFile(filepath.Join(dir, tilePath(t)))
	if os.IsNotExist(err) && t.W < tileWidth {
		t.W = tileWidth
		data, err = os.ReadFile(filepath.Join(dir, tilePath(t)))
		return data, false, err
	}
	return data, true, err
}

type reader struct{ dir string }

func (r reader) Height() int                                { return tileHeight }
func (r reader) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, t := range tiles {
		data, _, err := readTile(r.dir, t)
		if err != nil {
			return nil, err
		}
		if size := t.W * tlog.HashSize; len(data) > size {
			data = data[:size]
		}
		out = append(out, data)
	}
	return out, nil
}

// Go's own tlog.ParseTree takes only the first line of the Go checksum database.
func parseCheckpoint(text, origin string) (tlog.Tree, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != origin {
		return tlog.Tree{}, fmt.Errorf("the checkpoint is not of %s", origin)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("bad size %q", lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("bad root %q", lines[2])
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

func readEntries(dir string, size int64) ([][]byte, error) {
	var out [][]byte
	for n := int64(0); n*tileWidth < size; n++ {
		width := size - n*tileWidth
		if width > tileWidth {
			width = tileWidth
		}
		tile := tlog.Tile{H: tileHeight, L: -1, N: n, W: int(width)}
		data, exact, err := readTile(dir, tile)
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s is cut at entry %d", tilePath(tile), i)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			out = append(out, data[2:end])
			data = data[end:]
		}
		if exact && len(data) != 0 {
			return nil, fmt.Errorf("%s has %d bytes after its entries", tilePath(tile), len(data))
		}
	}
	return out, nil
}

// The root made from the entries alone, without a tile.
func rootOf(entries [][]byte) (tlog.Hash, error) {
	var stored []tlog.Hash
	hashes := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = stored[index]
		}
		return out, nil
	})
	for i, entry := range entries {
		more, err := tlog.StoredHashes(int64(i), entry, hashes)
		if err != nil {
			return tlog.Hash{}, err
		}
		stored = append(stored, more...)
	}
	return tlog.TreeHash(int64(len(entries)), hashes)
}

func main() {
	if len(os.Args) != 3 {
		fail("usage: verify_log DIR VKEY")
	}
	dir, vkey := os.Args[1], os.Args[2]
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		fail("%v", err)
	}
	message, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		fail("%v", err)
	}
	opened, err := note.Open(message, note.VerifierList(verifier))
	if err != nil {
		fail("checkpoint: %v", err)
	}
	tree, err := parseCheckpoint(opened.Text, verifier.Name())
	if err != nil {
		fail("checkpoint: %v", err)
	}
	entries, err := readEntries(dir, tree.N)
	if err != nil {
		fail("%v", err)
	}
	root, err := rootOf(entries)
	if err != nil {
		fail("%v", err)
	}
	if tree.N > 0 && root != tree.Hash {
		fail("the entries hash to %v, the checkpoint signs %v", root, tree.Hash)
	}
	hashes := tlog.TileHashReader(tree, reader{dir})
	for i, entry := range entries {
		proof, err := tlog.ProveRecord(tree.N, int64(i), hashes)
		if err != nil {
			fail("entry %d: %v", i, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), tlog.RecordHash(entry)); err != nil {
			fail("entry %d: %v", i, err)
		}
	}
	fmt.Printf("checkpoint of %s: %d entries, root %v, %d inclusion proofs\n", verifier.Name(), tree.N, tree.Hash, len(entries))
}
