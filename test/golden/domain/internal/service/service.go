// Package service answers the calls of OrdersService: it checks what is asked, decides, and has the store save
// the change together with its events.
package service

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/acme/app/primitives/domain/orders/gen/acme/domain/orders/v1"
	"github.com/acme/app/primitives/domain/orders/internal/caller"
	"github.com/acme/app/primitives/domain/orders/internal/model"
	"github.com/acme/app/primitives/domain/orders/internal/outbox"
)

// Store is what the service needs of persistence. A change and its events are saved both or neither.
type Store interface {
	// CreateOrder saves a new one. If the tenant has used requestID before, it saves nothing and returns what was saved
	// then, as it is now.
	CreateOrder(ctx context.Context, requestID string, it model.Order, events ...outbox.Event) (model.Order, error)
	// GetOrder returns one, or model.ErrNotFound.
	GetOrder(ctx context.Context, tenant, id string) (model.Order, error)
	// SaveOrder saves a changed one over the version before its own, or returns model.ErrConflict if that is not what is
	// there.
	SaveOrder(ctx context.Context, it model.Order, events ...outbox.Event) error
}

// Service implements OrdersService.
type Service struct {
	// With a new call in the proto, this does not compile until the call is here.
	pb.UnsafeOrdersServiceServer
	store Store
}

// New returns the service on its store.
func New(store Store) *Service { return &Service{store: store} }

// CreateOrder creates one, once per request id.
func (s *Service) CreateOrder(context.Context, *pb.CreateOrderRequest) (*pb.CreateOrderResponse, error) {
	return nil, status.Error(codes.Unimplemented, "AMEIDE_SCAFFOLD: CreateOrder has to be implemented")
}

// GetOrder returns one.
func (s *Service) GetOrder(context.Context, *pb.GetOrderRequest) (*pb.GetOrderResponse, error) {
	return nil, status.Error(codes.Unimplemented, "AMEIDE_SCAFFOLD: GetOrder has to be implemented")
}

// RenameOrder is written as an example: load, decide, save unless another call has saved meanwhile.
func (s *Service) RenameOrder(ctx context.Context, req *pb.RenameOrderRequest) (*pb.RenameOrderResponse, error) {
	if !isText(req.GetTitle()) || strings.TrimSpace(req.GetTitle()) == "" {
		return nil, status.Error(codes.InvalidArgument, "title is not 1 to 200 characters without control characters")
	}
	from := caller.From(ctx)
	it, err := s.store.GetOrder(ctx, from.Tenant, req.GetId())
	if err != nil {
		return nil, statusOf(err)
	}
	if req.GetVersion() != 0 && req.GetVersion() != it.Version {
		return nil, statusOf(model.ErrConflict)
	}
	it.Title = req.GetTitle()
	it.Version++
	renamed, err := event(from, it, &pb.OrderRenamed{Order: message(it)})
	if err != nil {
		return nil, err
	}
	if err := s.store.SaveOrder(ctx, it, renamed); err != nil {
		return nil, statusOf(err)
	}
	return &pb.RenameOrderResponse{Order: message(it)}, nil
}

// event is what has happened to it by a call, with its data in the JSON of its message.
func event(from caller.Caller, it model.Order, told proto.Message) (outbox.Event, error) {
	data, err := protojson.Marshal(told)
	return outbox.Event{
		ID: rand.Text(), Tenant: it.Tenant, Type: string(told.ProtoReflect().Descriptor().FullName()),
		AggregateType: "order", AggregateID: it.ID, Time: model.Now(), Actor: from.Subject,
		TraceParent: from.TraceParent, TraceState: from.TraceState, Data: data,
	}, err
}

func message(it model.Order) *pb.Order {
	return &pb.Order{Id: it.ID, Title: it.Title, Version: it.Version, CreateTime: timestamppb.New(it.Created)}
}

// statusOf is an error of the store as its caller sees it. What has no status stays in the log.
func statusOf(err error) error {
	switch {
	case errors.Is(err, model.ErrNotFound):
		return status.Error(codes.NotFound, model.ErrNotFound.Error())
	case errors.Is(err, model.ErrConflict):
		return status.Error(codes.Aborted, model.ErrConflict.Error())
	default:
		return err
	}
}

// isText reports whether text is what a caller may name something.
func isText(text string) bool {
	length := utf8.RuneCountInString(text)
	return 1 <= length && length <= 200 && !strings.ContainsFunc(text, unicode.IsControl)
}
