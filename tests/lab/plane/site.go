package plane

import (
	"fmt"
	"path/filepath"
)

// site is a lab's directory and what was chosen for it before anything runs.
type site struct {
	dir string // absolute
	bin string // where the programs are

	etcdPort, peerPort, apiPort, kubeletPort int

	authority []byte // PEM
}

func (s *site) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

func (s *site) server() string { return fmt.Sprintf("https://%s:%d", loopback, s.apiPort) }
