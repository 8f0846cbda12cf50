package csi

import (
	"context"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ControllerPublishVolume is part of csi.ControllerServer.
func (d *Driver) ControllerPublishVolume(_ context.Context, r *csi.ControllerPublishVolumeRequest) (*csi.ControllerPublishVolumeResponse, error) {
	if !d.attach {
		return nil, status.Error(codes.Unimplemented, "volumes of this driver are not attached")
	}
	if err := required("volume_id", r.GetVolumeId(), "node_id", r.GetNodeId()); err != nil {
		return nil, err
	}
	if r.GetVolumeCapability() == nil {
		return nil, status.Error(codes.InvalidArgument, "volume_capability is missing")
	}
	if err := d.supports([]*csi.VolumeCapability{r.GetVolumeCapability()}); err != nil {
		return nil, err
	}
	d.change.Lock()
	defer d.change.Unlock()
	volume, err := d.volume(r.GetVolumeId())
	if err != nil {
		return nil, err
	}
	if !d.knowsNode(r.GetNodeId()) {
		return nil, status.Errorf(codes.NotFound, "there is no node %q", r.GetNodeId())
	}
	wanted := Usage{ReadOnly: r.GetReadonly(), Mode: r.GetVolumeCapability().GetAccessMode().GetMode().String()}
	for node, usage := range volume.Published {
		if node != r.GetNodeId() {
			return nil, status.Errorf(codes.FailedPrecondition, "volume %s is attached to node %s", volume.ID, node)
		}
		if usage != wanted {
			return nil, status.Errorf(codes.AlreadyExists, "volume %s is attached to node %s in another way", volume.ID, node)
		}
	}
	volume.Published = map[string]Usage{r.GetNodeId(): wanted}
	if err := d.store.save(volumesDir, volume.ID, volume); err != nil {
		return nil, internal(err)
	}
	return &csi.ControllerPublishVolumeResponse{}, nil
}

// ControllerUnpublishVolume is part of csi.ControllerServer.
func (d *Driver) ControllerUnpublishVolume(_ context.Context, r *csi.ControllerUnpublishVolumeRequest) (*csi.ControllerUnpublishVolumeResponse, error) {
	if !d.attach {
		return nil, status.Error(codes.Unimplemented, "volumes of this driver are not attached")
	}
	if err := required("volume_id", r.GetVolumeId()); err != nil {
		return nil, err
	}
	d.change.Lock()
	defer d.change.Unlock()
	var volume Volume
	exists, err := d.store.load(volumesDir, r.GetVolumeId(), &volume)
	if err != nil {
		return nil, internal(err)
	}
	if !exists {
		return &csi.ControllerUnpublishVolumeResponse{}, nil
	}
	if r.GetNodeId() == "" {
		volume.Published = nil // from all nodes
	} else {
		delete(volume.Published, r.GetNodeId())
	}
	if err := d.store.save(volumesDir, volume.ID, &volume); err != nil {
		return nil, internal(err)
	}
	return &csi.ControllerUnpublishVolumeResponse{}, nil
}
