package kube

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseSkipsEmptyDocumentsAndNamesBadOnes(t *testing.T) {
	objects, err := Parse([]byte("# only a comment\n---\nkind: A\nmetadata: {name: a, namespace: ns}\n---\n---\nkind: B\nmetadata: {name: b}\n"))
	if err != nil || len(objects) != 2 {
		t.Fatal(objects, err)
	}
	if Title(objects[0]) != "A ns/a" || Title(objects[1]) != "B b" {
		t.Error(Title(objects[0]), Title(objects[1]))
	}
	if _, err := Parse([]byte("kind: A\n---\n{")); err == nil || !strings.Contains(err.Error(), "document 2") {
		t.Errorf("got %v", err)
	}
}

func TestWaitSaysWhatIsMissingAndWhyItEnded(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), 10*time.Millisecond, errors.New("kwok ended"))
	defer cancel()
	err := Wait(ctx, func(context.Context) (string, error) { return "Pod shop/db-0 should be running", nil })
	if err == nil || !strings.Contains(err.Error(), "kwok ended") || !strings.Contains(err.Error(), "shop/db-0") {
		t.Errorf("got %v", err)
	}
}

func TestWaitGoesOnUntilNothingIsMissing(t *testing.T) {
	asked := 0
	err := Wait(context.Background(), func(context.Context) (string, error) {
		asked++
		switch asked {
		case 1:
			return "", errors.New("not reachable yet")
		case 2:
			return "something", nil
		}
		return "", nil
	})
	if err != nil || asked != 3 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}
