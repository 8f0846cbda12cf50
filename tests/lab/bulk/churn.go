package bulk

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"holdfast.test/lab/plane"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
)

// Churn changes claims that Add has made, one after the other, at this rate and for this long: each change gives a claim
// another objective of about a day, so that it is seen on a screen. It says how many were changed.
func Churn(ctx context.Context, dir string, count, perSecond int, last time.Duration) (int64, error) {
	if _, err := plane.Read(dir); err != nil {
		return 0, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", plane.OwnKubeconfig(dir))
	if err != nil {
		return 0, err
	}
	m, err := connect(config)
	if err != nil {
		return 0, err
	}
	var changed atomic.Int64
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(inFlight)
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	// Differs from run to run, because a patch that changes nothing is no change.
	day := 24*60 + int(time.Now().Unix()%600)
	for n, end := 0, time.After(last); ctx.Err() == nil; n++ {
		select {
		case <-end:
			return changed.Load(), all.Wait()
		case <-ctx.Done():
		case <-tick.C:
			all.Go(func() error {
				defer changed.Add(1)
				return m.changeOne(ctx, n%count, day+n/count)
			})
		}
	}
	return changed.Load(), all.Wait()
}

func (m *maker) changeOne(ctx context.Context, n, minutes int) error {
	claim := newClaim(n)
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"holdfast.dev/rpo":"%dm"}}}`, minutes)
	claims := m.builtin.CoreV1().PersistentVolumeClaims(claim.Namespace)
	_, err := claims.Patch(ctx, claim.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}
