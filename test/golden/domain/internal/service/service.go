// Package service answers the calls of OrdersService: it checks what is asked, decides, and has the store save
// the change together with the event that tells of it.
package service

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/acme/app/primitives/domain/orders/internal/gen/acme/domain/orders/v1"
	"github.com/acme/app/primitives/domain/orders/internal/item"
	"github.com/acme/app/primitives/domain/orders/internal/outbox"
)

// Store is what the service needs of persistence.
type Store interface {
	// CreateItem saves an item and the event that tells of it, both or neither. If the tenant has used requestID
	// before, it saves nothing and returns the item that was saved then.
	CreateItem(ctx context.Context, requestID string, it item.Item, event outbox.Event) (item.Item, error)
	// Item returns one item, or item.ErrNotFound.
	Item(ctx context.Context, tenant, id string) (item.Item, error)
}

// Service implements OrdersService.
type Service struct {
	pb.UnimplementedOrdersServiceServer
	store Store
}

// New returns the service on its store.
func New(store Store) *Service { return &Service{store: store} }

// CreateItem creates an item, once per request id.
func (s *Service) CreateItem(context.Context, *pb.CreateItemRequest) (*pb.CreateItemResponse, error) {
	return nil, status.Error(codes.Unimplemented, "AMEIDE_SCAFFOLD: CreateItem has to be implemented")
}

// GetItem returns one item.
func (s *Service) GetItem(context.Context, *pb.GetItemRequest) (*pb.GetItemResponse, error) {
	return nil, status.Error(codes.Unimplemented, "AMEIDE_SCAFFOLD: GetItem has to be implemented")
}
