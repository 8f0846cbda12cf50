// Package plane runs a real Kubernetes control plane as plain processes on loopback: etcd, API server,
// controller manager, scheduler, kwok in place of kubelets, two CSI drivers with their sidecars, the
// snapshot controller and cert-manager. Everything a lab has is under one directory, so that several can
// run at once; what a test needs to know is in DIR/lab.json (see Lab).
package plane

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Lab is the content of DIR/lab.json, which exists while the lab is up. All paths are absolute.
type Lab struct {
	Dir      string            `json:"dir"`
	Server   string            `json:"server"`    // URL of the API server
	CA       string            `json:"ca"`        // PEM file, the authority of the server's certificate
	Users    map[string]User   `json:"users"`     // admin, sre, colleague, auditor, tenant
	AuditLog string            `json:"audit_log"` // one JSON object per line and request; only people's requests carry their names
	Logs     string            `json:"logs"`      // NAME.log of each process
	Bin      string            `json:"bin"`       // the programs, kubectl among them
	Drivers  map[string]Driver `json:"drivers"`   // storage, by the name of the CSI driver
	Seconds  float64           `json:"seconds"`   // how long it took to come up
}

// User is somebody who can talk to the API server.
type User struct {
	Token      string `json:"token"`
	Kubeconfig string `json:"kubeconfig"`
	Context    string `json:"context"`
}

// Driver is where a CSI driver keeps its data; package csi says what is in these directories.
type Driver struct {
	Volumes   string `json:"volumes"`   // HANDLE/ holds the bytes of a volume
	Snapshots string `json:"snapshots"` // HANDLE/ holds the bytes of a snapshot
	Faults    string `json:"faults"`    // orders to misbehave
	Writers   string `json:"writers"`   // processes to stop while a volume is copied
}

func labFile(dir string) string { return filepath.Join(dir, "lab.json") }

// Read returns the lab that is up in dir.
func Read(dir string) (*Lab, error) {
	raw, err := os.ReadFile(labFile(dir))
	if err != nil {
		return nil, fmt.Errorf("no lab is up in %s: %w", dir, err)
	}
	lab := &Lab{}
	return lab, json.Unmarshal(raw, lab)
}

func (l *Lab) write() error {
	raw, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	file := labFile(l.Dir)
	if err := os.WriteFile(file+".new", append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
