// Package tools is what agents can do here. The tools say what they take and give, and leave the rest to a port.
package tools

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
	"github.com/acme/app/primitives/integration/orders/internal/port"
)

// version is that of the tools' names, arguments and answers. An image is told by its digest.
const version = "1.0.0"

// callTimeout is for one call; it ends before the HTTP server gives up.
const callTimeout = 20 * time.Second

// errFailed is all that a caller learns of a failure that is not theirs. It is an error of the protocol and no answer of
// the tool: a model that read it would make another call, although this one may have been done.
var errFailed = &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "the call failed; it may be made again later"}

// Identify says who makes a request.
type Identify func(*mcp.RequestExtra) (caller.Caller, error)

// New returns an MCP server with all tools.
func New(log *slog.Logger, services port.Services, identify Identify) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "orders", Version: version}, &mcp.ServerOptions{
		// The tools stay the same while the process runs.
		Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}},
	})
	server.AddReceivingMiddleware(identified(log, identify), recovered(log))

	mcp.AddTool(server, &mcp.Tool{
		Name:        "get_order",
		Title:       "Get order",
		Description: "Returns one order by its id.",
		InputSchema: arguments[getOrder](),
		Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true, OpenWorldHint: new(false)},
	}, tool(log, func(ctx context.Context, from caller.Caller, in getOrder) (foundOrder, error) {
		it, err := services.GetOrder(ctx, from, in.ID)
		return foundOrder{ID: it.ID, Title: it.Title, Version: it.Version, Created: it.Created}, err
	}))

	mcp.AddTool(server, &mcp.Tool{
		Name:        "request_order",
		Title:       "Request a new order",
		Description: "Asks for a new order. The answer says that the request was accepted, not that it was done.",
		InputSchema: arguments[requestOrder](),
		Annotations: &mcp.ToolAnnotations{DestructiveHint: new(false), IdempotentHint: true, OpenWorldHint: new(false)},
	}, tool(log, func(ctx context.Context, from caller.Caller, in requestOrder) (acceptedRequest, error) {
		accepted, err := services.RequestOrder(ctx, from, port.Request{Key: in.IdempotencyKey, Title: in.Title})
		return acceptedRequest{Status: "accepted", RequestID: accepted.RequestID}, err
	}))
	return server
}

type getOrder struct {
	ID string `json:"id" jsonschema:"the id of the order"`
}

type foundOrder struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Version int64     `json:"version" jsonschema:"grows with every change"`
	Created time.Time `json:"created"`
}

type requestOrder struct {
	Title          string `json:"title" jsonschema:"the title of the new order"`
	IdempotencyKey string `json:"idempotencyKey" jsonschema:"any text; calls with the same one are the same request"`
}

type acceptedRequest struct {
	Status    string `json:"status" jsonschema:"always accepted"`
	RequestID string `json:"requestId" jsonschema:"the id of the request"`
}

// arguments is the schema of a tool's arguments, where no text is empty or very long.
func arguments[In any]() *jsonschema.Schema {
	schema, err := jsonschema.For[In](nil)
	if err != nil {
		panic(err) // In is no type for arguments.
	}
	for _, property := range schema.Properties {
		if property.Type == "string" {
			property.MinLength, property.MaxLength = new(1), new(200)
		}
	}
	return schema
}

// tool makes a tool of a call: what is refused is told to the caller, other failures only to the log.
func tool[In, Out any](
	log *slog.Logger, call func(context.Context, caller.Caller, In) (Out, error),
) mcp.ToolHandlerFor[In, Out] {
	return func(ctx context.Context, req *mcp.CallToolRequest, in In) (*mcp.CallToolResult, Out, error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		from := caller.From(ctx)
		out, err := call(ctx, from, in)
		if err == nil {
			return nil, out, nil
		}
		if refused, ok := errors.AsType[port.Refused](err); ok {
			return nil, out, refused
		}
		log.LogAttrs(ctx, slog.LevelError, "call failed",
			append(from.LogAttrs(), slog.String("tool", req.Params.Name), slog.String("error", err.Error()))...)
		return nil, out, errFailed
	}
}
