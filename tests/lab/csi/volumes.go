package csi

import (
	"context"
	"os"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	defaultCapacity = 1 << 30
	maximalCapacity = 64 << 40

	// Parameters that csi-provisioner adds with --extra-create-metadata.
	claimNamespaceParameter = "csi.storage.k8s.io/pvc/namespace"
	claimNameParameter      = "csi.storage.k8s.io/pvc/name"
)

// ControllerGetCapabilities is part of csi.ControllerServer.
func (d *Driver) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	offered := []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
	}
	if d.attach {
		offered = append(offered,
			csi.ControllerServiceCapability_RPC_PUBLISH_UNPUBLISH_VOLUME,
			csi.ControllerServiceCapability_RPC_PUBLISH_READONLY)
	}
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, rpc := range offered {
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: rpc}},
		})
	}
	return answer, nil
}

// CreateVolume is part of csi.ControllerServer.
func (d *Driver) CreateVolume(ctx context.Context, r *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if err := required("name", r.GetName()); err != nil {
		return nil, err
	}
	if err := d.supports(r.GetVolumeCapabilities()); err != nil {
		return nil, err
	}
	capacity, err := capacityFor(r.GetCapacityRange())
	if err != nil {
		return nil, err
	}
	wanted := &Volume{
		ID: idFor(r.GetName()), Name: r.GetName(), Capacity: capacity,
		Claim: Claim{Namespace: r.GetParameters()[claimNamespaceParameter], Name: r.GetParameters()[claimNameParameter]},
		Source: Source{
			Snapshot: r.GetVolumeContentSource().GetSnapshot().GetSnapshotId(),
			Volume:   r.GetVolumeContentSource().GetVolume().GetVolumeId(),
		},
	}
	d.change.Lock()
	defer d.change.Unlock()
	var volume Volume
	exists, err := d.store.load(volumesDir, wanted.ID, &volume)
	if err != nil {
		return nil, internal(err)
	}
	if !exists {
		if err := d.makeVolume(ctx, wanted); err != nil {
			return nil, err
		}
		volume = *wanted
	} else if !fits(volume.Capacity, r.GetCapacityRange()) || volume.Source != wanted.Source {
		return nil, status.Errorf(codes.AlreadyExists, "volume %q exists with another size or source", r.GetName())
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId: volume.ID, CapacityBytes: volume.Capacity, ContentSource: r.GetVolumeContentSource(),
		VolumeContext: map[string]string{"path": d.store.data(volumesDir, volume.ID)},
	}}, nil
}

// makeVolume makes the directory, with the bytes of the source if there is one, and then the record.
func (d *Driver) makeVolume(ctx context.Context, v *Volume) error {
	target := d.store.data(volumesDir, v.ID)
	switch {
	case v.Source.Snapshot != "":
		snapshot, err := d.snapshot(v.Source.Snapshot)
		if err != nil {
			return err
		}
		if !snapshot.Ready(now()) {
			return status.Errorf(codes.Unavailable, "snapshot %s is not ready", snapshot.ID)
		}
		if v.Capacity < snapshot.Size {
			return status.Errorf(codes.OutOfRange, "%d bytes are less than snapshot %s has (%d)", v.Capacity, snapshot.ID, snapshot.Size)
		}
		if err := copyTree(ctx, d.store.data(snapshotsDir, snapshot.ID), target); err != nil {
			return internal(err)
		}
	case v.Source.Volume != "":
		source, err := d.volume(v.Source.Volume)
		if err != nil {
			return err
		}
		if v.Capacity < source.Capacity {
			return status.Errorf(codes.OutOfRange, "%d bytes are less than volume %s has (%d)", v.Capacity, source.ID, source.Capacity)
		}
		thaw, err := d.frozen.freeze([]string{source.ID})
		defer thaw()
		if err != nil {
			return internal(err)
		}
		if err := copyTree(ctx, d.store.data(volumesDir, source.ID), target); err != nil {
			return internal(err)
		}
	default:
		if err := os.RemoveAll(target); err != nil {
			return internal(err)
		}
		if err := os.Mkdir(target, 0o777); err != nil {
			return internal(err)
		}
		// Not subject to the umask: programs under other users keep their data here.
		if err := os.Chmod(target, 0o777); err != nil {
			return internal(err)
		}
	}
	if err := d.store.save(volumesDir, v.ID, v); err != nil {
		return internal(err)
	}
	return nil
}

