// Package csi is a CSI driver whose volumes are plain directories and whose snapshots are copies of
// them, so that a test can look at the bytes. It takes consistent group snapshots: writers that
// registered are stopped while their volumes are copied. A control file orders it to misbehave (see
// Fault). One process plays the controller and all nodes; it keeps no state outside its root directory,
// which two drivers must not share.
package csi

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Driver serves the CSI services for one storage system.
type Driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedControllerServer
	csi.UnimplementedGroupControllerServer
	csi.UnimplementedNodeServer

	name   string
	node   string
	attach bool
	store  store
	faults faults
	frozen freezer
	// change is held while volumes and snapshots are made or removed. One copy at a time also means
	// that no writer is let go while another copy still needs it stopped.
	change sync.Mutex
}

// Options say which driver this is.
type Options struct {
	Name string // as in CSIDriver.metadata.name
	Root string // directory for all its data
	Node string // the node this process answers for
	// Attach makes it block storage: volumes are attached to a node before use, and used by one node at
	// a time. Without it volumes are shared and never attached.
	Attach bool
}

// New opens the driver's root and lets writers run that an earlier process may have left stopped.
func New(o Options) (*Driver, error) {
	s, err := openStore(o.Root)
	if err != nil {
		return nil, err
	}
	d := &Driver{name: o.Name, node: o.Node, attach: o.Attach, store: s,
		faults: faults{filepath.Join(o.Root, faultsDir)}, frozen: freezer{filepath.Join(o.Root, writersDir)}}
	d.frozen.thawAll()
	return d, nil
}

// Serve answers on a unix socket until ctx ends; calls that run are finished first.
func (d *Driver) Serve(ctx context.Context, socket string) error {
	if err := os.RemoveAll(socket); err != nil {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", socket, err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(logCall))
	csi.RegisterIdentityServer(server, d)
	csi.RegisterControllerServer(server, d)
	csi.RegisterGroupControllerServer(server, d)
	csi.RegisterNodeServer(server, d)
	stop := context.AfterFunc(ctx, server.GracefulStop)
	defer stop()
	return server.Serve(listener)
}

func logCall(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	answer, err := handle(ctx, request)
	if info.FullMethod != "/csi.v1.Identity/Probe" {
		log.Printf("%s %v: %v", info.FullMethod, request, status.Convert(err).Err())
	}
	return answer, err
}

// GetPluginInfo is part of csi.IdentityServer.
func (d *Driver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: d.name, VendorVersion: "1.0.0"}, nil
}

// Probe is part of csi.IdentityServer.
func (d *Driver) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}

// GetPluginCapabilities is part of csi.IdentityServer.
func (d *Driver) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	answer := &csi.GetPluginCapabilitiesResponse{}
	for _, service := range []csi.PluginCapability_Service_Type{
		csi.PluginCapability_Service_CONTROLLER_SERVICE,
		csi.PluginCapability_Service_GROUP_CONTROLLER_SERVICE,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.PluginCapability{
			Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{Type: service}},
		})
	}
	return answer, nil
}

// required answers InvalidArgument for the first field that is empty; fields are name, value, name, value…
func required(fields ...string) error {
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] == "" {
			return status.Errorf(codes.InvalidArgument, "%s is missing", fields[i])
		}
	}
	return nil
}

func internal(err error) error { return status.Error(codes.Internal, err.Error()) }

// volume loads a volume that has to exist.
func (d *Driver) volume(id string) (*Volume, error) {
	return found[Volume](d.store, volumesDir, "volume", id)
}

// snapshot loads a snapshot that has to exist.
func (d *Driver) snapshot(id string) (*Snapshot, error) {
	return found[Snapshot](d.store, snapshotsDir, "snapshot", id)
}

// group loads a group snapshot that has to exist.
func (d *Driver) group(id string) (*Group, error) {
	return found[Group](d.store, groupsDir, "group snapshot", id)
}

func found[T any](s store, kind, noun, id string) (*T, error) {
	record := new(T)
	exists, err := s.load(kind, id, record)
	if err != nil {
		return nil, internal(err)
	}
	if !exists {
		return nil, status.Errorf(codes.NotFound, "there is no %s %q", noun, id)
	}
	return record, nil
}