// DeleteVolume is part of csi.ControllerServer.
func (d *Driver) DeleteVolume(_ context.Context, r *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	if err := required("volume_id", r.GetVolumeId()); err != nil {
		return nil, err
	}
	d.change.Lock()
	defer d.change.Unlock()
	var volume Volume
	if _, err := d.store.load(volumesDir, r.GetVolumeId(), &volume); err != nil {
		return nil, internal(err)
	}
	for node := range volume.Published {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %s is attached to node %s", volume.ID, node)
	}
	if err := d.store.remove(volumesDir, r.GetVolumeId()); err != nil {
		return nil, internal(err)
	}
	return &csi.DeleteVolumeResponse{}, nil
}

// ValidateVolumeCapabilities is part of csi.ControllerServer.
func (d *Driver) ValidateVolumeCapabilities(_ context.Context, r *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	if err := required("volume_id", r.GetVolumeId()); err != nil {
		return nil, err
	}
	if len(r.GetVolumeCapabilities()) == 0 {
		return nil, status.Error(codes.InvalidArgument, "volume_capabilities is missing")
	}
	if _, err := d.volume(r.GetVolumeId()); err != nil {
		return nil, err
	}
	if err := d.supports(r.GetVolumeCapabilities()); err != nil {
		return &csi.ValidateVolumeCapabilitiesResponse{Message: status.Convert(err).Message()}, nil
	}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
		VolumeContext: r.GetVolumeContext(), VolumeCapabilities: r.GetVolumeCapabilities(), Parameters: r.GetParameters(),
	}}, nil
}

// supports refuses capabilities that this storage does not have.
func (d *Driver) supports(capabilities []*csi.VolumeCapability) error {
	if len(capabilities) == 0 {
		return status.Error(codes.InvalidArgument, "volume_capabilities is missing")
	}
	for _, capability := range capabilities {
		if capability.GetAccessMode() == nil || capability.GetAccessType() == nil {
			return status.Error(codes.InvalidArgument, "a volume capability needs an access mode and an access type")
		}
		if capability.GetBlock() != nil {
			return status.Error(codes.InvalidArgument, "volumes are directories: no raw block access")
		}
		if d.attach && manyNodes(capability.GetAccessMode().GetMode()) {
			return status.Errorf(codes.InvalidArgument, "%s: a volume of %s is used by one node at a time", capability.GetAccessMode().GetMode(), d.name)
		}
	}
	return nil
}

func manyNodes(mode csi.VolumeCapability_AccessMode_Mode) bool {
	switch mode {
	case csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY,
		csi.VolumeCapability_AccessMode_MULTI_NODE_SINGLE_WRITER,
		csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER:
		return true
	default:
		return false
	}
}

// capacityFor decides the size of a new volume: what is required, else a small default within the limit.
func capacityFor(wanted *csi.CapacityRange) (int64, error) {
	size, limit := wanted.GetRequiredBytes(), wanted.GetLimitBytes()
	if size < 0 || limit < 0 {
		return 0, status.Error(codes.InvalidArgument, "a capacity is negative")
	}
	if size == 0 {
		size = defaultCapacity
		if limit > 0 && limit < size {
			size = limit
		}
	}
	if size > maximalCapacity || limit > 0 && size > limit {
		return 0, status.Errorf(codes.OutOfRange, "no volume can have at least %d and at most %d bytes", size, limit)
	}
	return size, nil
}

// fits tells whether a volume of this size satisfies a request.
func fits(size int64, wanted *csi.CapacityRange) bool {
	limit := wanted.GetLimitBytes()
	return size >= wanted.GetRequiredBytes() && (limit == 0 || size <= limit)
}

// knowsNode tells whether volumes can be attached to the node: NODES/NAME exists.
func (d *Driver) knowsNode(name string) bool {
	if name == d.node {
		return true
	}
	if name != filepath.Base(name) {
		return false
	}
	_, err := os.Stat(filepath.Join(d.store.root, nodesDir, name))
	return err == nil
}
